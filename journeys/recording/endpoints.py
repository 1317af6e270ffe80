"""Turns addresses into names that group requests: the party, and the path with ids replaced."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Set
from functools import lru_cache
from urllib.parse import urlsplit

LIVE = re.compile(r"\b(pk|sk|rk|cs)_live_\w{6,}")
"""Matches a key or a session of Stripe's live mode; a script that only contains the prefix does not match."""

_PORTS = {"http": 80, "https": 443}
_TOKEN = re.compile(
    r"[0-9]{2,}"  # counters
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"  # uuids
    r"|(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}"  # hashes
    r"|(?:cs|pi|ch|re|evt|pm|seti|in)_(?:test_|live_)?\w{6,}"  # Stripe's ids
    r"|(?=\w*[0-9])(?=\w*[A-Za-z])[\w-]{20,}"  # other long tokens
)


@lru_cache(maxsize=512)
def origin_of(url: str) -> str:
    """Return `https://host[:port]` of an address, without the scheme's default port; empty for addresses without a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _PORTS.get(parts.scheme) else "")


@lru_cache(maxsize=2048)
def endpoint_of(url: str) -> str:
    """Return the path of an address with ids replaced by `{id}`, without query and fragment."""
    try:
        path = urlsplit(url).path or "/"
    except ValueError:
        return "/"
    return "/".join("{id}" if _TOKEN.fullmatch(part) else part for part in path.split("/"))[:200]


def party_of(url: str, *, first: Set[str]) -> str:
    """Return `first` where the address belongs to the site, whose origins are `first`; else the third party's origin."""
    origin = origin_of(url)
    return "first" if not origin or origin in first else origin


_LOADED = frozenset({"script", "stylesheet"})


@lru_cache(maxsize=2048)
def file_of(url: str, kind: str) -> str | None:
    """Return the name of a script or style sheet with whatever tells its versions apart; None for other kinds of requests.

    A query is told by its digest only, because it may hold a token.
    """
    if kind not in _LOADED:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    name = parts.path.rpartition("/")[2][-80:]
    query = f"?{hashlib.sha256(parts.query.encode(errors='replace')).hexdigest()[:8]}" if parts.query else ""
    return f"{name}{query}" or None
