"""Sets and reads the limit on this process's open files and connections."""

from __future__ import annotations

import resource

_ENOUGH = 65_536
_KEPT_BACK = 256


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one if possible; return the effective limit.

    Shells give programs 1,024 for the sake of old ones. The hard limit is often a million, more than is useful, so
    65,536 is the most that is asked for.
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
    """Return how many connections a server may have open; some descriptors are reserved for the database, evidence and receivers."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return at_most
    return max(8, min(at_most, soft - min(_KEPT_BACK, soft // 2)))
