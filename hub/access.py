"""How the hub is reached, as its settings say: by which names, through which proxies, and who must say who they are."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from config import Secret
from facts import Role

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOCAL_NAMES = ("localhost", "testserver")
_LONGEST_HOST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLogin:
    """A proxy logs people in and names them in `header`; their role stands in `role_header`, else it is `role`."""

    header: str
    role: Role = Role.VIEWER
    role_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`public`: others than this machine reach the hub, so it wants a login and tokens whatever else is so.

    `hosts` are names it answers to beside this machine's and every plain address (`*.example.com` covers those below).
    Forwarding headers, and `proxy_login`, are believed from `proxies` alone.
    """

    public: bool = False
    require_tokens: bool = False
    hosts: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    proxy_login: ProxyLogin | None = None
    metrics_token: Secret | None = field(default=None, repr=False)

    def answers_to(self, host: str | None) -> bool:
        """Whether a `Host` header is ours. A page elsewhere may point a name of its own at this machine; it has no answer.

        A plain address cannot be pointed anywhere, so each is welcome.
        """
        name = _name_of(host or "")
        if not name:
            return False
        if name in LOCAL_NAMES or _address(name) is not None:
            return True
        return any(
            name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern for pattern in self.hosts
        )

    def is_proxy(self, request: Request) -> bool:
        """Whether the request came through a proxy that is believed."""
        peer = _address(request.client.host) if request.client else None
        return peer is not None and self._believes(peer)

    def client(self, request: Request) -> str:
        """Who asks, as an address: behind believed proxies the last one before them. An IPv6 network of 64 bits is one client."""
        peer = _address(request.client.host) if request.client else None
        if peer is None:
            return "unknown"
        if self._believes(peer):
            told = [_address(part.strip()) for part in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
            for one in reversed(told):
                if one is None:
                    break
                peer = one
                if not self._believes(one):
                    break
        return str(ipaddress.ip_network((peer, 64), strict=False)) if peer.version == 6 else str(peer)

    def is_https(self, request: Request) -> bool:
        """Whether the browser speaks https, with us or with a proxy that is believed."""
        if self.is_proxy(request):
            told: str = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
            if told:
                return told == "https"
        return request.scope.get("scheme") == "https"

    def _believes(self, address: Address) -> bool:
        return any(address in network for network in self.proxies)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen at."""
    address = _address(host.strip("[]"))
    return host == "localhost" or (address is not None and address.is_loopback)


def is_local_name(host: str) -> bool:
    """Whether a name of `hosts` is this machine's own."""
    return host in LOCAL_NAMES or is_loopback(host)


def networks(values: Sequence[str]) -> tuple[Network, ...]:
    """The networks that texts like `10.0.0.0/8` or `::1` name. Raises ValueError."""
    return tuple(ipaddress.ip_network(value) for value in values)


def _name_of(host: str) -> str:
    """The name in a `Host` header, without port, brackets and final dot; empty where there is none."""
    if len(host) > _LONGEST_HOST:
        return ""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or port.startswith(":")) else ""
    name, _, port = host.partition(":")
    return name.rstrip(".").lower() if not port or port.isdigit() else ""


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # On a socket for both, IPv4 clients come as IPv6.
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
