"""Corpora below a URL: the same data, each file fetched once, checked, bounded, and not written to."""

from __future__ import annotations

import http.server
import multiprocessing
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from unfreeze.corpus.loader.file_cache import RemoteFiles
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize
from unfreeze.corpus.loader.remote import open_remote
from unfreeze.corpus.store import Corpus, DamagedCorpusError
from unfreeze.corpus.store.sealed import seal
from unfreeze.errors import InputError

pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unfreeze.corpus.loader.file_cache.time.sleep", lambda _: None)


@pytest.fixture
def in_memory(corpus: Corpus) -> Iterator[str]:
    """The corpus in fsspec's memory."""
    import fsspec

    system = fsspec.filesystem("memory")
    root = f"/{uuid.uuid4().hex}"
    for path in corpus.path.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            system.pipe_file(f"{root}/{path.relative_to(corpus.path).as_posix()}", path.read_bytes())
    yield f"memory:/{root}"
    system.rm(root, recursive=True)


class Server(http.server.ThreadingHTTPServer):
    """Serves a corpus over HTTP; `faults` says what to do to the next answers to GET, name by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.faults: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = self.server.folder / self.path.lstrip("/")
        fault = self.server.faults.pop(0) if body and self.server.faults else ""
        if fault == "unavailable":
            self.send_error(503)
            return
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        if fault == "flipped":
            data = data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]
        if fault == "page":
            data = b"<html>log in first</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data[: len(data) // 2] if fault == "dropped" else data)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def server(corpus: Corpus) -> Iterator[Server]:
    with Server(corpus.path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def coordinates(corpus: Corpus | str, **changes) -> list[np.ndarray]:
    loader = Loader(corpus, **({"seed": 1, "n_draws": 40, "batch": BatchSize(100)} | changes))
    return [batch.frames_nm for batch in loader]


def assert_same(one: list[np.ndarray], two: list[np.ndarray]) -> None:
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_corpus_in_memory_reads_as_the_one_on_disk(corpus: Corpus, in_memory: str) -> None:
    remote = Corpus.open(in_memory)
    assert remote.identifiers == corpus.identifiers and remote.record == corpus.record
    assert_same(coordinates(remote), coordinates(corpus))
    np.testing.assert_array_equal(remote.entry("c").complex.atom_name, corpus.entry("c").complex.atom_name)


def test_a_file_url(corpus: Corpus) -> None:
    assert_same(coordinates(corpus.path.as_uri()), coordinates(corpus))


def test_over_http_every_file_is_fetched_once_and_kept(corpus: Corpus, server: Server) -> None:
    assert_same(coordinates(server.url), coordinates(corpus))
    assert len(server.asked) == len(set(server.asked))
    assert any("coordinates" in path for path in server.asked)
    server.asked.clear()
    # another session asks for what may have changed only
    assert_same(coordinates(server.url + "/"), coordinates(corpus))
    assert sorted(server.asked) == ["/corpus.json", "/index.json"]


@pytest.mark.parametrize("fault", ["dropped", "flipped", "unavailable", "page"])
def test_an_accident_of_the_transfer_is_mended(corpus: Corpus, server: Server, fault: str) -> None:
    remote = Corpus.open(server.url)
    for name in ("entries/a/manifest.json", "entries/b/manifest.json"):
        server.faults = [fault]
        assert remote.files.local(name).read_bytes() == (corpus.path / name).read_bytes()
    server.faults = [fault]
    assert remote.entry("a").complex.n_atoms == corpus.entry("a").complex.n_atoms
    server.faults = [fault]
    np.testing.assert_array_equal(
        remote.entry("a").trajectory("R1").frame(3), corpus.entry("a").trajectory("R1").frame(3)
    )


@pytest.mark.parametrize(("fault", "words"), [("flipped", "checksum|sealed"), ("page", "HTML|checksum")])
def test_what_stays_wrong_is_refused_and_not_kept(server: Server, cache: Path, fault: str, words: str) -> None:
    remote = Corpus.open(server.url)
    server.faults = [fault] * 9
    with pytest.raises(DamagedCorpusError, match=words):
        remote.entry("a")
    server.faults = []
    entry = remote.entry("a")
    server.faults = [fault] * 9
    with pytest.raises(DamagedCorpusError, match="checksum"):
        _ = entry.complex
    assert not list(cache.rglob("*topology*"))


def test_no_corpus_no_network_and_no_such_protocol_are_told_apart(server: Server) -> None:
    with pytest.raises(InputError, match="no such file"):
        Corpus.open(server.url + "/elsewhere")
    with pytest.raises(InputError, match="Check the network"):
        Corpus.open("http://127.0.0.1:9/corpus")
    with pytest.raises(InputError, match="bogus"):
        Corpus.open("bogus://corpus")
    server.faults = ["unavailable"] * 99
    with pytest.raises(InputError, match="503"):
        Corpus.open(server.url)


def test_passwords_are_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        Corpus.open("http://someone:secret@127.0.0.1:9/corpus?key=hidden")
    assert "127.0.0.1:9/corpus" in str(caught.value).split(" ")[0]
    assert "secret" not in str(caught.value).split("(")[0]


def test_a_corpus_elsewhere_is_not_written_to(corpus: Corpus, in_memory: str) -> None:
    remote = Corpus.open(in_memory)
    for attempt in (
        lambda: remote.new_entry("new", corpus.entry("a").complex),
        lambda: remote.edit_entry("a"),
    ):
        with pytest.raises(InputError, match="read only"):
            attempt()


def test_what_was_added_is_seen_after_a_refresh(tmp_path: Path, fill, complexes) -> None:
    local = fill(tmp_path / "c", {name: complexes[name] for name in "ab"})
    with pytest.raises(InputError, match="no index"):
        Corpus.open((tmp_path / "c").as_uri())
    Corpus.open(tmp_path / "c")  # writes one
    remote = Corpus.open((tmp_path / "c").as_uri())
    with local.new_entry("late", complexes["d"]):
        pass
    Corpus.open(tmp_path / "c")
    assert "late" not in remote
    remote.refresh()
    assert "late" in remote and remote.entry("late").complex.n_atoms == complexes["d"].n_atoms


@pytest.mark.parametrize("entries", [[1], {"a": 3}, {"a": []}, {"a": ["../../x", "y"]}, {"a": [None, 1, []]}])
def test_an_index_that_is_none_is_refused(in_memory: str, entries) -> None:
    import fsspec

    document = {"version": 1, "written_ns": 1, "entries": entries}
    path = in_memory.removeprefix("memory:/") + "/index.json"
    fsspec.filesystem("memory").pipe_file(path, seal("index", document))
    with pytest.raises(DamagedCorpusError, match=r"index\.json"):
        Corpus.open(in_memory)


def test_names_that_lead_elsewhere_are_refused(in_memory: str, tmp_path: Path) -> None:
    files = RemoteFiles(in_memory, tmp_path / "x", 10**9)
    for name in ("../corpus.json", "/etc/passwd", "entries/../../x", "entries//x", ".lock", "a\\b", ""):
        with pytest.raises(DamagedCorpusError, match="no name"):
            files.local(name)


def test_the_cache_keeps_to_its_bound_and_goes_on(corpus: Corpus, in_memory: str, tmp_path: Path) -> None:
    expected = coordinates(corpus)
    remote = open_remote(in_memory, tmp_path / "cache", 120_000)
    # maps of files that were removed are let go of, so that they are fetched again
    from unfreeze.corpus.store.maps import close_maps

    found = []
    for batch in Loader(remote, seed=1, n_draws=40, batch=BatchSize(100), workers=0, cache_bytes=1):
        close_maps()
        found.append(batch.frames_nm)
        size = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
        assert size <= 130_000
    assert_same(found, expected)


def test_a_file_larger_than_the_cache_is_refused(in_memory: str, tmp_path: Path) -> None:
    remote = open_remote(in_memory, tmp_path / "cache", 10_000)
    with pytest.raises(InputError, match="UNFREEZE_CORPUS_CACHE_BYTES"):
        _ = remote.entry("a").complex


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_a_bound_that_is_no_number_is_refused(in_memory: str, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("UNFREEZE_CORPUS_CACHE_BYTES", text)
    with pytest.raises(InputError, match="expected a number"):
        Corpus.open(in_memory)


def _read(url: str, results) -> None:
    results.put(float(sum(np.abs(frames, dtype=np.float64).sum() for frames in coordinates(url, workers=2))))


@pytest.mark.skipif(os.name == "nt", reason="forks")
def test_several_processes_share_a_cache(corpus: Corpus, server: Server) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_read, args=(server.url, results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    expected = sum(np.abs(frames, dtype=np.float64).sum() for frames in coordinates(corpus))
    np.testing.assert_allclose(found, expected)
    data = [path for path in server.asked if "shards" in path]
    assert len(data) == len(set(data))
