"""Rolls up messages: a destination gets the first messages of a burst singly, and the rest as one list. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from alerts.machine import Advance, Standing
from alerts.message import Line, Link, Message, line_of
from alerts.policy import Policy, RollUp
from config.bounds import Length, Whole
from config.durations import seconds
from facts import Alert, Notification, NotificationKind, NotificationState, Severity, to_wire

_STRICT: dict[str, Any] = {"extra": "forbid"}
_Above = Annotated[int, Whole(1, 1000, "of more messages than these in a few minutes nobody reads each")]
_Within = Annotated[str, Length("10s", "1h", "messages that are an hour apart are no burst")]
_MOST_LINES, _NAMED = 50, 5
_TOLD = (NotificationState.OWED, NotificationState.CLAIMED, NotificationState.DELIVERED)
ROLLED = "in a roll-up: more messages than roll_up.above were due at once"
"""Why a message that a roll-up lists is not sent on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUpSettings:
    """`roll_up` of alerts.yaml: where a destination is owed more than `above` firing messages `within` so long, the rest are
    one message."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    above: _Above = 10
    within: _Within = "5m"

    def roll_up(self, *, scale: float = 1.0) -> RollUp:
        """Return what the cycle goes by; times are `scale` times shorter."""
        return RollUp(above=self.above, within=timedelta(seconds=seconds(self.within) / scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Holds an incident that a destination is told of in roll-ups: since `due_at`, whether it was `told`, and whether it is `over`."""

    incident: str
    alert: str
    line: Line
    due_at: datetime
    told: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Holds what is known of one destination between ticks.

    `sent` are when its latest firing messages were due. `thread` is the incident of its roll-ups, the last of which was `order`, made
    at `rolled_at`; `members` are the incidents in them that are open, or whose end is not told yet.
    """

    destination: str
    sent: tuple[datetime, ...] = ()
    thread: str | None = None
    order: int = 0
    rolled_at: datetime | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledUp:
    """Holds the result of a step with roll-ups: its messages, the owed roll-ups, and the state of each destination."""

    step: Advance
    owed: tuple[Notification, ...] = ()
    bursts: tuple[Burst, ...] = ()


def rolled_up(step: Advance, standing: Standing, before: Sequence[Burst], policy: Policy, now: datetime) -> RolledUp:
    """Return a step whose firing messages above the limit are rolled up.

    The message of a critical incident is always sent on its own and at once. What is rolled up goes out at once as well, and what
    follows it at most once in `update_every`. Where alerts.yaml has no `roll_up` any more, nothing new is rolled up, and who was told
    in a roll-up is told the end in one.
    """
    settings = policy.roll_up
    if settings is None and not any(one.members for one in before):
        return RolledUp(step=step)
    known = {alert.id: alert for alert in (*standing.past, *standing.alerts, *step.alerts)}
    bursts = {one.destination: _kept(one, settings, now) for one in before}
    was = {one.destination: one.members for one in before}
    notifications = []
    for one in step.notifications:
        if one.kind is NotificationKind.FIRING and one.state is NotificationState.OWED:
            burst = bursts.get(one.destination, Burst(destination=one.destination))
            alert = known.get(one.alert_id)
            if alert is not None and settings is not None and _is_rolled(one, burst, settings):
                bursts[one.destination] = _with_member(burst, one, alert)
                one = replace(one, state=NotificationState.SUPERSEDED, reason=ROLLED, hold=None)
            else:
                others = tuple(member for member in burst.members if member.incident != one.thread)
                bursts[one.destination] = replace(burst, sent=(*burst.sent, one.due_at), members=others)
        notifications.append(one)
    over = {incident.id for incident in step.incidents if incident.resolved_at is not None}
    told = {
        (n.thread, n.destination)
        for n in (*standing.notifications, *notifications)
        if n.kind is NotificationKind.FIRING and n.state in _TOLD
    }
    owed: list[Notification] = []
    for destination, burst in bursts.items():
        # Where it was told of on its own too, its end is.
        members = [one for one in burst.members if one.incident not in over or (one.incident, destination) not in told]
        ended = tuple(replace(one, over=True) if one.incident in over else one for one in members)
        burst, message = _rolled(replace(burst, members=ended), policy, now)
        if burst.thread is not None and not burst.members:
            # Its last incidents are told on their own by now, and a pager still shows the roll-up.
            message = _left_empty(burst, was.get(destination, ()), policy, now)
            burst = replace(burst, thread=None, order=0)
        bursts[destination] = burst
        owed += [message] if message is not None else []
    step = replace(step, notifications=tuple(notifications))
    return RolledUp(step=step, owed=tuple(owed), bursts=tuple(b for b in bursts.values() if b.sent or b.members))


def _kept(burst: Burst, settings: RollUp | None, now: datetime) -> Burst:
    return replace(burst, sent=tuple(at for at in burst.sent if settings is not None and at > now - settings.within))


def _is_rolled(one: Notification, burst: Burst, settings: RollUp) -> bool:
    if one.severity is Severity.CRITICAL:
        return False
    return sum(one.due_at - settings.within < at <= one.due_at for at in burst.sent) >= settings.above


def _with_member(burst: Burst, one: Notification, alert: Alert) -> Burst:
    new = Member(incident=one.thread, alert=alert.id, line=line_of(alert), due_at=one.due_at)
    return replace(burst, members=(*(old for old in burst.members if old.incident != one.thread), new))


def _rolled(burst: Burst, policy: Policy, now: datetime) -> tuple[Burst, Notification | None]:
    """Return the burst after its roll-up, and the message; no message if nothing is new or the last one is too recent."""
    news = [one for one in burst.members if one.over or (not one.told and one.due_at <= now)]
    waits = burst.rolled_at is not None and timedelta(0) <= now - burst.rolled_at < policy.update_every
    if not news or waits:
        return burst, None
    thread = burst.thread or f"rollup-{now:%Y%m%dT%H%M%S}"
    left = tuple(replace(one, told=one.told or one.due_at <= now) for one in burst.members if not one.over)
    message = _message(thread, news, left, policy)
    owed = Notification(
        id=f"{thread}.{burst.order + 1}.{burst.destination}",
        thread=thread,
        alert_id=news[0].alert,
        destination=burst.destination,
        kind=message.kind,
        severity=message.severity,
        order=burst.order + 1,
        created_at=now,
        due_at=now,
        message=to_wire(message),
    )
    after = replace(burst, thread=thread, order=burst.order + 1, rolled_at=now, members=left)
    return (after if left else replace(after, thread=None, order=0)), owed


def _left_empty(burst: Burst, was: Sequence[Member], policy: Policy, now: datetime) -> Notification | None:
    """Return the end of a roll-up whose incidents are all told on their own; None where nobody was told of it."""
    if burst.thread is None or not was:
        return None
    lines = tuple(one.line for one in _worst_first(was))
    message = Message(
        incident=burst.thread,
        kind=NotificationKind.RESOLVED,
        severity=lines[0].severity,
        headline="Resolved: roll-up, each of its incidents is told on its own",
        summary="; ".join(line.title for line in lines[:_NAMED]),
        lines=lines[:_MOST_LINES],
        since=min(line.since for line in lines),
        mark=policy.mark,
        title="A roll-up is over",
    )
    return Notification(
        id=f"{burst.thread}.{burst.order + 1}.{burst.destination}",
        thread=burst.thread,
        alert_id=was[0].alert,
        destination=burst.destination,
        kind=message.kind,
        severity=message.severity,
        order=burst.order + 1,
        created_at=now,
        due_at=now,
        message=to_wire(message),
    )


def _message(thread: str, news: Sequence[Member], left: Sequence[Member], policy: Policy) -> Message:
    new = _worst_first(one for one in news if not one.over)
    over = _worst_first(one for one in news if one.over)
    if new:
        kind = NotificationKind.FIRING
    elif left:
        kind = NotificationKind.UPDATE
    else:
        kind = NotificationKind.RESOLVED
    counts = Counter(one.line.severity for one in new)
    told = [f"{count} {severity}" for severity, count in sorted(counts.items(), key=lambda found: found[0].rank)]
    told += [f"{len(over)} over"] if over else []
    told += [f"{len(left)} open in all"] if over and left else []
    headline = f"Roll-up of {_incidents(len(new) or len(over))}: {', '.join(told)}"
    if kind is NotificationKind.RESOLVED:
        headline = f"Resolved: roll-up of {_incidents(len(over))}, all of them over"
    lines = [one.line if not one.over else replace(one.line, state="resolved") for one in (*new, *over)]
    named = "; ".join(line.title for line in lines[:_NAMED])
    more = f"; and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    links = (Link(name="All alerts", url=f"{policy.base_url.rstrip('/')}/alerts"),) if policy.base_url else ()
    return Message(
        incident=thread,
        kind=kind,
        severity=min((line.severity for line in lines), key=lambda severity: severity.rank),
        headline=headline,
        summary=f"{named}{more}",
        lines=tuple(lines[:_MOST_LINES]),
        since=min(line.since for line in lines),
        links=links,
        mark=policy.mark,
        title=f"{_incidents(len(new) or len(over))} at once",
    )


def _worst_first(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda one: (one.line.severity.rank, one.line.since, one.alert))


def _incidents(count: int) -> str:
    return "1 incident" if count == 1 else f"{count} incidents"
