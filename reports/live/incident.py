"""Renders `/incidents/{id}`: what an incident meant to buyers, its whole story on one time line, who was told, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Confirmation, LadderStatus, Notification, NotificationKind, NotificationState, Outcome, Severity
from metrics.counting import Class
from reports.charts import Chart, Table
from reports.charts.incident_line import Dot, Lane, RunMark, Stage, incident_line
from reports.charts.units import percent_format
from reports.incident_story import (
    Entry,
    EntryKind,
    IncidentData,
    class_of_run,
    headline,
    sentences,
    stops_buyers,
    time_line,
)
from reports.live.frame import Frame
from reports.pages import render
from reports.periodic.wording import about, length
from reports.words import exact_span

_MOST_LANES = 8
_MOST_MESSAGES = 60
_STATES = {Severity.CRITICAL: "critical", Severity.HIGH: "warning", Severity.MEDIUM: "off target"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure with its unit, what it is compared with, and what it rests on. `state` is one of a widget's states, or empty."""

    title: str
    value: str
    unit: str = ""
    delta: str = ""
    note: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """Holds an entry of the time line as it is shown."""

    iso: str
    clock: str
    kind: str
    tone: str
    title: str
    detail: str
    run: str | None
    alert: str | None
    url: str | None
    is_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """Holds the result of the messages to one destination. `state` is ok, warning or no data."""

    destination: str
    tier: str
    sent: str
    receipt: str
    state: str
    resolved: str
    has_resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Holds the part of a target's error budget that an incident spent."""

    rule: str
    title: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """Holds an alert of the incident."""

    id: str
    title: str
    severity: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """Holds the data of the template. `acknowledge` is the alert to acknowledge, None where nobody has to."""

    frame: Frame
    id: str
    label: str
    state: str
    state_words: str
    about: str
    heading: str
    sentence: str
    first_run: str | None
    tiles: tuple[Tile, ...]
    chart: Chart
    zone: str
    entries: tuple[EntryRow, ...]
    due: tuple[EntryRow, ...]
    told: tuple[ToldRow, ...]
    told_more: int
    received: str
    held: tuple[str, ...]
    costs: tuple[CostRow, ...]
    found_first: str
    members: tuple[MemberRow, ...]
    acknowledge: str | None
    acknowledged: str
    can_escalate: bool
    note: str


def label_of(incident_id: str) -> str:
    """Return the name of an incident for people: `INC-41`."""
    return incident_id.upper()


def incident_page(frame: Frame, data: IncidentData) -> str:
    """Return the page's HTML."""
    return render("live/incident.html.j2", page_of(frame, data))


def page_of(frame: Frame, data: IncidentData) -> IncidentPage:
    """Return the context of the page."""
    incident = data.story.incident
    begins, _ = data.span
    all_entries = time_line(data)
    rows = [entry_row(entry, data) for entry in all_entries]
    told = list(_told(data))
    firing = data.firing
    unacked = [alert for alert in firing if alert.acked_at is None]
    state, words = _state(data)
    bad = data.while_it_lasted(Class.BAD)
    return IncidentPage(
        frame=frame,
        id=incident.id,
        label=label_of(incident.id),
        state=state,
        state_words=words,
        about=f"{incident.severity.value} · {_period(data)}",
        heading=headline(data, f"{begins.astimezone(data.zone):%H:%M %Z}"),
        sentence=sentences(data),
        first_run=min(bad, key=lambda run: (run.started_at, run.run_id)).run_id if bad else None,
        tiles=tuple(tiles(data)),
        chart=_chart(data, all_entries),
        zone=f"{begins.astimezone(data.zone):%Z}",
        entries=tuple(row for row in rows if not row.is_due),
        due=tuple(row for row in rows if row.is_due),
        told=tuple(told[:_MOST_MESSAGES]),
        told_more=max(0, len(told) - _MOST_MESSAGES),
        received=f"{sum(one.state in ('ok', 'unproven') for one in told)} of {len(told)} received"
        if told
        else "nobody was told",
        held=tuple(
            f"{entry.title}{f': {entry.detail}' if entry.detail else ''}"
            for entry in all_entries
            if entry.kind is EntryKind.HELD
        ),
        costs=tuple(costs(data)),
        found_first=found_first(data),
        members=tuple(
            MemberRow(
                id=a.id,
                title=a.title or a.key,
                severity=a.severity.value,
                # A less urgent alert that outlasts its incident goes on in one of its own.
                state=a.state.value
                if a.incident in (incident.id, None)
                else f"goes on as {label_of(a.incident or '')}",
            )
            for a in data.story.alerts
        ),
        acknowledge=unacked[0].id if unacked else None,
        acknowledged=", ".join(dict.fromkeys(alert.acked_by for alert in firing if alert.acked_by)),
        can_escalate=data.is_open and bool(data.ladder),
        note=data.runs_note,
    )


def _state(data: IncidentData) -> tuple[str, str]:
    if not data.is_open:
        return "ok", "Resolved"
    firing = data.firing
    state = _STATES.get(data.story.incident.severity, "off target")
    if firing and all(alert.acked_at for alert in firing):
        return state, "Acknowledged"
    return state, "Firing"


def _period(data: IncidentData) -> str:
    begins, ends = (at.astimezone(data.zone) for at in data.span)
    if data.is_open:
        return f"{begins:%a %-d %b %Y, %H:%M} – now {begins:%Z}"
    last = f"{ends:%H:%M %Z}" if ends.date() == begins.date() else f"{ends:%a %-d %b, %H:%M %Z}"
    return f"{begins:%a %-d %b %Y, %H:%M} – {last}"


# The figures


def tiles(data: IncidentData) -> Iterator[Tile]:
    """Yield the four figures: how long, how soon it was found, how soon it was acknowledged, and what it cost."""
    begins, ends = data.span
    here = data.zone
    clocks = f"{begins.astimezone(here):%H:%M:%S} – {'now' if data.is_open else f'{ends.astimezone(here):%H:%M:%S}'}"
    failed = [f"{n} {data.journeys.get(name, name)}" for name, n in sorted(data.bad_runs.items()) if n]
    yield Tile(
        title="Buyers blocked" if stops_buyers(data.story) else "Lasted",
        value=exact_span(data.lasted),
        delta=clocks,
        note=f"failed first attempts: {', '.join(failed)}" if failed else "no failed run",
        state="critical" if data.is_open else "",
    )
    told = data.story.told_at
    deploy = f"deploy to first message {exact_span(told - data.deploy.at)}" if told and data.deploy else ""
    fired = data.story.fired_at
    yield Tile(
        title="Told",
        value=exact_span(told - begins) if told else "–",
        delta="from the first bad run to the first message" if told else "nobody has been told",
        note=deploy or (f"fired after {exact_span(fired - begins)}" if fired else ""),
        state="ok" if told else "warning",
    )
    yield _acknowledged_tile(data)
    yield _money_tile(data)


def _acknowledged_tile(data: IncidentData) -> Tile:
    ack, fired, goal = data.acknowledged, data.story.fired_at, data.within
    want = f"goal {length(goal)}" if goal else "no goal for this severity"
    if ack is None or fired is None:
        waits = data.now - fired if fired and data.is_open else None
        late = goal is not None and waits is not None and waits > goal
        said = f"{want}, {exact_span(waits)} so far" if waits is not None else want
        return Tile(title="Acknowledged", value="–", delta=said, note="by nobody", state="warning" if late else "")
    took = ack.at - fired
    late = goal is not None and took > goal
    said = f"{want}, missed by {exact_span(took - goal)}" if late and goal else want
    return Tile(
        title="Acknowledged",
        value=exact_span(took),
        delta=said,
        note=f"by {ack.note}",
        state="warning" if late else "ok",
    )


def _money_tile(data: IncidentData) -> Tile:
    story = data.story
    if story.lost is not None:
        said = "so far, about" if data.is_open else "about"
        return Tile(
            title="Money at risk",
            value=about(story.lost) if story.lost else "nothing",
            delta=f"{said}: what these hours usually sell",
            note="median of the same hours in 4 weeks",
        )
    if not stops_buyers(story):
        return Tile(title="Money at risk", value="–", delta="it kept nobody from buying")
    return Tile(title="Money at risk", value="unknown", delta=story.lost_unknown)


def costs(data: IncidentData) -> Iterator[CostRow]:
    """Yield what it took of the error budgets, the largest share first."""
    for one in sorted(data.budgets, key=lambda one: (-one.share, one.rule)):
        budget = timedelta(minutes=one.budget_minutes)
        if not one.bad:
            said = "nothing"
        else:
            took = timedelta(minutes=one.minutes)
            said = (
                f"{exact_span(took)} of {exact_span(budget)}, {percent_format(round(one.share, 3))} of {one.days} days’ budget · "
                f"{one.bad} of {one.budget_runs:,.0f} bad runs"
            )
            if one.share > 1:
                said += " · more than all of it"
        yield CostRow(rule=one.rule, title=f"{one.title}, {percent_format(one.target)}", said=said)


def found_first(data: IncidentData) -> str:
    """Return whether the monitor reported the incident before a real buyer met it; "" if it stopped no buyer."""
    story = data.story
    if not stops_buyers(story):
        return ""
    if story.signs_unknown:
        return f"unknown: {story.signs_unknown}"
    if story.user_sign_at is None:
        return "yes, no failed payment or support ticket came"
    at = f"{story.user_sign_at.astimezone(data.zone):%H:%M %Z}"
    early = story.told_at is not None and story.told_at <= story.user_sign_at
    return f"{'yes' if early else 'no'}, the first failed payment or support ticket came at {at}"


# Who was told


def _told(data: IncidentData) -> Iterator[ToldRow]:
    by_destination: dict[str, list[Notification]] = {}
    for one in data.story.messages:
        sent = one.kind in (NotificationKind.FIRING, NotificationKind.UPDATE) and one.state in (
            NotificationState.DELIVERED,
            NotificationState.DEAD,
            NotificationState.CLAIMED,
            NotificationState.OWED,
        )
        if sent:
            by_destination.setdefault(one.destination, []).append(one)
    for destination, sent_there in by_destination.items():
        first = next((one for one in sent_there if one.delivered_at), sent_there[0])
        resolved = [
            one
            for one in data.story.messages
            if one.destination == destination and one.kind is NotificationKind.RESOLVED and one.delivered_at
        ]
        tier = next((one.tier for one in sent_there if one.tier is not None), None)
        receipt, state = _receipt(first)
        yield ToldRow(
            destination=destination,
            tier=str(tier) if tier is not None else "",
            sent=clock_of(first.delivered_at, data) if first.delivered_at else "–",
            receipt=receipt,
            state=state,
            resolved=clock_of(resolved[0].delivered_at, data) if resolved else "–",
            has_resolved=bool(resolved),
        )


def _receipt(one: Notification) -> tuple[str, str]:
    if one.reached_nobody:
        return one.receipt or one.last_error or "not delivered", "warning"
    if one.delivered_at is None:
        return one.reason or one.last_error or "not sent yet", "no data"
    took = exact_span(one.delivered_at - one.created_at)
    if one.confirmation is Confirmation.PENDING:
        return f"{one.receipt or 'taken'}, not confirmed yet", "unproven"
    return f"{one.receipt or 'taken'}, {took}", "ok"


# The time line


def clock_of(at: datetime | None, data: IncidentData) -> str:
    """Return a moment as the business's clocks show it, with its date where that is another day than the beginning's."""
    if at is None:
        return "–"
    here, began = at.astimezone(data.zone), data.span[0].astimezone(data.zone)
    return f"{here:%H:%M:%S}" if here.date() == began.date() else f"{here:%-d %b %H:%M:%S}"


def entry_row(entry: Entry, data: IncidentData) -> EntryRow:
    """Return an entry of the time line as it is shown."""
    return EntryRow(
        iso=entry.at.isoformat(timespec="seconds"),
        clock=clock_of(entry.at, data),
        kind=entry.kind.value,
        tone={"critical": "crit", "warning": "warn", "ok": "ok"}.get(entry.tone, ""),
        title=entry.title,
        detail=entry.detail,
        run=entry.run,
        alert=entry.alert,
        url=entry.url,
        is_due=entry.is_due,
    )


def _chart(data: IncidentData, entries: Sequence[Entry]) -> Chart:
    begins, ends = data.span
    over = max(ends, data.story.incident.resolved_at or ends)
    margin = max(timedelta(seconds=30), (over - begins) * 0.12)
    due = [row.due_at for row in data.ladder if data.is_open and row.status is LadderStatus.PENDING]
    since = min([begins - margin, *(one.at - margin / 4 for one in data.deploys if one is data.deploy)])
    until = max([over + margin, *(at + margin / 4 for at in due[:1] if at - over < 4 * margin)])
    places = list(dict.fromkeys(run.location for run in sorted(data.runs, key=lambda run: run.location)))[:_MOST_LANES]
    failing = {run.journey for run in data.while_it_lasted(Class.BAD)}
    shown = [run for run in data.runs if since <= run.started_at <= until and (not failing or run.journey in failing)]
    rows = tuple((clock_of(entry.at, data), entry.title, entry.detail) for entry in entries)
    what = "buyers could not buy" if stops_buyers(data.story) else "it lasted"
    return incident_line(
        since=since,
        until=until,
        zone=data.zone,
        label=f"{label_of(data.story.incident.id)} on one time line from {clock_of(since, data)} to {clock_of(until, data)}",
        blocked=(begins, ends),
        blocked_words=f"{what}, {exact_span(data.lasted)}",
        deploys=[Dot(at=one.at, label=one.version) for one in data.deploys if since <= one.at <= until],
        lanes=[Lane(name=place, runs=[_mark(run) for run in shown if run.location == place]) for place in places],
        stages=list(_stages(data, over)),
        resolved_at=data.story.incident.resolved_at,
        told=list(_told_dots(data)),
        tiers=list(_tiers(data, until)),
        table=Table(caption="What happened", columns=("Time", "What", "Detail"), rows=rows),
    )


def _mark(run: Outcome) -> RunMark:
    kind = class_of_run(run)
    if kind is Class.BAD:
        return RunMark(at=run.started_at, state="failed")
    if kind is Class.GOOD:
        return RunMark(at=run.started_at, state="slow" if run.slow else "passed")
    return RunMark(at=run.started_at, state="unknown")


def _stages(data: IncidentData, over: datetime) -> Iterator[Stage]:
    lead = data.lead
    if lead is None:
        return
    fired = lead.fired_at
    if fired is None:
        yield Stage(since=lead.pending_since, until=over, state="pending")
        return
    if lead.pending_since < fired:
        yield Stage(since=lead.pending_since, until=fired, state="pending")
    ends = data.story.incident.resolved_at or data.now
    at, state = fired, "firing"
    for change in data.changes:
        if (
            change.alert_id != lead.id
            or change.what not in ("acknowledged", "given back")
            or not at <= change.at <= ends
        ):
            continue
        yield Stage(since=at, until=change.at, state=state)
        at, state = change.at, "acknowledged" if change.what == "acknowledged" else "firing"
    yield Stage(since=at, until=max(at, ends), state=state)


def _told_dots(data: IncidentData) -> Iterator[Dot]:
    groups: dict[tuple[str, int], list[Notification]] = {}
    for one in data.story.messages:
        if one.delivered_at is not None or one.reached_nobody:
            groups.setdefault((one.kind.value, one.order), []).append(one)
    dots = []
    for group in groups.values():
        got = [one for one in group if one.delivered_at and not one.reached_nobody]
        at = min((one.delivered_at for one in got if one.delivered_at), default=group[0].created_at)
        dots.append(
            Dot(at=at, label=f"{len(got)} of {len(group)} received", kind="ok" if len(got) == len(group) else "bad")
        )
    yield from sorted(dots, key=lambda dot: dot.at)


def _tiers(data: IncidentData, until: datetime) -> Iterator[Dot]:
    for row in data.ladder:
        number = f"{row.tier}"
        if row.status in (LadderStatus.DONE, LadderStatus.UNREACHED):
            yield Dot(at=row.done_at or row.due_at, label="", number=number)
        elif row.status is LadderStatus.CANCELLED:
            if row.due_at <= until:
                yield Dot(at=row.due_at, label="cancelled", kind="cancelled", number=number)
        elif data.is_open and row.due_at <= until:
            yield Dot(at=row.due_at, label=f"due {clock_of(row.due_at, data)}", kind="next", number=number)
