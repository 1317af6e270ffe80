"""Defines the ladder of an incident: the rows of its escalation, when they are due, and how they end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.directory import Reached
from alerts.escalation import LADDER_SEVERITIES, Escalation
from alerts.policy import Policy
from facts import NO_TRAITS, Alert, AlertState, Incident, LadderRow, LadderStatus, Severity

_QUORUM = 2


def begun(
    incident: Incident, members: Sequence[Alert], policy: Policy, now: datetime, *, rows: Sequence[LadderRow]
) -> tuple[LadderRow, ...]:
    """Return the rows of a new round of an incident's ladder; none where its severity does not escalate.

    `rows` are those it had. Who has a role is fixed as of now; each rule's own escalation list is added to the tiers.
    """
    escalation = policy.escalation
    if escalation is None or incident.severity not in LADDER_SEVERITIES:
        return ()
    number = max((row.round for row in rows), default=0) + 1
    firing = [alert.traits or NO_TRAITS for alert in members if alert.state is AlertState.FIRING]
    own = [traits.escalation for traits in firing]
    made = []
    for tier, settings in enumerate(escalation.tiers, start=1):
        added = _added(own, tier, len(escalation.tiers))
        # The shipped rules name roles that a small team need not have.
        known = (name for name in added if policy.directory.knows(name))
        roles = [*settings.recipients.get(incident.severity, ()), *known]
        made.append(
            LadderRow(
                id=f"{incident.id}.{number}.{tier}",
                incident=incident.id,
                severity=incident.severity,
                round=number,
                tier=tier,
                due_at=policy.later(incident.severity, now, settings.after),
                created_at=now,
                recipients=tuple(policy.directory.recipient(role, now) for role in dict.fromkeys(roles)),
            )
        )
    return tuple(made)


def _added(own: Sequence[Sequence[str]], tier: int, tiers: int) -> Iterator[str]:
    """Yield what rules add to a tier: each list's entry of that number, and at the last tier all that are left."""
    for listed in own:
        yield from listed[tier - 1 :] if tier == tiers else listed[tier - 1 : tier]


def is_confirmed(members: Sequence[Alert]) -> bool:
    """Return whether an outage is more than one location's word: a quorum of them, or numbers of the shop's own."""
    return any(
        alert.state is AlertState.FIRING
        and not alert.last_known
        and (not (alert.traits or NO_TRAITS).from_runs or len(alert.counted) >= _QUORUM)
        for alert in members
    )


def due_rows(rows: Sequence[LadderRow], escalation: Escalation, now: datetime, *, confirmed: bool) -> list[LadderRow]:
    """Return the pending rows whose time has come, in the order of their tiers.

    The last tier waits while nothing is confirmed, except where it is the only one, and where a person asked for it.
    """
    last = len(escalation.tiers)
    waits = escalation.confirmed_last_tier and not confirmed and last > 1
    pending = [row for row in rows if row.status is LadderStatus.PENDING and row.due_at <= now]
    return sorted(
        (r for r in pending if not (waits and r.tier == last and r.asked_by is None)),
        key=lambda row: (row.tier, row.repeat),
    )


def following(rows: Sequence[LadderRow], after: LadderRow) -> LadderRow | None:
    """Return the pending row of the next tier; None at the last one."""
    later = [row for row in rows if row.status is LadderStatus.PENDING and row.tier > after.tier]
    return min(later, key=lambda row: row.tier, default=None)


def next_call(rows: Sequence[LadderRow]) -> LadderRow | None:
    """Return the pending row that is called next; None if there is none."""
    pending = [row for row in rows if row.status is LadderStatus.PENDING]
    return min(pending, key=lambda row: (row.tier, row.repeat), default=None)


def called_before(rows: Sequence[LadderRow], before: Sequence[LadderRow]) -> list[LadderRow]:
    """Return the pending rows of tiers that the newest round of `before` had called already, except the last tier's."""
    newest = max((row.round for row in before), default=0)
    told = (LadderStatus.DONE, LadderStatus.UNREACHED)
    called = max((row.tier for row in before if row.round == newest and row.status in told), default=0)
    last = max((row.tier for row in rows), default=0)
    return [row for row in rows if row.status is LadderStatus.PENDING and row.tier <= called and row.tier < last]


def repeated(row: LadderRow, policy: Policy, escalation: Escalation, now: datetime) -> LadderRow | None:
    """Return the next repetition of the last tier after a row of it; None after a row of another, and after the last repetition.

    It is counted from now: whatever was missed while no hub ran is one message.
    """
    if row.tier != len(escalation.tiers) or row.repeat >= escalation.repeat_at_most:
        return None
    if row.repeat == 0:
        first = policy.later(row.severity, row.created_at, escalation.repeat_after)
        # Where the last tier itself came late, its repetition keeps the distance between them.
        wait = escalation.repeat_after - escalation.tiers[-1].after
        due_at = max(first, policy.later(row.severity, now, wait))
    else:
        due_at = policy.later(row.severity, now, escalation.repeat_every)
    return replace(
        row,
        id=f"{row.incident}.{row.round}.{row.tier}.{row.repeat + 1}",
        repeat=row.repeat + 1,
        status=LadderStatus.PENDING,
        due_at=due_at,
        done_at=None,
        destinations=(),
        note=None,
        asked_by=None,
    )


def cancelled(rows: Sequence[LadderRow], now: datetime, why: str) -> list[LadderRow]:
    """Return the pending rows as cancelled."""
    pending = (row for row in rows if row.status is LadderStatus.PENDING)
    return [replace(row, status=LadderStatus.CANCELLED, done_at=now, note=why) for row in pending]


def set_right(row: LadderRow, now: datetime) -> LadderRow:
    """Return a row as if a clock that was ahead when it was made had been right."""
    ahead = row.created_at - now
    if ahead.total_seconds() <= 0 or row.status is not LadderStatus.PENDING:
        return row
    return replace(row, created_at=now, due_at=row.due_at - ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Holds the result of a due tier: whom it calls, and the sentence if it reaches nobody."""

    row: LadderRow
    reached: Reached

    @property
    def nobody(self) -> str | None:
        """Return why the tier reaches nobody; None if it reaches somebody."""
        if self.reached.destinations:
            return None
        roles = " and ".join(self.reached.unreached)
        many = "have" if len(self.reached.unreached) > 1 else "has"
        return f"{roles} {many} no contact" if roles else "it names nobody"


def call(row: LadderRow, policy: Policy, now: datetime) -> Call:
    """Return whom a row calls, by their present addresses."""
    return Call(row=row, reached=policy.directory.reached(row.recipients, now, policy.reachable))


def is_acknowledged(members: Sequence[Alert]) -> bool:
    """Return whether somebody has acknowledged an incident."""
    return any(alert.acked_at is not None for alert in members if alert.state is AlertState.FIRING)


def forgotten(incident: Incident, members: Sequence[Alert], policy: Policy, now: datetime) -> bool:
    """Return whether an acknowledgement is so old that it is taken back: the alert still fires, and the incident is not too old.

    One that was made for a time holds until that is over, whatever the age of the incident.
    """
    escalation = policy.escalation
    taken = [alert for alert in members if alert.acked_at is not None and alert.state is AlertState.FIRING]
    acked = [alert.acked_at for alert in taken if alert.acked_at is not None]
    if escalation is None or not acked or incident.severity not in LADDER_SEVERITIES:
        return False
    if until := [alert.acked_until for alert in taken if alert.acked_until is not None]:
        return now >= max(until)
    if now - incident.opened_at > escalation.rearm_until:
        return False
    return now >= policy.later(incident.severity, max(acked), escalation.unack_after)


def has_stopped(
    incident: Incident, members: Sequence[Alert], rows: Sequence[LadderRow], escalation: Escalation
) -> bool:
    """Return whether an incident that fires unacknowledged has no row to come although it should."""
    firing = any(alert.state is AlertState.FIRING for alert in members)
    if incident.resolved_at is not None or not firing or is_acknowledged(members):
        return False
    if incident.severity not in LADDER_SEVERITIES or any(row.status is LadderStatus.PENDING for row in rows):
        return False
    newest = max((row.round for row in rows), default=0)
    last = max((row for row in rows if row.round == newest), key=lambda row: (row.tier, row.repeat), default=None)
    is_over = (
        last is not None
        and last.status in (LadderStatus.DONE, LadderStatus.UNREACHED)
        and last.tier >= len(escalation.tiers)
        and last.repeat >= escalation.repeat_at_most
    )
    return not is_over or last is None or last.severity is not incident.severity


def severity_of(members: Sequence[Alert], otherwise: Severity) -> Severity:
    """Return the most urgent severity among alerts that fire."""
    firing = [alert.severity for alert in members if alert.state is AlertState.FIRING]
    return min(firing, key=lambda s: s.rank, default=otherwise)
