"""Limits the SMS to one phone, so that a flood of alerts does not make its owner or the carrier block them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from facts import Notification, NotificationKind, NotificationState

LIMITS = (
    (1, timedelta(minutes=1)),
    (5, timedelta(minutes=15)),
    (11, timedelta(hours=1)),
    (21, timedelta(hours=3)),
)
"""How many SMS a phone gets at most in each length of time."""
LONGEST = max(length for _, length in LIMITS)


def free_at(sent: Sequence[datetime], now: datetime, *, scale: float = 1.0) -> datetime | None:
    """Return when a phone may get another SMS; None if it may now. `sent` are the moments of those that it got.

    The lengths of time are `scale` times shorter (the demo's clock).
    """
    found = []
    for most, length in LIMITS:
        recent = sorted(at for at in sent if now - length / scale < at <= now)
        if len(recent) >= most:
            found.append(recent[-most] + length / scale)
    return max(found, default=None)


def held_words(until: datetime) -> str:
    """Return the sentence for a message that waits for the limit, by the minute at which it is sent at the latest."""
    return f"held by the SMS limit until {until + timedelta(seconds=59):%H:%M} UTC"


def by_another_way(
    held: Notification,
    *,
    ways: Mapping[str, Sequence[str]],
    usable: Sequence[str],
    thread: Sequence[Notification],
    reason: str,
    now: datetime,
) -> Notification | None:
    """Return the message owed to another destination of the same person while an SMS waits; None where there is none to owe.

    `ways` are the destinations of each person, `usable` those that have an address and are no phones, `thread` the messages of the
    incident. Only the news of a breach goes another way, and only to one that was not told of the incident.
    """
    if held.kind is not NotificationKind.FIRING:
        return None
    others = [way for its in ways.values() if held.destination in its for way in its if way in usable]
    told = {one.destination for one in thread if one.kind is NotificationKind.FIRING}
    if not others or told.intersection(others):
        return None
    way = others[0]
    return replace(
        held,
        id=f"{held.thread}.{held.order}.{held.kind}.{way}",
        destination=way,
        created_at=now,
        due_at=now,
        state=NotificationState.OWED,
        claimed_by=None,
        claimed_until=None,
        tries=0,
        last_error=None,
        hold=None,
        reason=f"in place of {held.destination}: {reason}",
    )
