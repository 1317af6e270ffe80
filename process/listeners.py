"""Provides listening sockets that survive a shortage of file descriptors without busy loops and without silent clients."""

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
"""How many connections are accepted before the event loop does other work, such as refusing excess ones."""
_PAUSE_S = 1.0


class Listener(socket.socket):
    """A listening socket whose `accept` keeps a spare descriptor.

    If no descriptor is left, the spare one is closed to accept the waiting connection and close it at once: a closed
    connection tells the client more than one that is never accepted. asyncio alone would retry as often as its backlog
    is long, log each try with a traceback, and set a timer for each (https://github.com/python/cpython/issues/106749).
    """

    def __init__(self, family: int, kind: int = socket.SOCK_STREAM, proto: int = socket.IPPROTO_TCP) -> None:
        # TCP is named explicitly, because asyncio sets TCP_NODELAY only then.
        super().__init__(family, kind, proto)
        self._reserve = _a_descriptor()
        self._accepted = 0
        self._paused_until = 0.0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection. Raises BlockingIOError if the event loop should come back later."""
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
            # asyncio waits for a second after this error; further errors would each start another wait in parallel.
            self._paused_until = time.monotonic() + _PAUSE_S / 2
            raise
        self._accepted += 1
        return accepted

    def _shed(self) -> bool:
        """Close the longest waiting connection; return False if even the spare descriptor was not enough."""
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
        """Close the socket and the spare descriptor."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None
        super().close()


def _a_descriptor() -> int | None:
    with suppress(OSError):
        return os.open(os.devnull, os.O_RDONLY)
    return None


def listen(host: str, port: int = 0, *, backlog: int = 1024) -> list[Listener]:
    """Listen at every address of a host's name; with port 0 only at the first one. Raises OSError."""
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
