"""Opens TCP connections within a reliable time limit.

Names are looked up in threads that can be abandoned, and addresses are tried in parallel.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Judge = Callable[[Address], None]
"""Raises if an address must not be connected to."""
Resolve = Callable[[str, int], Sequence[Any]]
"""Looks up a name like `socket.getaddrinfo` for TCP."""

_NEXT_ADDRESS_S = 0.25
"""How long one address may take before the next is tried in parallel: https://www.rfc-editor.org/rfc/rfc8305#section-5."""
_MOST_LOOKUPS = 32
_IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)


def system_resolve(host: str, port: int) -> Sequence[Any]:
    """Look up a name with the system's resolver."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Holds an address that can be connected to, in the form that sockets take."""

    family: socket.AddressFamily
    sockaddr: Any

    @property
    def address(self) -> Address:
        """The IP address."""
        return ipaddress.ip_address(self.sockaddr[0])


class _Lookup:
    """Holds one name lookup; `done` is set when the resolver has answered."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: Sequence[Any] = ()
        self.error: Exception | None = None


class Names:
    """Looks up names, each in a thread of its own.

    `getaddrinfo` cannot be interrupted, so a caller whose time is up abandons the thread. Later callers with the same
    name wait for the same thread, and there are never more than `most` threads.
    """

    def __init__(self, resolve: Resolve = system_resolve, *, most: int = _MOST_LOOKUPS) -> None:
        self._resolve, self._most = resolve, most
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], _Lookup] = {}

    def endpoints(self, host: str, port: int, *, within_s: float) -> list[Endpoint]:
        """Return the endpoints of a name. Raises TimeoutError, and OSError if the name is unknown or too many lookups hang."""
        lookup = self._lookup(host, port)
        if not lookup.done.wait(max(0.0, within_s)):
            raise TimeoutError(f"the name was not resolved within {within_s:.1f} s")
        if lookup.error is not None:
            raise OSError(f"the name cannot be resolved: {type(lookup.error).__name__}") from lookup.error
        found = [Endpoint(family=entry[0], sockaddr=entry[4]) for entry in lookup.found]
        if not found:
            raise OSError("the name has no address")
        return found

    def _lookup(self, host: str, port: int) -> _Lookup:
        with self._lock:
            lookup = self._under_way.get((host, port))
            if lookup is not None:
                return lookup
            # Bounded, because a resolver that hangs would otherwise collect threads without end.
            if len(self._under_way) >= self._most:
                raise OSError(f"{self._most} names wait for the resolver; none more is asked for")
            lookup = _Lookup()
            # A daemon thread, so that a lookup that hangs does not keep the program from ending.
            thread = threading.Thread(target=self._run, args=(host, port, lookup), name="resolver", daemon=True)
            try:
                # The thread needs the lock to remove its entry, so it cannot do that before the entry is added below.
                thread.start()
            except RuntimeError as error:
                raise OSError(f"the name cannot be looked up: {error}") from error
            self._under_way[host, port] = lookup
        return lookup

    def _run(self, host: str, port: int, lookup: _Lookup) -> None:
        try:
            lookup.found = self._resolve(host, port)
        except (OSError, ValueError) as error:
            lookup.error = error
        finally:
            with self._lock:
                del self._under_way[host, port]
            lookup.done.set()


_NAMES = Names()


def open_connection(
    host: str, port: int, *, within_s: float, judge: Judge | None = None, names: Names | None = None
) -> socket.socket:
    """Connect to a host; the time limit covers the name lookup, all its addresses, and the connection.

    Every address is judged before any is connected to, so that only judged addresses are used.

    Raises:
        TimeoutError: it took too long.
        OSError: the name or every one of its addresses failed.
        Whatever `judge` raises.
    """
    ends = time.monotonic() + within_s
    found = (names or _NAMES).endpoints(host, port, within_s=within_s)
    if judge is not None:
        for endpoint in found:
            judge(endpoint.address)
    return connect_first(found, within_s=ends - time.monotonic())


def connect_first(endpoints: Sequence[Endpoint], *, within_s: float) -> socket.socket:
    """Connect to the endpoint that answers first; the next one is tried when one fails or is slow ("happy eyeballs").

    The socket is returned without a timeout. Raises TimeoutError, OSError.
    """
    ends = time.monotonic() + within_s
    waiting = deque(_interleaved(endpoints))
    next_at, error = 0.0, OSError("there is no address to connect to")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                now = time.monotonic()
                if now >= ends:
                    raise TimeoutError(f"no connection within {within_s:.1f} s")
                if waiting and (now >= next_at or not selector.get_map()):
                    try:
                        selector.register(_begin(waiting.popleft()), selectors.EVENT_WRITE)
                        next_at = now + _NEXT_ADDRESS_S
                    except OSError as failed:
                        error = failed
                    continue
                for key, _ in selector.select(max(0.0, min(ends, next_at if waiting else ends) - now)):
                    sock: Any = key.fileobj
                    selector.unregister(sock)
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        sock.setblocking(True)
                        return _without_delay(sock)
                    sock.close()
                    error, next_at = OSError(code, os.strerror(code)), 0.0
            raise error
        finally:
            for key in list(selector.get_map().values()):
                other: Any = key.fileobj
                other.close()


def _interleaved(endpoints: Sequence[Endpoint]) -> Iterable[Endpoint]:
    """Return the endpoints with alternating address families, starting with the one that the resolver prefers."""
    first = [e for e in endpoints if e.family == endpoints[0].family]
    others = [e for e in endpoints if e.family != endpoints[0].family]
    return (e for e in chain.from_iterable(zip_longest(first, others)) if e is not None)


def _begin(endpoint: Endpoint) -> socket.socket:
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(endpoint.sockaddr)
        if code not in (0, *_IN_PROGRESS):
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _without_delay(sock: socket.socket) -> socket.socket:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
