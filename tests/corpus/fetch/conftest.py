"""A web server on the loopback that holds files and misbehaves as told."""

from __future__ import annotations

import http.server
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest


@dataclass
class Web:
    """What the server holds, by path with query: bytes; and what it does with the requests for each, in turn.

    Behaviours: ``drop`` (the connection breaks half-way), ``long`` (announces more than it sends), ``page`` (HTML with
    status 200), a number (that status), ``wait`` (429, Retry-After: 1), ``message`` (JSON with status 200), ``away``
    (302 to ``/elsewhere`` + path, with the sha256 in ``X-Linked-Etag`` where `linked` has it), ``plain`` (as asked).
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    behaviours: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    resumable: bool = True

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Handler(http.server.BaseHTTPRequestHandler):
    web: Web
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        web = self.web
        path = urllib.parse.unquote(self.path)
        web.requests.append((path, dict(self.headers)))
        queue = web.behaviours.get(path) or web.behaviours.get("*") or ["plain"]
        behaviour = queue.pop(0) if len(queue) > 1 else queue[0]
        if behaviour.isdigit():
            return self._answer(int(behaviour), b"")
        if behaviour == "wait":
            return self._answer(429, b"", {"Retry-After": "1"})
        if behaviour == "page":
            return self._answer(200, b"<!DOCTYPE html><html>Sign in</html>", {"Content-Type": "text/html"})
        if behaviour == "message":
            return self._answer(200, b'{"detail": "Not found"}', {"Content-Type": "application/json"})
        if behaviour == "away":
            extra = {"X-Linked-Etag": f'"{web.linked[path]}"'} if path in web.linked else {}
            return self._answer(302, b"", {"Location": "/elsewhere" + self.path, **extra})
        body = web.files.get(path.removeprefix("/elsewhere"))
        if body is None:
            return self._answer(404, b"")
        start, status, headers = 0, 200, {}
        if web.resumable:
            headers["ETag"] = f'"{len(body)}-{hash(body)}"'
            if "Range" in self.headers and self.headers.get("If-Range") == headers["ETag"]:
                start, status = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")), 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if path in web.links:
            headers["Link"] = web.links[path]
        body = body[start:]
        if behaviour == "drop":
            self._answer(status, body[: max(1, len(body) // 2)], headers, length=len(body))
            self.close_connection = True
        elif behaviour == "long":
            self._answer(status, body, headers, length=len(body) + 100)
            self.close_connection = True
        else:
            self._answer(status, body, headers)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = Web()
    handler = type("BoundHandler", (_Handler,), {"web": state})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()
