"""Downloading against a server on this machine that misbehaves in every way that servers do."""

from __future__ import annotations

import gzip
import http.server
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.structure.fetch import fetch_structure, is_pdb_id, normalise_pdb_id

# Bytes that gzip cannot shrink, so that the file is larger than any socket buffer.
CIF = b"data_1HVR\n# " + os.urandom(200_000).hex().encode() + b"\n"
BODY = gzip.compress(CIF)


@dataclass
class Server:
    """A web server on the loopback, and what it does with each request in turn."""

    url: str = ""
    behaviours: list[str] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    etag: str | None = '"one"'


class Handler(http.server.BaseHTTPRequestHandler):
    state: Server

    def log_message(self, format: str, *args: object) -> None:  # quiet
        return

    def do_GET(self) -> None:
        state = self.state
        state.requests.append(dict(self.headers))
        state.paths.append(self.path)
        behaviour = state.behaviours.pop(0) if len(state.behaviours) > 1 else state.behaviours[0]
        getattr(self, behaviour)()

    def _head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if self.state.etag:
            self.send_header("ETag", self.state.etag)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def _wanted(self) -> tuple[int, bytes]:
        start = 0
        if "Range" in self.headers and self.headers.get("If-Range") == self.state.etag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        return start, BODY[start:]

    def normal(self) -> None:
        start, body = self._wanted()
        if start:
            self._head(206, len(body), Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        else:
            self._head(200, len(body))
        self.wfile.write(body)

    def drop(self) -> None:
        start, body = self._wanted()
        if start:  # a resumed transfer breaks at once
            self._head(206, len(body), Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        else:
            self._head(200, len(body))
            self.wfile.write(body[:100_000])
        self.wfile.flush()
        self.close_connection = True

    def no_length(self) -> None:
        self._head(200, None)
        self.wfile.write(BODY)
        self.close_connection = True

    def encoded(self) -> None:
        self._head(200, len(BODY), Content_Encoding="gzip")
        self.wfile.write(BODY)

    def short_without_length(self) -> None:
        self._head(200, None)
        self.wfile.write(BODY[:-50])
        self.close_connection = True

    def wrong_range(self) -> None:
        self._head(206, len(BODY), Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
        self.wfile.write(BODY)

    def refuse_range(self) -> None:
        self._head(416 if "Range" in self.headers else 200, 0 if "Range" in self.headers else len(BODY))
        if "Range" not in self.headers:
            self.wfile.write(BODY)

    def flipped(self) -> None:
        body = bytearray(BODY)
        body[len(body) // 2] ^= 0xFF
        self._head(200, len(body))
        self.wfile.write(body)

    def absent(self) -> None:
        self._head(404, 0)

    def forbidden(self) -> None:
        self._head(403, 0)

    def busy(self) -> None:
        self._head(503, 0)

    def page(self) -> None:
        body = b"<!DOCTYPE html><html>Please sign in</html>"
        self._head(200, len(body), Content_Type="text/html")
        self.wfile.write(body)

    def not_a_structure(self) -> None:
        body = gzip.compress(b"hello\n")
        self._head(200, len(body))
        self.wfile.write(body)

    def claims_huge(self) -> None:
        self._head(200, 10**12)
        self.close_connection = True

    def endless(self) -> None:
        self._head(200, None)
        self.wfile.write(BODY[:2])
        try:
            for _ in range(100_000):
                self.wfile.write(bytes(65536))
        except OSError:
            pass
        self.close_connection = True

    def loop(self) -> None:
        self._head(302, 0, Location=self.path)

    def elsewhere(self) -> None:
        self._head(302, 0, Location=f"/mirror{self.path}")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = Server()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        state.url = f"http://127.0.0.1:{web.server_address[1]}"
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield state
        web.shutdown()
        thread.join()


def fetch(server: Server, folder: Path, *behaviours: str, **options: object) -> Path:
    server.behaviours = list(behaviours)
    return fetch_structure("1hvr", cache_directory=folder, base_url=server.url, backoff_s=0.0, **options)  # type: ignore[arg-type]


def resumed_at(request: dict[str, str]) -> int:
    return int(request["Range"].removeprefix("bytes=").removesuffix("-"))


def left_over(folder: Path) -> set[str]:
    return {path.name for path in (folder / "structures").iterdir() if not path.name.endswith(".lock")}


def test_downloads_once_and_then_uses_the_cache(server: Server, tmp_path: Path) -> None:
    path = fetch(server, tmp_path, "normal")
    assert path.read_bytes() == BODY
    assert server.paths == ["/1HVR.cif.gz"]
    assert fetch(server, tmp_path, "absent") == path
    assert len(server.requests) == 1
    assert left_over(tmp_path) == {"1HVR.cif.gz"}


def test_resumes_after_a_dropped_connection(server: Server, tmp_path: Path) -> None:
    path = fetch(server, tmp_path, "drop", "normal")
    assert path.read_bytes() == BODY
    assert 0 < resumed_at(server.requests[1]) <= 100_000
    assert server.requests[1]["If-Range"] == '"one"'


def test_resumes_in_a_later_run(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="after 4 attempts"):
        fetch(server, tmp_path, "drop", "busy")
    assert fetch(server, tmp_path, "normal").read_bytes() == BODY
    assert 0 < resumed_at(server.requests[-1]) <= 100_000


def test_starts_over_when_the_file_has_changed_on_the_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        fetch(server, tmp_path, "drop", "busy")
    server.etag = '"two"'
    assert fetch(server, tmp_path, "normal").read_bytes() == BODY


def test_does_not_splice_under_a_weak_etag(server: Server, tmp_path: Path) -> None:
    server.etag = 'W/"one"'
    assert fetch(server, tmp_path, "drop", "normal").read_bytes() == BODY
    assert "Range" not in server.requests[1]


@pytest.mark.parametrize("second", ["wrong_range", "refuse_range"])
def test_recovers_when_the_server_resumes_wrongly(server: Server, tmp_path: Path, second: str) -> None:
    assert fetch(server, tmp_path, "drop", second, "normal").read_bytes() == BODY


@pytest.mark.parametrize("first", ["busy", "short_without_length", "flipped", "drop"])
def test_tries_again_after_a_passing_fault(server: Server, tmp_path: Path, first: str) -> None:
    assert fetch(server, tmp_path, first, "normal").read_bytes() == BODY


@pytest.mark.parametrize("behaviour", ["no_length", "encoded"])
def test_accepts_an_answer_without_a_length_or_with_an_encoding(server: Server, tmp_path: Path, behaviour: str) -> None:
    assert fetch(server, tmp_path, behaviour).read_bytes() == BODY


def test_follows_a_redirect(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path, "elsewhere", "normal").read_bytes() == BODY
    assert server.paths[1] == "/mirror/1HVR.cif.gz"


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("absent", "there is no PDB entry 1HVR"),
        ("forbidden", "403"),
        ("busy", "503"),
        ("page", "an HTML page"),
        ("not_a_structure", "no mmCIF data block"),
        ("claims_huge", "larger than allowed"),
        ("endless", "larger than allowed"),
        ("flipped", "damaged"),
        ("drop", "connection broke|announced"),
        ("loop", "redirects without end"),
    ],
)
def test_refuses_with_the_reason_and_leaves_no_structure(
    server: Server, tmp_path: Path, behaviour: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fetch(server, tmp_path, behaviour, max_bytes=1_000_000)
    assert "1HVR.cif.gz" not in left_over(tmp_path)


def test_offline_says_what_to_do(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path))
    monkeypatch.setenv("UNFREEZE_RCSB_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"no network.*127\.0\.0\.1:9/1HVR\.cif\.gz yourself and give the file"):
        fetch_structure("1hvr", backoff_s=0.0, timeout_s=2.0)


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="UNFREEZE_CACHE"):
        fetch_structure("1hvr", cache_directory=tmp_path / "file", base_url="http://127.0.0.1:9")


def test_two_at_once_get_the_same_whole_file(server: Server, tmp_path: Path) -> None:
    results: list[Path] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(server, tmp_path, "normal"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == BODY for path in results] == [True] * 4
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1hvr", "1HVR"),
        ("1HVR", "1HVR"),
        ("pdb_00001hvr", "1HVR"),
        ("PDB_00001HVR", "1HVR"),
        ("pdb_1000a001", "pdb_1000a001"),
    ],
)
def test_ids_are_named_as_in_the_archive(text: str, name: str) -> None:
    assert normalise_pdb_id(text) == name


@pytest.mark.parametrize("text", ["", "hvr1", "1hv", "1hvrx", "pdb_1hvr", "../1hvr", "1hv/", "1hvr.cif"])
def test_other_texts_are_not_ids(text: str) -> None:
    assert not is_pdb_id(text)
    with pytest.raises(InputError, match="not a PDB id"):
        normalise_pdb_id(text)
