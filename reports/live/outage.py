"""States the six facts of an outage, in the order in which people ask for them: who, since, where, why, told, at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Alert, Deploy, LadderRow, LadderStatus, Notification, NotificationState
from reports.live.frame import ReaderZone
from reports.states import WidgetState, blocks_buyers
from reports.text import one_line
from reports.words import about_money, count, journey_title, listed, span

_DEPLOY_REACH = timedelta(hours=2)
"""A deploy this long before the first failed run is named beside it."""
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Holds one of the six facts: its name, what it says, and the detail below."""

    name: str
    said: str
    detail: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """Holds one tier of the escalation. `kind` is `done`, `next` or empty for a later one."""

    title: str
    state: str
    people: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesLost:
    """What the shop usually sells in a minute of this hour, in minor units of a currency; `why` says why that is not known."""

    minor_per_minute: float | None = None
    currency: str = ""
    why: str = "no source of sales tells what this hour usually sells"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Holds what the block on top of the overview shows while buyers are stopped, or a critical alert fires.

    `can_escalate` is whether a tier is left that can be called now. `journey` is the one of which a run can be requested, None for an
    alert about none on the schedule. `runbook` is what the rule says to do or to read.
    """

    headline: str
    severity: WidgetState
    state: str
    alert_id: str
    incident: str | None
    label: str
    can_acknowledge: bool
    can_escalate: bool
    journey: str | None
    runbook: str | None
    run_id: str | None
    next_tier: str
    facts: tuple[Fact, ...]
    tiers: tuple[TierRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageNumbers:
    """What the facts are made of.

    `alerts` are all firing ones, the most urgent told one first in `told`. `notifications` and `calls` are those of the lead's
    incident. `journeys` maps each scheduled journey to its locations.
    """

    alerts: Sequence[Alert]
    told: Sequence[Alert]
    journeys: Mapping[str, Sequence[str]]
    notifications: Sequence[Notification]
    calls: Sequence[LadderRow]
    deploys: Sequence[Deploy]
    sales: SalesLost
    zone: ReaderZone
    now: datetime


def outage_of(numbers: OutageNumbers) -> Outage | None:
    """Return the outage that the most urgent critical alert reports; None if no critical alert fires."""
    lead = numbers.told[0] if numbers.told else None
    if lead is None or lead.severity.value != "critical":
        return None
    stopped = _stopped(numbers.alerts)
    since = began(lead, numbers.alerts)
    return Outage(
        headline=headline_of(lead, numbers.alerts, numbers.journeys, numbers.zone.clock(since, numbers.now)),
        severity=WidgetState.CRITICAL,
        state="acknowledged by " + lead.acked_by if lead.acked_by else "firing · not acknowledged",
        alert_id=lead.id,
        incident=lead.incident,
        label=(lead.incident or "").upper(),
        can_acknowledge=lead.acked_at is None,
        can_escalate=lead.incident is not None
        and lead.acked_at is None
        and any(row.status is LadderStatus.PENDING for row in numbers.calls),
        journey=lead.journey if lead.journey in numbers.journeys else None,
        runbook=lead.runbook,
        run_id=lead.runs[-1] if lead.runs else None,
        next_tier=_next(numbers),
        facts=(
            _who(stopped, numbers),
            _since(since, lead, numbers),
            _where(lead, stopped, numbers),
            _why(lead),
            _told(lead, numbers),
            _at_risk(stopped, since, numbers),
        ),
        tiers=_tiers(numbers),
    )


def _stopped(alerts: Sequence[Alert]) -> list[str]:
    """Return the journeys that buyers cannot finish, also where another alert covers the one that says so."""
    return sorted({alert.journey for alert in alerts if alert.journey and blocks_buyers(alert)})


def began(lead: Alert, alerts: Sequence[Alert]) -> datetime:
    """Return since when it lasts: the earliest beginning of the alerts of the same incident that are as severe."""
    members = [a for a in alerts if a.id == lead.id or (lead.incident and a.incident == lead.incident)]
    return min((a.began_at for a in members if a.severity is lead.severity), default=lead.began_at)


def headline_of(lead: Alert, alerts: Sequence[Alert], journeys: Mapping[str, Sequence[str]], at: str) -> str:
    """Return in one sentence what buyers cannot do and since when (`at`).

    `lead` is the most urgent alert, `alerts` are all that fire, and `journeys` maps each scheduled journey to its locations.
    """
    stopped = _stopped(alerts)
    if not stopped:
        title = lead.title or lead.key
        return f"{title[:1].upper()}{title[1:]}, since {at}."
    planned = {place for journey in stopped for place in journeys.get(journey, ())}
    seen = set(lead.counted) & planned
    everywhere = not seen or len(seen) == len(planned) or not (planned - seen - _left_out(lead, planned))
    if everywhere and set(stopped) >= set(journeys):
        return f"Nobody can buy a ticket since {at}."
    what = listed([journey_title(journey) for journey in stopped])
    if everywhere:
        return f"Nobody can finish the {what} since {at}."
    return f"Buyers at {len(seen)} of {count(len(planned), 'location')} cannot finish the {what} since {at}."


def _left_out(lead: Alert, planned: set[str]) -> set[str]:
    """Return the locations of which nothing is known: their results are missing, so they contradict nothing."""
    return {place for place in planned if any(text.startswith(f"{place}:") for text in lead.left_out)}


def _who(stopped: Sequence[str], numbers: OutageNumbers) -> Fact:
    others = [journey for journey in numbers.journeys if journey not in stopped]
    if not stopped:
        return Fact(name="Who", said="Buyers, in part", detail="No journey is known to fail as a whole")
    works = f"{listed([journey_title(j) for j in others])}: no alert" if others else "No journey is known to work"
    who = "Every buyer" if not others else f"Buyers of {listed([journey_title(j) for j in stopped])}"
    return Fact(name="Who", said=who, detail=works)


def _since(since: datetime, lead: Alert, numbers: OutageNumbers) -> Fact:
    at = since.astimezone(numbers.zone.zone)
    first = "First failed run" if lead.runs else "First seen"
    before = [d for d in numbers.deploys if timedelta() <= since - d.at <= _DEPLOY_REACH]
    detail = first + (f", {span(since - before[0].at)} after deploy {before[0].version}" if before else "")
    return Fact(name="Since", said=f"{at:%H:%M:%S %Z}, {span(numbers.now - since)}", detail=detail)


def _where(lead: Alert, stopped: Sequence[str], numbers: OutageNumbers) -> Fact:
    planned = sorted({place for j in stopped or numbers.journeys for place in numbers.journeys.get(j, ())})
    if not lead.counted:
        return Fact(name="Where", said=lead.subject or "Not known", detail="")
    left_out = f" · not known: {'; '.join(lead.left_out)}" if lead.left_out else ""
    said = f"{len(lead.counted)} of {count(max(len(planned), len(lead.counted)), 'location')}"
    return Fact(name="Where", said=said, detail=f"{', '.join(sorted(lead.counted))}{left_out}", is_bad=True)


def _why(lead: Alert) -> Fact:
    """Return the failure itself, such as the request that was refused; the step and what the page showed are its detail."""
    title = lead.title or lead.key
    title = f"{title[:1].upper()}{title[1:]}"
    step, colon, failure = lead.cause.partition(": ")
    if not colon:
        return Fact(name="Why", said=title, detail=one_line(lead.cause or lead.summary, most=_LONGEST))
    said, _, more = failure.partition("; ")
    detail = f"at {step}{'; ' if more else ''}{more}"
    return Fact(name="Why", said=one_line(said, most=_LONGEST), detail=one_line(detail, most=_LONGEST))


def _told(lead: Alert, numbers: OutageNumbers) -> Fact:
    sent = {n.destination: n for n in sorted(numbers.notifications, key=lambda n: n.created_at)}
    reached = [n for n in sent.values() if n.state is NotificationState.DELIVERED and not n.reached_nobody]
    if not sent:
        return Fact(name="Told", said="Nobody yet", detail="No message is owed for it", is_bad=True)
    answered = f"acknowledged by {lead.acked_by}" if lead.acked_by else "none answered"
    failed = sorted(n.destination for n in sent.values() if n.reached_nobody)
    waiting = sorted(n.destination for n in sent.values() if n not in reached and not n.reached_nobody)
    detail = [f"not reached: {', '.join(failed)}"] if failed else []
    detail += [f"on its way: {', '.join(waiting)}"] if waiting else []
    detail += [", ".join(sorted(n.destination for n in reached))] if reached and not detail else []
    said = f"{len(reached)} of {len(sent)} reached, {answered}"
    return Fact(name="Told", said=said, detail=one_line(" · ".join(detail), most=_LONGEST), is_bad=bool(failed))


def _at_risk(stopped: Sequence[str], since: datetime, numbers: OutageNumbers) -> Fact:
    sales, minutes = numbers.sales, max(0.0, (numbers.now - since).total_seconds() / 60)
    if not stopped:
        return Fact(name="At risk", said="–", detail="Buyers are not known to be stopped")
    if sales.minor_per_minute is None:
        return Fact(name="At risk", said="Not known", detail=sales.why)
    total = about_money(round(sales.minor_per_minute * minutes), sales.currency)
    rate = about_money(round(sales.minor_per_minute), sales.currency)
    return Fact(
        name="At risk", said=f"About {total} so far", detail=f"{minutes:.0f} min × {rate}, as this hour usually sells"
    )


def _tiers(numbers: OutageNumbers) -> tuple[TierRow, ...]:
    following = _pending(numbers)
    return tuple(_tier(row, numbers, is_next=row is following) for row in numbers.calls if row.repeat == 0)


def _tier(row: LadderRow, numbers: OutageNumbers, *, is_next: bool) -> TierRow:
    at = numbers.zone.clock(row.done_at or row.due_at, numbers.now)
    words = {
        LadderStatus.DONE: "told",
        LadderStatus.CANCELLED: "cancelled",
        LadderStatus.UNREACHED: "reached nobody",
        LadderStatus.PENDING: f"in {span(row.due_at - numbers.now)}",
    }
    done = row.status in (LadderStatus.DONE, LadderStatus.UNREACHED)
    if done:
        kind = "done"
    elif is_next:
        kind = "next"
    else:
        kind = ""
    return TierRow(
        title=f"Tier {row.tier} · {at}",
        state=words[row.status],
        people=", ".join(recipient.role for recipient in row.recipients) or "nobody",
        kind=kind,
    )


def _pending(numbers: OutageNumbers) -> LadderRow | None:
    waiting = [row for row in numbers.calls if row.status is LadderStatus.PENDING]
    return min(waiting, key=lambda row: row.due_at, default=None)


def _next(numbers: OutageNumbers) -> str:
    row = _pending(numbers)
    if row is None:
        return ""
    at, people = numbers.zone.clock(row.due_at, numbers.now), ", ".join(r.role for r in row.recipients) or "nobody"
    return (
        f"Next: tier {row.tier} ({people}) at {at}, in {span(row.due_at - numbers.now)}, unless somebody acknowledges"
    )
