"""The rig: servers of this machine that misbehave in every way a receiver can, for whatever makes an outgoing call.

A `Rig` serves every behaviour of `BEHAVIOURS` by name; each listens on a port that the system chose. What a server sent and was
asked is kept. Nothing outlives the rig.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from process.connecting import Names, system_resolve

_DRIP_S = 0.02
_ZEROS = gzip.compress(bytes(64 * 1024 * 1024), compresslevel=1)


@dataclass(kw_only=True)
class Call:
    """One connection: what was asked, and how much was sent. `over` is set when the rig is closed."""

    sock: socket.socket
    over: threading.Event
    asked: bytes = b""
    sent: int = 0

    def say(self, data: bytes) -> None:
        """Send it all."""
        self.sock.sendall(data)
        self.sent += len(data)

    def drip(self, data: bytes) -> None:
        """Send a byte at a time, slowly."""
        for byte in data:
            if self.over.wait(_DRIP_S):
                return
            self.say(bytes([byte]))

    def take(self) -> None:
        """Read a whole request."""
        self.sock.settimeout(30)
        while b"\r\n\r\n" not in self.asked:
            self._more()
        head, _, body = self.asked.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        missing = (int(lengths[0].partition(b":")[2]) if lengths else 0) - len(body)
        while missing > 0:
            missing -= self._more()

    def _more(self) -> int:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("hung up")
        self.asked += data
        return len(data)


Behaviour = Callable[[Call], None]


def answers(status: int, *, body: bytes = b"ok", **headers: str) -> Behaviour:
    """Answers as it should; `_` in the name of a header stands for `-`."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    # It hangs up afterwards, and says so: a client that kept the connection would find it dead, by chance too late.
    head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{told}\r\n".encode()

    def behave(call: Call) -> None:
        call.take()
        call.say(head + body)

    return behave


def silent_after_accept(call: Call) -> None:
    """Takes the connection and nothing else."""
    call.over.wait()


def silent_after_request(call: Call) -> None:
    """Takes the request and says nothing."""
    call.take()
    call.over.wait()


def silent_after_headers(call: Call) -> None:
    """Says 200, and then nothing."""
    call.take()
    call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    call.over.wait()


def drips_headers(call: Call) -> None:
    """A byte of its headers at a time."""
    call.take()
    call.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 100_000)


def drips_body(call: Call) -> None:
    """Says 200, and then a byte of the content at a time."""
    call.take()
    call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    call.drip(b"x" * 1_000_000)


def endless(call: Call) -> None:
    """Content without end."""
    call.take()
    call.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while not call.over.is_set():
        call.say(b"x" * 65536)


def endless_headers(call: Call) -> None:
    """Headers without end."""
    call.take()
    call.say(b"HTTP/1.1 200 OK\r\n")
    while not call.over.is_set():
        call.say(b"X-More: and more\r\n" * 1000)


def endless_interim(call: Call) -> None:
    """Interim answers without end."""
    call.take()
    while not call.over.is_set():
        call.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


def endless_compressed(call: Call) -> None:
    """A little gzip that unpacks to 64 MB of zeros, again and again."""
    call.take()
    call.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    while not call.over.is_set():
        call.say(_ZEROS)


def compressed_to_much(call: Call) -> None:
    """A small whole answer of gzip that unpacks to 64 MB."""
    call.take()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(_ZEROS)}\r\n\r\n"
    call.say(head.encode() + _ZEROS)


def resets(call: Call) -> None:
    """Resets the connection once it was asked."""
    call.take()
    call.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def speaks_another_protocol(call: Call) -> None:
    """Answers, but not in HTTP."""
    call.take()
    call.say(b"220 mail.example.test ESMTP\r\n")


def answers_429_with_a_date(call: Call) -> None:
    """Wants another try a minute after its own date."""
    now = datetime.now(UTC)
    until = format_datetime(now + timedelta(seconds=60), usegmt=True)
    answers(429, Date=format_datetime(now, usegmt=True), Retry_After=until)(call)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "well": answers(200),
    "silent after accept": silent_after_accept,
    "silent after the request": silent_after_request,
    "silent after headers": silent_after_headers,
    "drips headers": drips_headers,
    "drips content": drips_body,
    "endless content": endless,
    "endless headers": endless_headers,
    "endless interim answers": endless_interim,
    "endless compressed": endless_compressed,
    "compressed to much": compressed_to_much,
    "429 with seconds": answers(429, Retry_After="60"),
    "429 with a date": answers_429_with_a_date,
    "500": answers(500),
    "redirect": answers(307, Location="http://127.0.0.1:9/elsewhere"),
    "200 with another body": answers(200, body=b'{"status": "success"}'),
    "204": answers(204, body=b""),
    "resets": resets,
    "not HTTP": speaks_another_protocol,
}


class Server:
    """A port each of whose connections is treated the same way."""

    def __init__(self, behave: Behaviour, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._behave, self._tls = behave, tls
        self._listener = socket.create_server((host, 0), backlog=64)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.calls: list[Call] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, do: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=do, args=args, name="receiver", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                call = Call(sock=sock, over=self._over)
                self.calls.append(call)
                self._start(self._treat, call)

    def _treat(self, call: Call) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._tls is not None:
                call.sock = self._tls.wrap_socket(call.sock, server_side=True)
            self._behave(call)
        call.sock.close()

    def close(self) -> None:
        """Hang up everywhere, and wait for that."""
        self._over.set()
        for sock in (self._listener, *(call.sock for call in self.calls)):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(10)


@dataclass
class Rig:
    """Every behaviour, each served when it is first asked for."""

    folder: Path | None = None
    _servers: dict[str, Server] = field(default_factory=dict)
    _full: list[socket.socket] = field(default_factory=list)
    _resolved: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Rig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resolved.set()
        for server in self._servers.values():
            server.close()
        for sock in self._full:
            sock.close()

    def server(self, name: str) -> Server:
        """The server of a behaviour."""
        if name not in self._servers:
            self._servers[name] = Server(BEHAVIOURS[name])
        return self._servers[name]

    def serve(self, name: str, behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Server:
        """Serve a behaviour of the test's own."""
        self._servers[name] = Server(behave, tls=tls)
        return self._servers[name]

    def url(self, name: str) -> str:
        """The address of a behaviour."""
        return f"http://127.0.0.1:{self.server(name).port}/hook"

    def calls(self, name: str) -> list[Call]:
        """The connections that it had so far."""
        return self.server(name).calls

    def names(self, **known: Sequence[tuple[str, int]]) -> Names:
        """A resolver by which `good.test` (written `good`) has these addresses and ports, in this order; and `slow.test` none ever."""

        def resolve(host: str, port: int) -> Sequence[Any]:
            label = host.removesuffix(".test")
            if label == "slow":
                self._resolved.wait()
            if label not in known:
                return system_resolve(host, port)
            return [
                (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, at))
                for address, at in known[label]
            ]

        return Names(resolve)

    def black_hole(self) -> tuple[str, int]:
        """An address whose every packet is lost: its queue of connections is full, and nobody takes any."""
        listener = socket.create_server(("127.0.0.2", 0), backlog=0)
        self._full.append(listener)
        address: tuple[str, int] = listener.getsockname()
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            self._full.append(sock)
        return address

    def closed_port(self) -> tuple[str, int]:
        """An address where nobody listens."""
        with socket.create_server(("127.0.0.3", 0)) as listener:
            address: tuple[str, int] = listener.getsockname()
        return address


def ends(do: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    """Call and return; fails where the call does not come to its end. The bound is far beyond any deadline of a test."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(do()), daemon=True)
    thread.start()
    thread.join(within_s)
    assert not thread.is_alive(), "it does not come to its end"
    assert result, "it raised"
    return result[0]


def no_thread(_thread: threading.Thread) -> None:
    """What starting a thread does where the system allows no more of them."""
    raise RuntimeError("no thread")
