"""How many files and connections this process may have open at once."""

from __future__ import annotations

import resource

_ENOUGH = 65_536
_KEPT_BACK = 256


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one where the system lets us; return what holds now.

    Shells hand programs 1,024 for the sake of old ones, and the hard limit is often a million: more than is of use.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _ENOUGH if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        return soft
    return wanted


def most_connections(*, at_most: int) -> int:
    """Return how many connections a server may have open: what the database, evidence and receivers need is kept back."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return at_most
    return max(8, min(at_most, soft - min(_KEPT_BACK, soft // 2)))
