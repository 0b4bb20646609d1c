"""Bring files of a set into a folder: several at once, resumed, bounded, checked, and recorded.

What fails is told at the end and does not stop the rest; running the same command again fetches what is missing only.
Which files there are and where is in :mod:`unfreeze.corpus.fetch.sets`, the transfer of one in
:mod:`unfreeze.files.download`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as LockTimeout

from unfreeze.corpus.fetch.delivery import Delivery, join_pieces
from unfreeze.corpus.fetch.record import FetchRecord
from unfreeze.corpus.fetch.remote import Client, RemoteFile
from unfreeze.corpus.fetch.sets import DataSet, find_set
from unfreeze.errors import InputError
from unfreeze.files.download import Patience, StoppedError

__all__ = ["MAX_BYTES", "FetchProgress", "FetchReport", "fetch", "plan"]

MAX_BYTES = 50_000_000_000
"""Most that one call fetches unless told otherwise, in bytes."""


@dataclass(frozen=True)
class FetchProgress:
    """How far a fetch has come: files and bytes of it, and of all (None where lengths are not published)."""

    n_files: int
    n_files_total: int
    n_bytes: int
    n_bytes_total: int | None
    last: str


@dataclass
class FetchReport:
    """What became of the files: fetched, there already, refused with the reason (by path)."""

    fetched: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0
    stopped: bool = False


def plan(
    name: str,
    ids: Sequence[str] = (),
    *,
    options: Mapping[str, str] | None = None,
    base_url: str | None = None,
    timeout_s: float = 30.0,
    backoff_s: float = 0.5,
    patience: Patience | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[RemoteFile]:
    """The files that :func:`fetch` would bring, with lengths where they are published.

    Raises
    ------
    InputError
        If the set, an id or an option is not known, or a listing does not come.
    """
    data_set = find_set(name)
    client = Client(
        base_url or data_set.base_url,
        timeout_s=timeout_s,
        backoff_s=backoff_s,
        patience=patience,
        should_stop=should_stop,
    )
    chosen = data_set.chosen(options or {})
    wanted = data_set.checked_ids(ids) if ids else _all_ids(data_set, client, chosen)
    return data_set.plan(client, wanted, chosen)


def fetch(
    name: str,
    ids: Sequence[str],
    destination: str | Path,
    *,
    options: Mapping[str, str] | None = None,
    base_url: str | None = None,
    workers: int = 4,
    max_bytes: int = MAX_BYTES,
    keep_archives: bool = False,
    timeout_s: float = 30.0,
    backoff_s: float = 0.5,
    on_progress: Callable[[FetchProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FetchReport:
    """Fetch files of a set.

    Parameters
    ----------
    name
        A key of :data:`unfreeze.corpus.fetch.sets.SETS`.
    ids
        Of its entries; empty for all, where the set has a list.
    destination
        A folder, made if it is not there; what it holds is recorded in its ``fetched.jsonl``.
    options
        Of the set.
    base_url
        A mirror with the same addresses below it.
    workers
        Files fetched at once.
    max_bytes
        Most that this call fetches, and most that an archive may unpack to, in bytes.
    keep_archives
        Keep archives beside what was unpacked from them.
    timeout_s, backoff_s
        Of a transfer: seconds of silence before it is given up, and before the second attempt.
    on_progress
        Told after every block, from any thread.
    should_stop
        Asked now and then; True ends it, and what has arrived is kept.

    Returns
    -------
    FetchReport
        What was fetched, was there, or failed and why.

    Raises
    ------
    InputError
        If nothing can be done at all: an unknown set or id, a folder in use or of another set, no listing.
    """
    data_set = find_set(name)
    folder = Path(destination)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".fetch.lock", timeout=0):
            patience = Patience()
            files = plan(
                name,
                ids,
                options=options,
                base_url=base_url,
                timeout_s=timeout_s,
                backoff_s=backoff_s,
                patience=patience,
                should_stop=should_stop,
            )
            head = {
                "schema_version": 1,
                "set": name,
                "url": base_url or data_set.base_url,
                "options": data_set.chosen(options or {}),
                "licence": data_set.licence,
                "citation": data_set.citation,
            }
            delivery = Delivery(
                folder,
                FetchRecord.open(folder, head),
                max_bytes=max_bytes,
                keep_archives=keep_archives,
                timeout_s=timeout_s,
                backoff_s=backoff_s,
                patience=patience,
                should_stop=should_stop,
            )
            return _run(files, delivery, max(1, workers), on_progress)
    except LockTimeout:
        raise InputError(
            f"{folder} is being written by another fetch; wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}).") from None


def _all_ids(data_set: DataSet, client: Client, options: Mapping[str, str]) -> list[str]:
    if not data_set.needs_ids:
        return []
    if data_set.list_ids is None:
        raise InputError(f"{data_set.name} has no list of its entries; give ids such as {data_set.id_example}.")
    found = data_set.checked_ids(data_set.list_ids(client, options))
    if not found:
        raise InputError(f"{client.base_url}: the listing of {data_set.name} names no entry; give ids.")
    return found


def _run(
    files: Sequence[RemoteFile], delivery: Delivery, workers: int, on_progress: Callable[[FetchProgress], None] | None
) -> FetchReport:
    report = FetchReport()
    lengths = [file.n_bytes for file in files]
    total = None if any(length is None for length in lengths) else sum(length or 0 for length in lengths)
    counted = threading.Lock()

    def tell(path: str) -> None:
        if on_progress:
            with counted:
                done = len(report.fetched) + len(report.present) + len(report.failed)
                on_progress(FetchProgress(done, len(files), delivery.n_bytes, total, path))

    delivery.on_bytes = tell
    delivery.expect(files)
    waiting: list[RemoteFile] = []
    for file in files:
        if delivery.is_there(file):
            delivery.tidy(file)
            report.present.append(file.path)
        else:
            waiting.append(file)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fetch")
    try:
        running: dict[Future[None], RemoteFile] = {}
        while waiting or running:
            while waiting and len(running) < workers and not delivery.is_stopped():
                file = waiting.pop(0)
                running[pool.submit(delivery.bring, file)] = file
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                _settle(running.pop(future), future, report)
                tell("")
    finally:
        delivery.stop()
        pool.shutdown(wait=True, cancel_futures=True)
        delivery.close()
    report.stopped = bool(waiting)
    for file in waiting:
        report.failed[file.path] = "not fetched: stopped before its turn"
    join_pieces(files, delivery, report.fetched, report.failed)
    report.n_bytes = delivery.n_bytes
    return report


def _settle(file: RemoteFile, future: Future[None], report: FetchReport) -> None:
    try:
        future.result()
    except StoppedError as error:
        report.failed[file.path] = str(error)
        report.stopped = True
    except InputError as error:
        report.failed[file.path] = str(error)
    except OSError as error:
        report.failed[file.path] = f"cannot be written ({error.strerror or error})"
    else:
        report.fetched.append(file.path)
