"""One file of a fetch on its way: transfer, unpacking, joining of pieces, and the entry in the record.

Nothing that the user put into the folder is overwritten: a file there that the record does not know is taken if its
published length and digest agree, and otherwise refused.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import requests

from unfreeze.corpus.fetch.archive import Unpacked, looks_whole, unpack
from unfreeze.corpus.fetch.huggingface import digest_in_header
from unfreeze.corpus.fetch.record import FetchRecord
from unfreeze.corpus.fetch.remote import RemoteFile, accept, safe_path
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path, sync_directory, write_atomically
from unfreeze.files.download import (
    BrokenTransferError,
    Downloaded,
    Patience,
    StoppedError,
    Terms,
    checksum,
    download,
    open_session,
)

__all__ = ["Delivery", "join_pieces"]


class Delivery:
    """Brings files into a folder, from several threads at once.

    Parameters
    ----------
    folder
        The destination.
    record
        Its record.
    max_bytes
        Most bytes over all transfers of this run; also what an archive may unpack to.
    keep_archives, timeout_s, backoff_s, patience, should_stop
        As in :func:`unfreeze.corpus.fetch.fetching.fetch`.
    """

    def __init__(
        self,
        folder: Path,
        record: FetchRecord,
        *,
        max_bytes: int,
        keep_archives: bool,
        timeout_s: float,
        backoff_s: float,
        patience: Patience,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.folder = folder
        self.record = record
        self.max_bytes = max_bytes
        self.keep_archives = keep_archives
        self.timeout_s = timeout_s
        self.backoff_s = backoff_s
        self.patience = patience
        self.should_stop = should_stop
        self.on_bytes: Callable[[str], None] = lambda path: None
        self.n_bytes = 0
        self._spent = 0
        self._wholes: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._ended = threading.Event()

    def stop(self) -> None:
        """End all transfers soon; what has arrived is kept."""
        self._ended.set()

    def is_stopped(self) -> bool:
        """Whether no further transfer should begin."""
        return self._ended.is_set() or bool(self.should_stop and self.should_stop())

    def close(self) -> None:
        """Close the connections."""
        for session in self._sessions:
            session.close()

    def expect(self, files: Sequence[RemoteFile]) -> None:
        """Note which pieces make which files."""
        for file in files:
            if file.join:
                self._wholes.setdefault(file.join, []).append(file.url)

    def is_there(self, file: RemoteFile) -> bool:
        """Whether a file, or what it is a piece of, has been fetched already."""
        if file.join and self.is_joined(file.join):
            return True
        return self.record.is_there(file.path) and self.record.files[file.path].get("address") == file.url

    def is_joined(self, name: str) -> bool:
        """Whether a file has been put together from just these pieces."""
        return self.record.is_there(name) and self.record.files[name].get("pieces") == self._wholes[name]

    def tidy(self, file: RemoteFile) -> None:
        """Remove an archive that has been unpacked and is not to be kept."""
        if file.unpack_to is not None and not self.keep_archives:
            self.folder.joinpath(*safe_path(file.path).parts).unlink(missing_ok=True)

    def bring(self, file: RemoteFile) -> None:
        """Fetch a file into its place, unpack it if it is an archive, and record it.

        Raises
        ------
        InputError
            If it cannot be had; the message says why.
        """
        target = self.folder.joinpath(*safe_path(file.path).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.url.startswith("note:"):
            text = file.url.removeprefix("note:") + "\n"
            write_atomically(target, text)
            self.record.put(file.path, {"address": file.url, "bytes": len(text.encode())})
            return
        if self._was_placed(file):
            return
        earlier = {key: item for key, item in self.record.files.get(file.path, {}).items() if key == "unpacked"}
        got = self._adopt(file, target)
        if got is None:
            self.record.put(file.path, {"address": file.url, "state": "on its way", **earlier})
            got = self._download(file, target)
        item = {
            "address": file.url,
            "bytes": got.n_bytes,
            "sha256": got.checksums.get("sha256", ""),
            "published": dict(file.checksums),
            "identifier": file.identifier,
        }
        if file.licence:
            item["licence"] = file.licence
        if file.unpack_to is None:
            self.record.put(file.path, item)
            return
        self.record.put(file.path, {**item, "state": "packed", **earlier})
        unpacked, placed = self._unpack(file, target, item)
        self.record.put(
            file.path,
            {
                **item,
                "unpacked": {"folder": placed, "n_files": unpacked.n_files, "n_bytes": unpacked.n_bytes},
            },
        )
        if not self.keep_archives:
            target.unlink()

    def _was_placed(self, file: RemoteFile) -> bool:
        """Whether an earlier run was ended between placing what it had unpacked and saying so; then say so."""
        item = self.record.files.get(file.path, {})
        if item.get("state") != "unpacking" or item.get("address") != file.url:
            return False
        whole = {key: value for key, value in item.items() if key not in ("state", "fetched")}
        if not self.record.holds(whole):
            return False
        self.record.put(file.path, whole)
        self.tidy(file)
        return True

    def _adopt(self, file: RemoteFile, target: Path) -> Downloaded | None:
        """What is known of a file that lies there already, if it is the one that is wanted."""
        if not target.exists():
            return None
        if not target.is_file():
            raise InputError(f"{target} is a folder, where a file of the set should go; move it away.")
        length = target.stat().st_size
        known = self.record.files.get(file.path, {})
        found = checksum(target, tuple(dict.fromkeys((*file.checksums, "sha256"))))
        if file.checksums:
            same = all(found[name] == digest for name, digest in file.checksums.items())
        else:
            same = known.get("sha256") == found["sha256"] and known.get("address") == file.url
        if same and file.n_bytes in (None, length):
            return Downloaded(length, found, {})
        if self.record.knows(file.path):
            return None  # ours, but no longer what it was: fetched again
        raise InputError(f"{target} is there, but was not fetched from {file.url}; move it away to have it fetched.")

    def _download(self, file: RemoteFile, target: Path) -> Downloaded:
        archive = file.unpack_to is not None
        terms = Terms(
            name=file.path,
            max_bytes=self.max_bytes,
            expected_bytes=file.n_bytes,
            checksums=file.checksums,
            checksums_of=digest_in_header,
            record=("sha256",),
            absent=f"there is no file for {file.identifier or file.path}",
            if_absent="check the id, and the options of the set",
            by_hand=f"Look at {file.url} in a browser.",
            accept=accept(file.content),
            check=_check_archive if archive else None,
            on_bytes=lambda n: self._count(n, file),
            should_stop=self.is_stopped,
            timeout_s=self.timeout_s,
            backoff_s=self.backoff_s,
        )
        self._promise(file)
        return download(file.url, target, terms, session=self._session(), patience=self.patience)

    def _promise(self, file: RemoteFile) -> None:
        """Take a file of published length from what may be fetched, or refuse it."""
        with self._lock:
            if file.n_bytes is not None:
                if file.n_bytes > self.max_bytes - self._spent:
                    raise InputError(
                        f"{file.path} has {file.n_bytes / 1e6:.1f} MB, and a run may fetch "
                        f"{self.max_bytes / 1e6:.1f} MB in all; allow more (--max-size) or take fewer ids."
                    )
                self._spent += file.n_bytes

    def _count(self, n: int, file: RemoteFile) -> None:
        with self._lock:
            self.n_bytes += n
            if file.n_bytes is None:
                self._spent += n
            too_much = self._spent > self.max_bytes
        if too_much:
            self._ended.set()
            raise StoppedError(
                f"{file.path} was under way when the {self.max_bytes / 1e6:.1f} MB that a run may fetch were reached; "
                f"allow more (--max-size) or take fewer ids. What has arrived is kept."
            )
        self.on_bytes(file.path)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = open_session()
            with self._lock:
                self._sessions.append(self._local.session)
        return self._local.session

    def _unpack(self, file: RemoteFile, archive: Path, item: dict[str, object]) -> tuple[Unpacked, str]:
        """Unpack beside, then move into place: a named folder, or the one folder that is in the archive."""
        beside = self.folder / f".unpacked.{archive.name}"
        shutil.rmtree(beside, ignore_errors=True)
        try:
            unpacked = unpack(archive, beside, max_bytes=self.max_bytes, should_stop=self.is_stopped)
            entries = list(beside.iterdir())
            inner = entries[0] if len(entries) == 1 and entries[0].is_dir() else None
            stem = archive.name.removesuffix(".tgz").removesuffix(".tar.gz").removesuffix(".zip")
            name = file.unpack_to or (inner.name if inner else stem)
            place = self.folder.joinpath(*safe_path(name).parts)
            earlier = self.record.files.get(file.path, {}).get("unpacked", {})
            if place.exists():
                if earlier.get("folder") != name:
                    raise InputError(
                        f"{place} is there, but was not unpacked from {archive.name}; move it away to have it unpacked."
                    )
                _move_aside(place)
            placed = {"folder": name, "n_files": unpacked.n_files, "n_bytes": unpacked.n_bytes}
            self.record.put(file.path, {**item, "state": "unpacking", "unpacked": placed})
            os.replace(inner or beside, place)
            sync_directory(place.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return unpacked, name


def _move_aside(place: Path) -> None:
    """Make room for a folder that has lost files; what is left of it is the user's to look at."""
    number = 1
    while (aside := place.with_name(f"{place.name}.before-{number}")).exists():
        number += 1
    place.rename(aside)


def _check_archive(part: Path) -> None:
    if not looks_whole(part):
        raise BrokenTransferError("the archive is damaged or incomplete")


def join_pieces(files: Sequence[RemoteFile], delivery: Delivery, fetched: list[str], failed: dict[str, str]) -> None:
    """Put pieces together where all of a file are there; the pieces go, and the lists name the whole file."""
    wholes: dict[str, list[RemoteFile]] = {}
    for file in files:
        if file.join:
            wholes.setdefault(file.join, []).append(file)
    for name, pieces in wholes.items():
        paths = [delivery.folder.joinpath(*safe_path(piece.path).parts) for piece in pieces]
        if delivery.is_joined(name):
            continue
        if not all(delivery.is_there(piece) for piece in pieces):
            failed.setdefault(name, "not all pieces of it could be fetched")
            continue
        target = delivery.folder.joinpath(*safe_path(name).parts)
        if target.exists() and not delivery.record.knows(name):
            failed[name] = f"{target} is there, but was not fetched; move it away"
            continue
        delivery.record.put(name, {"address": pieces[0].url.partition("?")[0], "state": "on its way"})
        with atomic_path(target) as temporary, temporary.open("wb") as stream:
            for path in paths:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, stream, 1 << 20)
        digest = checksum(target)["sha256"]
        delivery.record.put(
            name,
            {
                "address": pieces[0].url.partition("?")[0],
                "pieces": [piece.url for piece in pieces],
                "bytes": target.stat().st_size,
                "sha256": digest,
                "identifier": pieces[0].identifier,
            },
        )
        for path, piece in zip(paths, pieces, strict=True):
            path.unlink()
            delivery.record.files.pop(piece.path, None)
            if piece.path in fetched:
                fetched.remove(piece.path)
        fetched.append(name)
