"""A gate before the demo shop that passes everything on, and breaks what it is told to on the way."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = ("connection", "content-length", "transfer-encoding", "keep-alive", "content-encoding", "date", "server")
_PATIENCE_S = 60.0


@dataclass
class Passing:
    """One request on its way, and its answer once the shop has given it."""

    method: str
    path: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    connection: socket.socket | None = None

    def replace(self, old: str, new: str) -> None:
        """Other words in the answer."""
        self.body = self.body.replace(old.encode(), new.encode())


class Done(Exception):  # noqa: N818 - an outcome: the connection has been dealt with
    """Nothing more is to be sent on this connection."""


Effect = Callable[[Passing], None]
"""Changes an answer, or deals with the connection itself and raises Done."""


def answers(status: int, body: str = "", kind: str = "text/html; charset=utf-8", **headers: str) -> Effect:
    """Another answer than the shop's; `server_name` in headers is written `server-name`."""

    def effect(passing: Passing) -> None:
        passing.status, passing.body = status, body.encode()
        passing.headers = {"content-type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}

    return effect


def edits(*changes: tuple[str, str]) -> Effect:
    """The shop's answer in other words."""

    def effect(passing: Passing) -> None:
        for old, new in changes:
            assert old.encode() in passing.body, f"{passing.path} does not say {old!r}"
            passing.replace(old, new)

    return effect


def adds(markup: str) -> Effect:
    """Something more at the end of the page's head."""
    return edits(("</head>", f"{markup}</head>"))


def never(passing: Passing) -> None:
    """The request is taken, and nothing ever comes."""
    assert passing.connection is not None
    with contextlib.suppress(OSError):
        passing.connection.settimeout(_PATIENCE_S)
        while passing.connection.recv(4096):
            pass
    raise Done


def closes(_passing: Passing) -> None:
    """The connection is closed without a word."""
    raise Done


def resets(passing: Passing) -> None:
    """The connection is reset."""
    assert passing.connection is not None
    # Lingering for no time at all: closing sends RST instead of FIN.
    passing.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    passing.connection.shutdown(socket.SHUT_RD)
    passing.connection.close()
    raise Done


def garbage(passing: Passing) -> None:
    """What comes is no HTTP."""
    _send(passing, b"\x16\x03\x01 what is this\r\n\r\n" * 20)


def cuts(passing: Passing) -> None:
    """The connection ends in the middle of the answer."""
    _send(passing, _head(passing, len(passing.body)) + passing.body[: len(passing.body) // 2])


def drips(passing: Passing) -> None:
    """A byte each half second."""
    _send(passing, _head(passing, len(passing.body)), end=False)
    assert passing.connection is not None
    with contextlib.suppress(OSError):
        for byte in passing.body:
            passing.connection.sendall(bytes([byte]))
            time.sleep(0.5)
    raise Done


def _head(passing: Passing, length: int) -> bytes:
    lines = [f"HTTP/1.1 {passing.status} OK", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in passing.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _send(passing: Passing, data: bytes, *, end: bool = True) -> None:
    assert passing.connection is not None
    with contextlib.suppress(OSError):
        passing.connection.sendall(data)
    if end:
        raise Done


@dataclass(frozen=True)
class Rule:
    """Which requests are broken and how."""

    method: str
    path: str
    effect: Effect

    def takes(self, method: str, path: str) -> bool:
        """Whether it is about a request; `path` is a pattern for path and query."""
        return self.method in (method, "*") and re.fullmatch(self.path, path) is not None


class Toll:
    """The gate: its address, and the rules of the moment."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self.rules: tuple[Rule, ...] = ()
        self.url = ""

    def passed_on(self, handler: BaseHTTPRequestHandler) -> Passing:
        """The shop's own answer to a request."""
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length) if length else None
        upstream = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=_PATIENCE_S)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "accept-encoding"}
        try:
            upstream.request(handler.command, handler.path, body=body, headers=headers)
            answer = upstream.getresponse()
            kept = {name.lower(): v for name, v in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Passing(handler.command, handler.path, answer.status, kept, answer.read(), handler.connection)
        finally:
            upstream.close()


@contextmanager
def a_toll(upstream: str) -> Iterator[Toll]:
    """A gate before an address, on a free port of this machine."""
    toll = Toll(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            rules = [rule for rule in toll.rules if rule.takes(self.command, self.path)]
            passing = toll.passed_on(self)
            self.close_connection = True
            try:
                for rule in rules:
                    rule.effect(passing)
            except Done:
                return
            with contextlib.suppress(OSError):
                head = _head(passing, len(passing.body)).replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
                self.wfile.write(head + passing.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A browser that is killed breaks its connections; that is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    toll.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield toll
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
