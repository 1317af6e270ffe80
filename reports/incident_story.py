"""Tells the story of an incident: everything stored about it as entries of one time line, and a summary sentence. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from facts import (
    NO_TRAITS,
    Alert,
    AlertState,
    Deploy,
    Family,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Outcome,
    PlannedMaintenance,
    Severity,
    Silence,
    after_deploy,
    deploy_before,
)
from metrics.counting import Class, class_of
from reports.periodic.data import Story
from reports.periodic.sections.incidents import ACKNOWLEDGE_WITHIN, title_of
from reports.periodic.wording import length
from reports.words import count, exact_span, listed
from store.alerts import AlertChange
from store.verdicts import PastVerdict

_MOST_NAMES = 4
_STEP = re.compile(r"[a-z0-9_]+")
_TOLD = (NotificationState.DELIVERED, NotificationState.DEAD, NotificationState.CLAIMED, NotificationState.OWED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCost:
    """What an incident took of the error budget of one target.

    `bad` counts the first attempts that count against it, `minutes` is the time that they stand for, and `budget_minutes` and
    `budget_runs` are what the target allows in `days` days. `target` is a share from 0 to 1.
    """

    rule: str
    title: str
    target: float
    bad: int
    minutes: float
    budget_minutes: float
    budget_runs: float
    days: int = 30

    @property
    def share(self) -> float:
        """The share of the budget that the incident spent; more than 1 if it overspent the budget."""
        return self.minutes / self.budget_minutes if self.budget_minutes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentData:
    """Holds everything that is stored about one incident, as of `now`.

    `zone` is that of the business, in which times are told. `journeys` are the titles of the journeys on the schedule, by name. `runs`
    are those of the incident's time and of a little before and after it, oldest first; `runs_note` says which are left out, where any
    are. `changes` are those of its alerts, `verdicts` the rows of the verdicts' history of their keys, both oldest first. `bad_runs`
    counts the first attempts that were bad while it lasted, by journey.
    """

    story: Story
    now: datetime
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    journeys: Mapping[str, str] = field(default_factory=dict)
    runs: Sequence[Outcome] = ()
    runs_note: str = ""
    bad_runs: Mapping[str, int] = field(default_factory=dict)
    changes: Sequence[AlertChange] = ()
    ladder: Sequence[LadderRow] = ()
    verdicts: Sequence[PastVerdict] = ()
    deploys: Sequence[Deploy] = ()
    silences: Sequence[Silence] = ()
    maintenance: Sequence[PlannedMaintenance] = ()
    budgets: Sequence[BudgetCost] = ()

    @property
    def is_open(self) -> bool:
        """Whether the incident is not over."""
        return self.story.incident.resolved_at is None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The time from the first bad run until the first good one after it; until now if the incident is open."""
        return self.story.span(self.now)

    @property
    def lasted(self) -> timedelta:
        """How long it lasted."""
        begins, ends = self.span
        return ends - begins

    @property
    def lead(self) -> Alert | None:
        """The alert that opened it."""
        alerts = self.story.alerts
        return next((alert for alert in alerts if alert.id == self.story.incident.lead), alerts[0] if alerts else None)

    @property
    def firing(self) -> list[Alert]:
        """The firing alerts of the incident; one that outlasted it belongs to another incident now."""
        members = self.story.alerts if self.is_open else ()
        own = self.story.incident.id
        return [alert for alert in members if alert.state is AlertState.FIRING and alert.incident in (own, None)]

    @property
    def deploy(self) -> Deploy | None:
        """The deploy that came shortly before the first bad run."""
        return deploy_before(self.deploys, self.span[0])

    @property
    def acknowledged(self) -> AlertChange | None:
        """The first acknowledgement."""
        return next((change for change in self.changes if change.what == "acknowledged"), None)

    @property
    def within(self) -> timedelta | None:
        """The time within which the guide requires an acknowledgement; None for severities without one."""
        return ACKNOWLEDGE_WITHIN.get(self.story.incident.severity)

    def clock(self, at: datetime) -> str:
        """Return a moment as the business's clocks show it: `18 Nov 14:20 CST`."""
        return f"{at.astimezone(self.zone):%-d %b %H:%M %Z}"

    def while_it_lasted(self, kind: Class) -> list[Outcome]:
        """Return the runs of a class that were started while it lasted."""
        begins, ends = self.span
        return [run for run in self.runs if begins <= run.started_at < ends and class_of_run(run) is kind]


def class_of_run(run: Outcome) -> Class:
    """Return whether the final result of a run is good, bad, or says nothing of the shop; a network failure counts as bad here, because
    the incident is about it."""
    return class_of(run.status, run.blame, network_counts=True)


# What it says in a sentence


def stops_buyers(story: Story) -> bool:
    """Return whether an incident kept buyers from buying: a journey failed, or payments did."""
    traits = [alert.traits or NO_TRAITS for alert in story.alerts]
    return any(one.journey_fails or (one.of_payment and one.family is Family.BUSINESS) for one in traits)


def headline(data: IncidentData, clock: str) -> str:
    """Return what the incident means to buyers, in the past where it is over; `clock` is when it began.

    Of one that stops no buyer it is the title of the alert that opened it.
    """
    after = f", after deploy {data.deploy.version}" if data.deploy else ""
    when = f", since {clock}" if data.is_open else f" for {length(data.lasted)}"
    bad, good = data.while_it_lasted(Class.BAD), data.while_it_lasted(Class.GOOD)
    if not stops_buyers(data.story) or not bad:
        title = title_of(data.story)
        title = f"{title[:1].upper()}{title[1:]}"
        return f"{title}{',' if not data.is_open else ''}{when}{after}."
    what = _what_they_do(data, {run.journey for run in bad})
    failing = {run.journey for run in bad}
    nobody = not any(run.journey in failing for run in good)
    if data.is_open:
        return f"{'Nobody can' if nobody else 'Some buyers cannot'} {what}{when}{after}."
    return f"{'Nobody could' if nobody else 'Some buyers could not'} {what}{when}{after}."


def _what_they_do(data: IncidentData, failing: set[str]) -> str:
    if failing >= set(data.journeys):
        return "buy"
    if data.lead is not None and data.lead.traits is not None and data.lead.traits.of_payment:
        return "pay"
    return f"complete the {listed(sorted(data.journeys.get(name, name) for name in failing))}"


def sentences(data: IncidentData) -> str:
    """Return the cause, where it was seen, how soon people were notified, and whether it was acknowledged in time."""
    said = []
    lead = data.lead
    if lead is not None and lead.cause:
        said.append(_without_step(lead.cause))
    elif lead is not None and (summary := lead.summary_past or lead.summary):
        said.append(f"{summary[:1].upper()}{summary[1:]}")
    if data.deploy is not None:
        text = after_deploy(data.deploy, data.span[0])
        said.append(f"It began {text}")
    told = data.story.told_at
    if told is None:
        said.append("Nobody was told" if not data.is_open else "Nobody has been told yet")
    else:
        said.append(f"Told {exact_span(told - data.span[0])} after it began")
    said.append(_acknowledged_words(data))
    return " ".join(f"{one.rstrip('.')}." for one in said if one)


def _without_step(cause: str) -> str:
    """Return a cause in the words of a run without the id of the step that begins it."""
    step, _, rest = cause.partition(": ")
    said = rest if rest and _STEP.fullmatch(step) else cause
    return f"{said[:1].upper()}{said[1:]}"


def _acknowledged_words(data: IncidentData) -> str:
    ack, fired = data.acknowledged, data.story.fired_at
    if ack is None:
        return "Nobody has acknowledged it" if data.is_open else "Nobody acknowledged it"
    if fired is None:
        return f"Acknowledged by {ack.note}"
    took = ack.at - fired
    late = data.within is not None and took > data.within
    return f"Acknowledged by {ack.note} after {exact_span(took)}{', late' if late else ''}"


# The time line


class EntryKind(StrEnum):
    """The kind of an entry of the time line."""

    DEPLOY = "deploy"
    RUN = "run"
    VERDICT = "verdict"
    ALERT = "alert"
    MESSAGE = "message"
    HELD = "held"
    ESCALATION = "escalation"
    ACKNOWLEDGEMENT = "acknowledgement"
    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    RECOVERY = "recovery"
    RESOLVED = "resolved"


_ORDER = list(EntryKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the time line. `is_due` marks what has not happened yet. `tone` is critical, warning, ok or empty."""

    at: datetime
    kind: EntryKind
    title: str
    detail: str = ""
    tone: str = ""
    alert: str | None = None
    run: str | None = None
    url: str | None = None
    is_due: bool = False


def time_line(data: IncidentData) -> tuple[Entry, ...]:
    """Return everything that happened, and what is still due, in chronological order."""
    found = [
        *_deploys(data),
        *_runs(data),
        *_verdicts(data),
        *_alerts(data),
        *_acknowledgements(data),
        *_messages(data),
        *_held(data),
        *_ladder(data),
        *_silences(data),
        *_maintenance(data),
        *_end(data),
    ]
    return tuple(sorted(found, key=lambda one: (one.at, _ORDER.index(one.kind), one.title)))


def _deploys(data: IncidentData) -> Iterator[Entry]:
    for one in data.deploys:
        where = f" to {one.environment}" if one.environment else ""
        by = f" by {one.by}" if one.by else ""
        note = one.note or ""
        if data.deploy is not None and one.id == data.deploy.id:
            note = f"{note}{' · ' if note else ''}the last one before the first bad run"
        yield Entry(
            at=one.at, kind=EntryKind.DEPLOY, title=f"Deploy {one.version}{where}{by}", detail=note, url=one.url
        )


def _runs(data: IncidentData) -> Iterator[Entry]:
    bad = data.while_it_lasted(Class.BAD)
    if not bad:
        return
    by_place: dict[str, Outcome] = {}
    for run in bad:
        by_place.setdefault(run.location, run)
    first, *others = sorted(by_place.values(), key=lambda run: (run.started_at, run.run_id))
    yield Entry(
        at=first.started_at,
        kind=EntryKind.RUN,
        title=f"First failed run, {first.location}",
        detail=" · ".join(filter(None, (_title(data, first), first.error or ""))),
        tone="critical",
        run=first.run_id,
    )
    for run in others:
        yield Entry(
            at=run.started_at,
            kind=EntryKind.RUN,
            title=f"First failed run at {run.location}",
            detail=" · ".join(filter(None, (_title(data, run), run.error or ""))),
            tone="critical",
            run=run.run_id,
        )


def _title(data: IncidentData, run: Outcome) -> str:
    return data.journeys.get(run.journey, run.journey)


def first_good(data: IncidentData) -> Outcome | None:
    """Return the first good run after the last bad one of an incident that is over; None while there is none."""
    bad = data.while_it_lasted(Class.BAD)
    if not bad or data.is_open:
        return None
    failing = {run.journey for run in bad}
    last = max(run.started_at for run in bad)
    after = [r for r in data.runs if r.journey in failing and r.started_at > last and class_of_run(r) is Class.GOOD]
    return min(after, key=lambda run: (run.finished_at, run.run_id), default=None)


def _verdicts(data: IncidentData) -> Iterator[Entry]:
    """Yield the changes of the verdicts on its targets: the signs before and after its alerts."""
    titles = {alert.key: alert.title or alert.key for alert in data.story.alerts}
    before: dict[str, PastVerdict] = {}
    for row in data.verdicts:
        was = before.get(row.key)
        before[row.key] = row
        if was is None or was.verdict is row.verdict:
            continue
        states = f"{_status(was)} → {_status(row)}"
        title = titles.get(row.key, row.key)
        yield Entry(
            at=row.at,
            kind=EntryKind.VERDICT,
            title=f"Verdict: {states}",
            detail=f"{title} ({row.rule}), n {row.n}",
            tone={"critical": "critical", "warning": "warning", "met": "ok"}.get(_status(row), ""),
        )


def _status(row: PastVerdict) -> str:
    return row.verdict.value.replace("_", " ") if row.verdict is not None else "not judged"


def _alerts(data: IncidentData) -> Iterator[Entry]:
    by_id = {alert.id: alert for alert in data.story.alerts}
    for change in data.changes:
        alert = by_id.get(change.alert_id)
        if alert is None:
            continue
        title = alert.title or alert.key
        match change.what:
            case "pending":
                said, tone, detail = f"Alert pending: {title}", "warning", change.note or ""
            case "firing":
                joined = alert.id != data.story.incident.lead
                said, detail = f"Alert fires: {title}", _counted(alert)
                tone = "critical" if alert.severity is Severity.CRITICAL else "warning"
                detail = f"joined this incident · {detail}" if joined else detail
            case "severity":
                said, tone, detail = f"Severity {change.note}: {title}", "warning", ""
            case "resolved" if alert.closed:
                said, tone, detail = f"Alert closed: {title}", "", f"{alert.closed}; it did not recover"
            case "resolved":
                said, tone, detail = f"Alert resolved: {alert.title_past or title}", "ok", ""
            case _:
                continue
        yield Entry(
            at=change.at,
            kind=EntryKind.ALERT,
            title=said,
            detail=" · ".join(filter(None, (f"{alert.rule}, {alert.severity}", detail))),
            tone=tone,
            alert=alert.id,
        )


def _counted(alert: Alert) -> str:
    parts = [f"counted: {', '.join(alert.counted)}"] if alert.counted else []
    parts += [f"left out: {'; '.join(alert.left_out)}"] if alert.left_out else []
    return " · ".join(parts)


def _acknowledgements(data: IncidentData) -> Iterator[Entry]:
    """Yield acknowledgements, each once, however many alerts it covered."""
    seen: set[tuple[datetime, str, str | None]] = set()
    goal = data.within
    for change in data.changes:
        key = (change.at, change.what, change.note)
        if change.what not in ("acknowledged", "given back") or key in seen:
            continue
        seen.add(key)
        fired = data.story.fired_at
        if change.what == "given back":
            title, tone, detail = f"Acknowledgement of {change.note or 'somebody'} ended", "warning", ""
        else:
            took = change.at - fired if fired is not None else None
            title, tone = f"Acknowledged by {change.note or 'somebody'}", ""
            detail = f"{exact_span(took)} after firing" if took is not None else ""
            detail += f", goal {length(goal)}" if goal and took is not None else ""
            tone = "warning" if goal and took is not None and took > goal else ""
        yield Entry(at=change.at, kind=EntryKind.ACKNOWLEDGEMENT, title=title, detail=detail, tone=tone)


def _messages(data: IncidentData) -> Iterator[Entry]:
    """Yield what was sent: messages that were owed together are one entry, at the time when the first of them was delivered."""
    called = {(row.tier, row.done_at) for row in data.ladder}
    groups: dict[tuple[NotificationKind, int, int | None], list[Notification]] = defaultdict(list)
    for one in data.story.messages:
        # Messages of an escalation tier are listed with that tier.
        if one.state in _TOLD and (one.tier, one.created_at) not in called:
            groups[one.kind, one.order, one.tier].append(one)
    said = {
        NotificationKind.FIRING: "Told",
        NotificationKind.UPDATE: "Update sent to",
        NotificationKind.ACKNOWLEDGED: "Told who has it:",
        NotificationKind.RESOLVED: "“Resolved” sent to",
    }
    for (kind, _, _), group in groups.items():
        delivered = [one.delivered_at for one in group if one.delivered_at]
        at = min(delivered) if delivered else max(min(one.due_at for one in group), min(o.created_at for o in group))
        waits = not delivered and all(one.state is NotificationState.OWED for one in group) and at > data.now
        failed = any(one.reached_nobody for one in group)
        yield Entry(
            at=at,
            kind=EntryKind.MESSAGE,
            title=f"{said[kind]} {names(one.destination for one in group)}",
            detail=receipts(group),
            tone="warning" if failed else "",
            is_due=waits,
        )


def names(found: Iterable[str], most: int = _MOST_NAMES) -> str:
    """Return some names, each once; of many the first few and how many more there are."""
    some = list(dict.fromkeys(found))
    if not some:
        return "nobody"
    more = len(some) - most
    return listed(some) if more <= 0 else f"{', '.join(some[:most])} and {more} more"


def receipts(group: Sequence[Notification]) -> str:
    """Return how many of some messages were received, how soon, and what happened to the others."""
    received = [one for one in group if one.delivered_at is not None and not one.reached_nobody]
    parts = [f"{len(received)} of {len(group)} received"]
    if received:
        waits = sorted(one.delivered_at - one.created_at for one in received if one.delivered_at)
        parts.append(f"first after {exact_span(waits[0])}")
        if len(waits) > 1:
            parts.append(f"last after {exact_span(waits[-1])}")
    for one in group:
        if one.reached_nobody:
            parts.append(f"{one.destination}: {one.receipt or one.last_error or 'not delivered'}")
        elif one.state is NotificationState.OWED and one.reason:
            parts.append(f"{one.destination}: {one.reason}")
    return " · ".join(parts)


def _held(data: IncidentData) -> Iterator[Entry]:
    """Yield the messages that were not sent or held back, with the reason."""
    groups: dict[tuple[str, NotificationState], list[Notification]] = defaultdict(list)
    for one in sorted(data.story.messages, key=lambda one: one.created_at):
        never = one.state in (NotificationState.SUPPRESSED, NotificationState.SUPERSEDED)
        if never or one.hold is not None:
            groups[one.reason or (one.hold or ""), one.state].append(one)
    for (reason, state), group in groups.items():
        at, who = group[0].created_at, names(one.destination for one in group)
        until = max(one.due_at for one in group)
        if state is NotificationState.SUPPRESSED:
            title = f"Not sent to {who}"
        elif state is NotificationState.SUPERSEDED:
            title = f"Overtaken: {group[0].kind.value} to {who}"
        else:
            title = f"Held back until {data.clock(until)}: {group[0].kind.value} to {who}"
        yield Entry(at=at, kind=EntryKind.HELD, title=title, detail=reason)


def _ladder(data: IncidentData) -> Iterator[Entry]:
    cancelled: dict[tuple[datetime, str], list[LadderRow]] = defaultdict(list)
    for row in data.ladder:
        roles = names(recipient.role for recipient in row.recipients)
        again = f", repetition {row.repeat}" if row.repeat else ""
        if row.status is LadderStatus.CANCELLED:
            cancelled[row.done_at or row.due_at, row.note or ""].append(row)
        elif row.status is LadderStatus.PENDING:
            if data.is_open:
                yield Entry(
                    at=row.due_at,
                    kind=EntryKind.ESCALATION,
                    title=f"Tier {row.tier}{again} is due: {roles}",
                    detail=f"called now by {row.asked_by}" if row.asked_by else "unless somebody acknowledges before",
                    tone="warning",
                    is_due=True,
                )
        else:
            reached = row.status is LadderStatus.DONE
            told = [
                one
                for one in data.story.messages
                if one.kind is NotificationKind.FIRING
                and one.destination in row.destinations
                and one.state in _TOLD
                and (one.tier == row.tier or one.created_at <= (row.done_at or row.due_at))
            ]
            newest = {one.destination: one for one in told}
            detail = receipts(list(newest.values())) if newest else ""
            yield Entry(
                at=row.done_at or row.due_at,
                kind=EntryKind.ESCALATION,
                title=f"Tier {row.tier}{again} told: {roles}"
                if reached
                else f"Tier {row.tier}{again} reached nobody: {roles}",
                detail=" · ".join(
                    filter(None, (f"called by {row.asked_by}" if row.asked_by else "", detail, row.note or ""))
                ),
                tone="" if reached and row.tier == 1 and not row.repeat else "warning",
            )
    for (at, note), rows in cancelled.items():
        tiers = sorted({row.tier for row in rows})
        which = f"Tier{'s' if len(tiers) > 1 else ''} {listed([str(tier) for tier in tiers])}"
        yield Entry(at=at, kind=EntryKind.ESCALATION, title=f"{which} cancelled", detail=note)


def _silences(data: IncidentData) -> Iterator[Entry]:
    for one in data.silences:
        ended = f", ended by {one.ended_by}" if one.ended_by else ""
        until = data.clock(one.ends_at)
        yield Entry(
            at=one.starts_at,
            kind=EntryKind.SILENCE,
            title=f"Silenced by {one.by} until {until}{ended}",
            detail=f"{one.about}: {one.reason}",
        )


def _maintenance(data: IncidentData) -> Iterator[Entry]:
    for one in data.maintenance:
        about = f" of {names(data.journeys.get(name, name) for name in one.journeys)}" if one.journeys else ""
        yield Entry(
            at=one.starts_at,
            kind=EntryKind.MAINTENANCE,
            title=f"Maintenance{about} until {data.clock(one.ends_at)}",
            detail=one.reason,
        )


def _end(data: IncidentData) -> Iterator[Entry]:
    good = first_good(data)
    if good is not None:
        yield Entry(
            at=good.finished_at,
            kind=EntryKind.RECOVERY,
            title=f"First good run, {good.location}",
            detail=_title(data, good),
            tone="ok",
            run=good.run_id,
        )
    over = data.story.incident.resolved_at
    if over is None:
        return
    resolved = [one for one in data.story.messages if one.kind is NotificationKind.RESOLVED]
    reached = sum(one.delivered_at is not None for one in resolved)
    detail = f"“resolved” reached {reached} of {count(len(resolved), 'destination')}" if resolved else ""
    yield Entry(at=over, kind=EntryKind.RESOLVED, title="Incident resolved", detail=detail, tone="ok")
