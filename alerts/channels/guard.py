"""Where messages may go: an address is judged when it is connected to, so that no name can point elsewhere in between."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore
import httpx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
# Python 3.11's is_private misses shared address space (RFC 6598).
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class ForbiddenTargetError(Exception):
    """A destination's name leads to an address that messages may not go to."""


def decoded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one (mapped, NAT64, 6to4), else the address itself."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((int(address) >> 80) & 0xFFFF_FFFF)
    return address


def is_allowed(address: Address, allow: Sequence[Network] = ()) -> bool:
    """Whether messages may go there: it is global and one receiver's, or in a network that was named."""
    inner = decoded(address)
    if any(inner.version == network.version and inner in network for network in allow):
        return True
    shared = isinstance(inner, ipaddress.IPv4Address) and inner in _SHARED
    return inner.is_global and not inner.is_multicast and not shared


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves a name, judges every address of it, and connects to one that it judged. Host and SNI stay the name's."""

    def __init__(self, allow: Sequence[Network] = (), backend: httpcore.NetworkBackend | None = None) -> None:
        self._allow = tuple(allow)
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect. Raises ForbiddenTargetError where any address of the name is not allowed."""
        addresses = self._resolved(host, port)
        for address in addresses:
            if not is_allowed(address, self._allow):
                raise ForbiddenTargetError(
                    f"the destination's name leads to {address}, which is not a public address; "
                    "private ones must be named in alerts.yaml (allow_private)"
                )
        return self._backend.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)

    def _resolved(self, host: str, port: int) -> list[Address]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name cannot be resolved: {type(error).__name__}") from None
        return [ipaddress.ip_address(entry[4][0]) for entry in found]

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        """Never: a message does not go to a file."""
        raise ForbiddenTargetError("a destination must be an address on the network")

    def sleep(self, seconds: float) -> None:
        """As the backend below."""
        self._backend.sleep(seconds)


class GuardedTransport(httpx.HTTPTransport):
    """httpx over the guarded backend."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        super().__init__()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=GuardedBackend(allow), max_connections=20
        )


def guarded_client(allow: Sequence[Network] = ()) -> httpx.Client:
    """The client that channels send with: guarded, no redirects, no proxies from the environment, 10 s."""
    return httpx.Client(transport=GuardedTransport(allow), timeout=10.0, trust_env=False, follow_redirects=False)
