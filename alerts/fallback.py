"""Chooses who is notified instead when a destination refuses a message permanently. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from facts import Notification, NotificationKind, NotificationState, Severity


def told_instead(
    dead: Notification,
    *,
    reachable: Sequence[str],
    others: Sequence[Notification],
    routes: Mapping[Severity, Sequence[str]],
    reason: str,
    now: datetime,
) -> Notification | None:
    """Return the message owed to the next destination; None if it would notify nobody new.

    `reachable` are the destinations that have an address, in the order of `alerts.yaml`; `others` are the same message as it is
    owed, or was sent, to others. Only news of a breach is passed on: whoever takes it in another's place is told the rest of
    the thread as any receiver is.

    A message never rises: whoever is called for critical alerts only is not called because a receiver of medium ones is gone.
    It goes to a receiver of its own severity; where none of those is left, so that it would be lost, to one of a lower severity
    or of none. A tier's call goes to nobody else: where all its receivers refuse, the next tier is called.
    """
    if dead.kind is not NotificationKind.FIRING or dead.tier is not None:
        return None
    following = _next(dead, reachable, others, routes)
    if following is None:
        return None
    return replace(
        dead,
        id=f"{dead.thread}.{dead.order}.{dead.kind}.{following}",
        destination=following,
        created_at=now,
        due_at=now,
        state=NotificationState.OWED,
        tries=0,
        claimed_by=None,
        claimed_until=None,
        last_error=None,
        hold=None,
        reason=f"in place of {dead.destination}: {reason}",
    )


def _next(
    dead: Notification,
    reachable: Sequence[str],
    others: Sequence[Notification],
    routes: Mapping[Severity, Sequence[str]],
) -> str | None:
    had = {dead.destination, *(other.destination for other in others)}
    free = [name for name in reachable if name not in had]
    own = [name for name in free if name in routes.get(dead.severity, ())]
    has_it = any(other.state is not NotificationState.DEAD and other.destination in reachable for other in others)
    lower = [] if has_it else [name for name in free if not _is_for_urgent_ones_only(name, dead.severity, routes)]
    return next(iter((*own, *lower)), None)


def _is_for_urgent_ones_only(name: str, than: Severity, routes: Mapping[Severity, Sequence[str]]) -> bool:
    told_of = [severity for severity, names in routes.items() if name in names]
    return bool(told_of) and all(severity.rank < than.rank for severity in told_of)
