"""Ports of this machine that behave badly before a word of HTTP is said."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Behaviour = Callable[[socket.socket], None]


def says_nothing(connection: socket.socket) -> None:
    """Takes what comes, answers never."""
    connection.settimeout(60)
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def resets(connection: socket.socket) -> None:
    """Resets as soon as something was asked."""
    with contextlib.suppress(OSError):
        connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs_up(connection: socket.socket) -> None:
    """Closes as soon as something was asked."""
    with contextlib.suppress(OSError):
        connection.recv(4096)


def says(data: bytes) -> Behaviour:
    """Says always the same."""

    def behaviour(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(data)

    return behaviour


def speaks_tls(certificate: Path) -> Behaviour:
    """Speaks TLS with a certificate (one file: key and certificate), and answers a page if anybody trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def behaviour(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            safe = context.wrap_socket(connection, server_side=True)
            safe.recv(4096)
            safe.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<button>Buy</button>")

    return behaviour


def a_certificate(folder: Path, *, name: str = "127.0.0.1", of: str = "") -> Path:
    """A certificate that nobody has signed but itself, with its key in one file; `of` is the name that clients look for."""
    file = folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName={of}"] if of else []
    subprocess.run([*command, "-keyout", file, "-out", folder / "half.pem"], check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "half.pem").read_text())
    return file


@contextmanager
def a_port(behaviour: Behaviour) -> Iterator[int]:
    """A listening port each of whose connections is treated so."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=32)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_treat, args=(behaviour, connection), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _treat(behaviour: Behaviour, connection: socket.socket) -> None:
    with connection:
        behaviour(connection)


@contextmanager
def a_full_port() -> Iterator[int]:
    """A port whose queue is full, so that packets to it are dropped: nothing connects, and nothing says why."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        waiting.append(client)
    try:
        yield listener.getsockname()[1]
    finally:
        for sock in (*waiting, listener):
            sock.close()


def a_closed_port() -> int:
    """A port that refuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def a_name_server(code: int | None = 0) -> Behaviour:
    """By TCP: answers every question with a response code; None says nothing."""

    def behaviour(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = connection.recv(2, socket.MSG_WAITALL)
            question = connection.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
            if code is not None:
                connection.sendall(head + question[:2] + bytes([0x80, code]) + question[4:])

    return behaviour
