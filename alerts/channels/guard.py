"""Decides where messages may go: an address is checked when it is connected to, so that a name cannot point elsewhere in between."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence

import httpx

from process.bounded_http import bounded_client
from process.connecting import Address, Judge, Names

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TRY_S = 10.0
"""How long one try may take in all. Receivers answer within a second; a claim (60 s) holds for several times as long."""
_MOST_BYTES = 4096
"""What is read of an answer. Its status is all that counts, and Slack's `ok` has two bytes."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_LOCAL = tuple(
    ipaddress.ip_network(network)
    # What Python 3.11 takes for global: shared address space (RFC 6598), a network's own NAT64 (RFC 8215), the old site-local
    # addresses (RFC 3879), and IPv4 ones in the forms of RFC 4291 2.5.5.1 and RFC 2765.
    for network in ("100.64.0.0/10", "64:ff9b:1::/48", "fec0::/10", "::/96", "::ffff:0:0:0/96")
)


class ForbiddenTargetError(Exception):
    """A destination's name resolves to an address to which messages may not be sent."""


def decoded(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, NAT64, 6to4), else the address itself."""
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
    """Return whether messages may be sent to an address: it is global and unicast, or in a configured network."""
    inner = decoded(address)
    if any(inner.version == network.version and inner in network for network in allow):
        return True
    local = any(inner.version == network.version and inner in network for network in _LOCAL)
    return inner.is_global and not inner.is_multicast and not local


def judge_for(allow: Sequence[Network] = ()) -> Judge:
    """Return the function that checks the addresses of destinations; it raises ForbiddenTargetError."""

    def judge(address: Address) -> None:
        if not is_allowed(address, allow):
            raise ForbiddenTargetError(
                f"the destination's name leads to {address}, which is not a public address; "
                "private ones must be named in alerts.yaml (allow_private)"
            )

    return judge


def guarded_client(
    allow: Sequence[Network] = (),
    *,
    try_s: float = TRY_S,
    names: Names | None = None,
    environment: Mapping[str, str] = os.environ,
) -> httpx.Client:
    """The client that channels send with: every try is over in time, every address judged, little read, nothing followed.

    Each message has a connection of its own, so that no receiver's idle one is found dead by the next.
    """
    return bounded_client(
        timeout_s=try_s,
        most_bytes=_MOST_BYTES,
        judge=judge_for(allow),
        names=names,
        keep_alive=False,
        environment=environment,
    )
