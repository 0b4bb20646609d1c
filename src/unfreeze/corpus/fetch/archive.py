"""Zip and tar archives from outside, unpacked whole or not at all.

Every name must stay inside the folder, be there once (also where case does not count) and be a plain file or folder;
lengths are bounded as announced and as written, and checksums must hold. No owner, mode, link or date is kept.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from unfreeze.corpus.fetch.remote import safe_path
from unfreeze.errors import InputError

__all__ = ["MOST_FILES", "Unpacked", "looks_whole", "unpack"]

MOST_FILES = 1_000_000
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class Unpacked:
    """What came out of an archive: number of files and their bytes."""

    n_files: int
    n_bytes: int


@dataclass(frozen=True)
class _Member:
    path: str
    n_bytes: int
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path,
    folder: Path,
    *,
    max_bytes: int,
    should_stop: Callable[[], bool] | None = None,
) -> Unpacked:
    """Unpack an archive into a folder that does not exist yet.

    Parameters
    ----------
    archive
        A zip file, or a tar file, packed with gzip or not.
    folder
        Made by this; complete when it returns, absent if it raises.
    max_bytes
        Most that all files together may have.
    should_stop
        Asked between files.

    Raises
    ------
    InputError
        If the archive is damaged or not safe to unpack; the message names the member.
    """
    if folder.exists():
        raise InputError(f"{folder} is already there; it is not overwritten by what is in {archive.name}")
    partial = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        found = _unpack(archive, partial, max_bytes, should_stop)
        os.replace(partial, folder)
    except zipfile.LargeZipFile as error:
        raise InputError(f"{archive}: cannot be unpacked ({error})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return found


def looks_whole(archive: Path) -> bool:
    """Whether the end of an archive is there: the directory of a zip file, the last block of a gzip one.

    Raises
    ------
    InputError
        If it cannot be read, which says nothing of what is in it.
    """
    try:
        with archive.open("rb") as stream:
            mark = stream.read(2)
        if mark == b"PK":
            with zipfile.ZipFile(archive):
                return True
        if mark == _GZIP:
            _read_through(archive)
        with closing(_tar(archive)) as tar:
            while tar.next() is not None:
                pass
        return True
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{archive}: cannot be read ({error.strerror})") from None
        return False


def _read_through(archive: Path) -> None:
    """Read a gzip file to its end, where its checksum stands; tar readers stop before."""
    with gzip.open(archive, "rb") as stream:
        while stream.read(_BLOCK):
            pass


def _unpack(archive: Path, partial: Path, max_bytes: int, should_stop: Callable[[], bool] | None) -> Unpacked:
    n_files = n_bytes = 0
    try:
        for member in _members(archive, max_bytes):
            if should_stop and should_stop():
                raise InputError(f"{archive}: stopped; nothing of it is kept, and the same command unpacks it again.")
            target = partial.joinpath(*safe_path(member.path).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            n_bytes += _write(member, target, archive, max_bytes - n_bytes)
            n_files += 1
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"{archive}: a name is both a file and a folder ({error.filename}); refused") from None
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{archive}: cannot be unpacked to {partial.parent} ({error.strerror})") from None
        raise InputError(f"{archive}: the archive is damaged ({error}); delete it and fetch it again") from None
    if not n_files:
        raise InputError(f"{archive}: the archive is empty")
    return Unpacked(n_files, n_bytes)


def _write(member: _Member, target: Path, archive: Path, room: int) -> int:
    written = 0
    with member.open() as source, open(target, "xb") as stream:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > member.n_bytes or written > room:
                raise InputError(f"{archive}: {member.path} is longer than announced; refused")
            stream.write(block)
    if written != member.n_bytes:
        raise InputError(f"{archive}: {member.path} has {written} bytes, {member.n_bytes} were announced; refused")
    return written


def _members(archive: Path, max_bytes: int) -> Iterator[_Member]:
    """The plain files of an archive, each checked before it is given."""
    with archive.open("rb") as stream:
        mark = stream.read(2)
    if mark == b"PK":
        with zipfile.ZipFile(archive) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
            total = sum(info.file_size for info in infos)
            _check_sizes(archive, len(infos), total, max_bytes)
            guard = _Guard(archive)
            for info in infos:
                mode = info.external_attr >> 16
                if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                    raise InputError(f"{archive}: {info.filename!r} is a link or a special file; refused")
                if info.flag_bits & 1:
                    raise InputError(f"{archive}: {info.filename!r} is encrypted; expected plain files")
                guard.check(info.filename)
                yield _Member(info.filename, info.file_size, lambda info=info: opened.open(info))
        return
    if mark == _GZIP:
        _read_through(archive)
    with closing(_tar(archive)) as tar:
        guard, total, count = _Guard(archive), 0, 0
        for info in tar:
            if info.isdir():
                continue
            name = info.name.removeprefix("./")
            if not info.isreg() or info.sparse is not None:
                raise InputError(f"{archive}: {name!r} is a link or a special file; refused")
            total, count = total + info.size, count + 1
            _check_sizes(archive, count, total, max_bytes)
            guard.check(name)
            yield _Member(name, info.size, lambda info=info: _opened(tar, info))


class _Guard:
    """Refuses names that leave the folder or meet one another."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.seen: set[str] = set()

    def check(self, name: str) -> None:
        try:
            folded = str(safe_path(name)).casefold()
        except InputError as error:
            raise InputError(f"{self.archive}: {error}") from None
        if folded in self.seen:
            raise InputError(f"{self.archive}: {name!r} is there twice (letter case does not count); refused")
        self.seen.add(folded)


def _check_sizes(archive: Path, n_files: int, n_bytes: int, max_bytes: int) -> None:
    if n_files > MOST_FILES:
        raise InputError(f"{archive}: {n_files} files in it, at most {MOST_FILES} are unpacked")
    if n_bytes > max_bytes:
        raise InputError(
            f"{archive}: unpacks to {n_bytes / 1e6:.0f} MB or more, at most {max_bytes / 1e6:.0f} MB are allowed"
        )


def _tar(archive: Path) -> tarfile.TarFile:
    return tarfile.open(archive, "r:*")


def _opened(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} cannot be read")
    return stream
