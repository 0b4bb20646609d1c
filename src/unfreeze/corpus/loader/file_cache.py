"""Files of a corpus that lies elsewhere, brought into a local folder when they are first needed.

Whole files, as a shard is what one commit wrote: checked on arrival against the checksum in the manifest (or the one
that sealed JSON carries itself), moved into place only then, and removed again, those unused for longest first, when
the folder grows beyond its bound. Any number of threads and processes may use the same folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import platformdirs
from filelock import FileLock

from unfreeze.corpus.store import DamagedCorpusError
from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path

__all__ = ["DEFAULT_BYTES", "RemoteFiles", "cache_folder", "shown"]

DEFAULT_BYTES = 50_000_000_000
"""Size of the local cache, unless ``UNFREEZE_CORPUS_CACHE_BYTES`` says otherwise."""

_MOST_JSON_BYTES = 2**31
_PIECE = 2**20
_N_LOCKS = 64
_N_ATTEMPTS = 4
_SPARED_S = 60.0  # a file as fresh as this may be about to be opened
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_RELATIVE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+ -]*(/[A-Za-z0-9_][A-Za-z0-9._+ -]*)*")
_SEALED = re.compile(rb'\{"sha256": "([0-9a-f]{64})",\n"[a-z_]+": ')


class RemoteFiles:
    """Files below a URL.

    Parameters
    ----------
    url
        Of the folder of the corpus, in any protocol that fsspec knows: ``https://``, ``s3://``, ``gs://``, ``memory://``.
    folder
        Local folder for what is fetched; the corpus has one of its own in it.
    most_bytes
        Bound on the size of `folder`, other corpora in it counted.
    wait_s
        Before a second attempt after a broken transfer; twice as long before each further one.

    Raises
    ------
    InputError
        If fsspec or what it needs for the protocol is not installed, or the URL is none.
    """

    def __init__(self, url: str, folder: Path, most_bytes: int, *, wait_s: float = 0.5) -> None:
        self.url = url.rstrip("/")
        self.folder = folder / hashlib.sha256(self.url.encode()).hexdigest()[:20]
        self.stamps: Mapping[str, str] = {}
        """What the index says of the state of every manifest: one that was fetched in the same state is still right."""
        self._all = folder
        self.most_bytes = most_bytes
        self._wait_s = wait_s
        self._session: set[str] = set()
        self._added: int | None = None
        self._pid = -1
        self._connect()

    def local(self, relative: str, sha256: str | None = None) -> Path:
        """Path of a local copy of a file; it is fetched if there is none.

        Parameters
        ----------
        relative
            Name within the corpus.
        sha256
            Its checksum. Without one it must be sealed JSON, and is fetched once by every object of this class (a
            manifest only when the index says that it changed).

        Raises
        ------
        InputError
            If there is no such file, or it cannot be fetched or kept.
        DamagedCorpusError
            If what arrives is not what it should be.
        """
        if not _RELATIVE.fullmatch(relative):
            raise DamagedCorpusError(f"{shown(self.url)}: {relative!r} is no name of a file of a corpus.")
        path = self._place(relative, sha256)
        fresh = sha256 is not None or str(path) in self._session or self._stamp(relative) is not None
        if fresh and self._is_there(path):
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock(path):
                if not (fresh and self._is_there(path)):
                    self._fetch(relative, path, sha256)
                self._session.add(str(path))
        except OSError as error:
            raise InputError(
                f"the cache {self._all} cannot be used ({error.strerror or error}); set UNFREEZE_CACHE to a folder "
                "that you can write to and that has room."
            ) from None
        return path

    def _place(self, relative: str, sha256: str | None) -> Path:
        path = self.folder / relative
        mark = self._stamp(relative) if sha256 is None else sha256[:16]
        return path if mark is None else path.with_name(f"{mark}-{path.name}")

    def _stamp(self, relative: str) -> str | None:
        folder, _, name = relative.rpartition("/")
        return self.stamps.get(folder.removeprefix("entries/")) if name == "manifest.json" else None

    def _is_there(self, path: Path) -> bool:
        try:
            os.utime(path)
        except OSError:
            return path.is_file()
        return True

    def _lock(self, path: Path) -> FileLock:
        number = int(hashlib.sha256(str(path).encode()).hexdigest()[:8], 16) % _N_LOCKS
        return FileLock(self.folder / f".lock-{number:02d}")

    def _connect(self) -> None:
        """Connect, again in a process that was forked."""
        if self._pid == os.getpid():
            return
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise InputError(f"{shown(self.url)} needs fsspec: pip install 'unfreeze[remote]'") from None
        try:
            self._system, self._root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise InputError(f"{shown(self.url)} cannot be opened: {error}") from None
        self._pid = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_system", "_root")} | {"_pid": -1}

    def _fetch(self, relative: str, path: Path, sha256: str | None) -> None:
        where = f"{shown(self.url)}/{relative}"
        reason = ""
        for attempt in range(_N_ATTEMPTS):
            if attempt:
                time.sleep(self._wait_s * 2 ** (attempt - 1))
            try:
                with atomic_path(path) as part:
                    written = self._transfer(relative, part, sha256)
                self._make_room(written)
                return
            except FileNotFoundError as error:
                cause = _other_cause(error)
                if cause is None:
                    raise InputError(
                        f"{where}: there is no such file. Check the URL, or tell who keeps the corpus."
                    ) from None
                reason = f"{type(cause).__name__}: {cause}"
            except PermissionError as error:
                raise InputError(f"{where}: access was refused ({error}). Check your credentials.") from None
            except DamagedCorpusError as error:
                reason = str(error)
                if attempt:  # the same again is no accident of the transfer
                    raise
            except InputError:
                raise
            except Exception as error:  # every protocol has errors of its own
                if isinstance(error, OSError) and error.errno in _FULL:
                    raise
                reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{where}: not fetched in {_N_ATTEMPTS} attempts ({reason}). Check the network and try again.")

    def _transfer(self, relative: str, part: Path, sha256: str | None) -> int:
        self._connect()
        most = self.most_bytes if sha256 else min(self.most_bytes, _MOST_JSON_BYTES)
        where = f"{shown(self.url)}/{relative}"
        # HTTP as one stream: its servers need not know of ranges
        options: dict[str, Any] = {"block_size": 0} if urlsplit(self.url).scheme in ("http", "https") else {}
        digest, written = hashlib.sha256(), 0
        with self._system.open(f"{self._root}/{relative}", "rb", **options) as source, open(part, "wb") as target:
            while piece := source.read(_PIECE):
                written += len(piece)
                if written > most:
                    raise InputError(
                        f"{where} is larger than the cache may be ({most / 1e9:.1f} GB); set "
                        "UNFREEZE_CORPUS_CACHE_BYTES to more."
                    )
                digest.update(piece)
                target.write(piece)
        if sha256 is None:
            _check_sealed(part.read_bytes(), where)
        elif digest.hexdigest() != sha256:
            raise DamagedCorpusError(
                f"{where}: what arrived ({written} bytes) does not have the checksum in the manifest. The corpus is "
                "damaged, or a proxy stands between: run `unfreeze corpus verify` where it lies."
            )
        return written

    def _make_room(self, written: int) -> None:
        """Remove what was unused for longest, if the folder is too large; looked at when a twentieth was added."""
        if self._added is not None:
            self._added += written
            if self._added < self.most_bytes / 20:
                return
        self._added = 0
        with FileLock(self._all / ".lock"):
            found = []
            for path in self._all.rglob("*"):
                with suppress(OSError):
                    if path.is_file() and not path.name.startswith("."):
                        state = path.stat()
                        found.append((state.st_mtime, state.st_size, path))
            total, now = sum(size for _, size, _ in found), time.time()
            for used, size, path in sorted(found):
                if total <= 0.9 * self.most_bytes or (total <= self.most_bytes and now - used < _SPARED_S):
                    break
                with suppress(OSError):
                    path.unlink()
                    total -= size


def _other_cause(error: BaseException) -> BaseException | None:
    """What else than absence it is that fsspec calls a file not found: no connection, or a server in trouble."""
    cause = error.__cause__
    while isinstance(cause, FileNotFoundError):
        cause = cause.__cause__
    return None if cause is None or getattr(cause, "status", None) in (404, 410) else cause


def cache_folder() -> Path:
    """Folder for corpora that lie elsewhere: below ``UNFREEZE_CACHE``, else the platform's cache folder."""
    chosen = os.environ.get("UNFREEZE_CACHE") or platformdirs.user_cache_dir("unfreeze")
    return Path(chosen).expanduser() / "corpora"


def shown(url: str) -> str:
    """A URL as it may be shown: without passwords and keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _check_sealed(data: bytes, where: str) -> None:
    found = _SEALED.match(data)
    body = data[found.end() : -2] if found else b""
    if not found or data[-2:] != b"}\n" or hashlib.sha256(body).hexdigest() != found[1].decode():
        kind = "an HTML page" if data.lstrip()[:1] == b"<" else f"{len(data)} bytes that are not as they were written"
        raise DamagedCorpusError(f"{where}: expected sealed JSON of a corpus, got {kind}.")
