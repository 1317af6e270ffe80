"""Defines how the hub is reached: by which host names, through which proxies, and which clients must authenticate."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request

from config import Secret
from facts import Role
from hub.forwarding import is_forwarding
from hub.oidc import OidcSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LOCAL_NAMES = ("localhost",)
_LONGEST_HOST = 255
_SEGMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]+")
_OWN_PATHS = frozenset(
    {"alerts", "alerts.csv", "api", "business", "demo", "design", "evidence", "executive", "healthz"}
    | {"inbox", "inbox.json", "incidents", "incidents.csv", "jobs", "journeys", "links", "login", "logout"}
    | {"metrics", "openapi.json", "operations", "ping", "pings", "readyz", "reports", "runs", "search"}
    | {"share", "shares", "sla", "static", "trace", "v1"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLogin:
    """Holds how a proxy logs people in: it names them in `header`, and their role in `role_header`, else the role is `role`."""

    header: str
    role: Role = Role.VIEWER
    role_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Holds the hub's access settings.

    `public` means that other machines reach the hub, so that it always requires logins and tokens. `hosts` are the
    names it answers to in addition to this machine's names and plain IP addresses (`*.example.com` covers subdomains).
    Forwarding headers and `proxy_login` are trusted from `proxies` only. `oidc` is the identity provider that
    logs people in. `linked` is the host of links in messages, and
    `prefix` the path of the hub there (`/monitor`; "" at the root).
    """

    public: bool = False
    require_tokens: bool = False
    hosts: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    proxy_login: ProxyLogin | None = None
    oidc: OidcSettings | None = None
    metrics_token: Secret | None = field(default=None, repr=False)
    linked: str | None = None
    prefix: str = ""

    def answers_to(self, host: str | None) -> bool:
        """Return whether a `Host` header names this hub.

        A name that a foreign page points at this machine (DNS rebinding) is refused. A plain IP address cannot be
        pointed elsewhere, so each is accepted.
        """
        name = _name_of(host or "")
        if not name:
            return False
        if name in LOCAL_NAMES or _address(name) is not None:
            return True
        return self._is_named(name)

    def is_linked(self, host: str | None) -> bool:
        """Return whether a `Host` header is the host of links in messages."""
        return self.linked is not None and _name_of(host or "") == self.linked

    def is_own_origin(self, origin: str, request: Request) -> bool:
        """Return whether an origin (`https://hub.example.com`, or a URL below it) is the hub's own.

        A proxy may have set another `Host` on the request.
        """
        try:
            netloc = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        name = _name_of(netloc)
        if not name:
            return False
        return netloc == request.headers.get("Host", "").lower() or name == self.linked or self._is_named(name)

    def forwarding_header(self, request: Request) -> str | None:
        """Return a forwarding header of a request that did not come through a trusted proxy; None if there is none."""
        if self.is_proxy(request):
            return None
        return next((name for name in request.headers if is_forwarding(name)), None)

    def _is_named(self, name: str) -> bool:
        return any(
            name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern for pattern in self.hosts
        )

    def is_proxy(self, request: Request) -> bool:
        """Return whether the request came through a trusted proxy."""
        peer = _address(request.client.host) if request.client else None
        return peer is not None and self._believes(peer)

    def client(self, request: Request) -> str:
        """Return the client's address; behind trusted proxies, the last address before them. An IPv6 /64 network is one client."""
        peer = _address(request.client.host) if request.client else None
        if peer is None:
            return "unknown"
        if self._believes(peer):
            told = [_address(part.strip()) for part in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
            # From the right, because each trusted proxy appends an address; anything left of the first untrusted one
            # can be forged.
            for one in reversed(told):
                if one is None:
                    break
                peer = one
                if not self._believes(one):
                    break
        return str(ipaddress.ip_network((peer, 64), strict=False)) if peer.version == 6 else str(peer)

    def is_https(self, request: Request) -> bool:
        """Return whether the browser uses https, to the hub or to a trusted proxy."""
        if self.is_proxy(request):
            told: str = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
            if told:
                return told == "https"
        return request.scope.get("scheme") == "https"

    def cookie_name(self, name: str, request: Request) -> str:
        """Return the name of a cookie for this request.

        Over https its prefix prevents pages without https from setting it, and at the root also other hosts (`__Host-`
        requires the path `/`).
        """
        if not self.is_https(request):
            return name
        return f"__Secure-{name}" if self.prefix else f"__Host-{name}"

    @property
    def cookie_path(self) -> str:
        """The path of every cookie, so that other programs at the same host do not receive them."""
        return self.prefix or "/"

    def _believes(self, address: Address) -> bool:
        return any(address in network for network in self.proxies)


def is_loopback(host: str) -> bool:
    """Return whether an address to listen at is reachable from this machine only."""
    address = _address(host.strip("[]"))
    return host == "localhost" or (address is not None and address.is_loopback)


def is_local_name(host: str) -> bool:
    """Return whether a name of `hosts` is this machine's own."""
    return host in LOCAL_NAMES or is_loopback(host)


def is_local_host(host: str | None) -> bool:
    """Return whether a `Host` header is a name or an address that only this machine has."""
    return is_local_name(_name_of(host or ""))


def prefix_of(base_url: str | None) -> str:
    """Return the path in the base URL of links: `/monitor`, or "" at the root.

    Raises:
        ValueError: the path is not valid, or is one of the hub's own pages.
    """
    parsed = urlsplit(base_url or "")
    if parsed.query or parsed.fragment or parsed.username is not None:
        raise ValueError(f"{base_url!r}: links are made by adding to it, so it holds no user, no ? and no #")
    path = parsed.path.rstrip("/")
    if not path:
        return ""
    parts = path[1:].split("/")
    if not path.isascii() or not all(_SEGMENT.fullmatch(part) for part in parts):
        raise ValueError(f"the path {path!r} may hold letters, digits and . _ ~ - between single slashes")
    if parts[0] in _OWN_PATHS:
        raise ValueError(f"the hub has a page /{parts[0]} of its own; choose another path, like /monitor")
    return path


def networks(values: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks in texts like `10.0.0.0/8` or `::1`. Raises ValueError."""
    return tuple(ipaddress.ip_network(value) for value in values)


def _name_of(host: str) -> str:
    """Return the name in a `Host` header, without port, brackets and final dot; "" if it is not valid."""
    if len(host) > _LONGEST_HOST:
        return ""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or port.startswith(":")) else ""
    name, _, port = host.partition(":")
    return name.removesuffix(".").lower() if not port or port.isdigit() else ""


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # On a dual-stack socket, IPv4 clients appear as IPv6.
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
