"""Who is told where a destination refuses a message for good. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from facts import Notification, NotificationKind, NotificationState


def told_instead(
    dead: Notification, *, reachable: Sequence[str], had: Collection[str], reason: str, now: datetime
) -> Notification | None:
    """The message owed to the next destination, or None where nobody new would learn of it.

    `reachable` are the destinations that have an address, in the order of `alerts.yaml`; `had` are those that are owed, or
    were sent, the same message. Only news of a breach is passed on: whoever takes it in another's place is told the rest of
    the thread as any receiver is.
    """
    if dead.kind is not NotificationKind.FIRING:
        return None
    following = next((name for name in reachable if name not in had and name != dead.destination), None)
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
        reason=f"in place of {dead.destination}: {reason}",
    )
