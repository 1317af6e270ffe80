"""Listening sockets that survive a shortage of file descriptors: no spinning, no pile of retries, and a client that is told."""

from __future__ import annotations

import errno
import os
import socket
import time
from contextlib import suppress
from typing import Any

from process.logs import get_logger

_log = get_logger("sixfb.connections")
_SHORTAGE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_AT_ONCE = 64
"""How many connections are accepted before the event loop does something else, such as refusing one too many."""
_PAUSE_S = 1.0


class Listener(socket.socket):
    """A listening socket whose `accept` keeps a descriptor in reserve.

    Where there is none left, the reserve is given up to accept the connection that waits and to close it at once: a client that is
    closed on knows more than one that nobody accepts. asyncio alone would try again as often as its backlog is long, log each
    try with a traceback, and set a timer for each (https://github.com/python/cpython/issues/106749).
    """

    def __init__(self, family: int, kind: int = socket.SOCK_STREAM, proto: int = socket.IPPROTO_TCP) -> None:
        # Named TCP: asyncio sets TCP_NODELAY on no other.
        super().__init__(family, kind, proto)
        self._reserve = _a_descriptor()
        self._accepted = 0
        self._paused_until = 0.0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Raises BlockingIOError where the event loop should come back later."""
        if self._accepted >= _AT_ONCE or time.monotonic() < self._paused_until:
            self._accepted = 0
            raise BlockingIOError(errno.EAGAIN, "enough for now")
        try:
            accepted = super().accept()
        except OSError as error:
            self._accepted = 0
            if error.errno not in _SHORTAGE:
                raise
            _log.error("descriptors_exhausted", error=str(error))
            if self._shed():
                raise BlockingIOError(errno.EAGAIN, "no descriptor was left") from None
            # asyncio waits for a second after this one; further ones would each wait beside it.
            self._paused_until = time.monotonic() + _PAUSE_S / 2
            raise
        self._accepted += 1
        return accepted

    def _shed(self) -> bool:
        """Close the connection that waits longest; False where not even the reserve was enough."""
        if self._reserve is None:
            self._reserve = _a_descriptor()
            return False
        os.close(self._reserve)
        self._reserve = None
        try:
            connection, _ = super().accept()
        except BlockingIOError:
            return True
        except OSError:
            return False
        else:
            connection.close()
            return True
        finally:
            self._reserve = _a_descriptor()

    def close(self) -> None:
        """Close the socket, and let go of the reserve."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
        super().close()


def _a_descriptor() -> int | None:
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY)
    return None


def listen(host: str, port: int = 0, *, backlog: int = 1024) -> list[Listener]:
    """Listen at every address that a host's name has, with port 0 at the first one. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[Listener] = []
    try:
        for family, kind, proto, _, address in found[: 1 if port == 0 else None]:
            listener = Listener(family, kind, proto)
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(backlog)
            listener.setblocking(False)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners
