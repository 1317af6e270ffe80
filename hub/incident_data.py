"""Loads incidents with all that is stored about them: for their pages, the API, and the draft of a post-mortem."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from alerts.policy import Policy
from alerts.silences import matches
from facts import DEPLOY_REACH, Incident, LadderStatus, Outcome, PlannedMaintenance, Silence
from hub.incident_costs import with_costs
from hub.report_data import ReportSettings, bad_runs, parts, source_states
from hub.watched import Watched
from metrics import IncidentImpact
from reports.incident_story import BudgetCost, IncidentData
from reports.periodic.data import Story
from sla.history import Schedule
from sla.kinds.availability import Availability
from sla.kinds.burn import Burn
from sla.wording import journey_title
from store import alerts, deploys, incidents, ladder, outbox, runs, silences, verdicts

BUDGET_DAYS = 30
"""The window of an error budget, in days."""
_LONGEST_RUNS = timedelta(hours=24)
"""Of a longer incident only the runs of its first and its last hours are listed."""
_MOST_MEMBERS = 500
_MOST_INCIDENTS = 2_000


def load_stories(
    connection: Connection,
    found: Sequence[Incident],
    settings: ReportSettings,
    *,
    now: datetime,
    with_signs: bool = False,
) -> list[Story]:
    """Return incidents with their alerts, their messages and what they cost.

    Raises:
        ConfigError: the secret of a source cannot be used.
    """
    return _with_all(connection, found, settings.watched, now=now, with_signs=with_signs)


def load_impacts(
    connection: Connection, watched: Watched, *, since: datetime, until: datetime, now: datetime
) -> list[IncidentImpact]:
    """Return what the incidents that began from `since` up to `until` (exclusive) did to buyers, without those that stopped nobody.

    Raises:
        ConfigError: the secret of a source cannot be used.
    """
    found = incidents.of_period(connection, since=since, until=until, limit=_MOST_INCIDENTS)
    stories = _with_all(connection, found, watched, now=now, with_signs=True)
    impacts = [impact for story in stories if (impact := story.impact) is not None]
    return [impact for impact in impacts if since <= impact.began_at < until]


def _with_all(
    connection: Connection, found: Sequence[Incident], watched: Watched, *, now: datetime, with_signs: bool
) -> list[Story]:
    ids = [incident.id for incident in found]
    members = {
        incident.id: list(dict.fromkeys((incident.lead, *incident.alerts)))[:_MOST_MEMBERS] for incident in found
    }
    wanted = list(dict.fromkeys(alert_id for some in members.values() for alert_id in some))
    by_id = {alert.id: alert for part in parts(wanted) for alert in alerts.of_ids(connection, part)}
    messages = [one for part in parts(ids) for one in outbox.of_threads(connection, part)]
    rows = [row for part in parts(ids) for row in ladder.of_incidents(connection, part)]
    stories = [
        Story(
            incident=incident,
            alerts=tuple(
                by_id[alert_id] for alert_id in members[incident.id] if alert_id in by_id and by_id[alert_id].fired_at
            ),
            messages=tuple(one for one in messages if one.thread == incident.id),
            tiers=max((r.tier for r in rows if r.incident == incident.id and r.status is LadderStatus.DONE), default=0),
        )
        for incident in found
    ]
    off = {one.name: one.off for one in source_states(connection, watched)}
    return with_costs(connection, stories, watched=watched, off=off, now=now, with_signs=with_signs)


def load_incident(
    connection: Connection, incident_id: str, settings: ReportSettings, policy: Policy, *, now: datetime
) -> IncidentData | None:
    """Return one incident with all that is stored about it; None if it does not exist.

    Raises:
        ConfigError: the secret of a source cannot be used.
    """
    incident = incidents.get(connection, incident_id)
    if incident is None:
        return None
    (story,) = load_stories(connection, [incident], settings, now=now, with_signs=True)
    begins, ends = story.span(now)
    schedules = settings.watched.schedules()
    period = timedelta(seconds=max((one.period_s for one in schedules.values()), default=300))
    over = max(ends, incident.resolved_at or ends)
    found, note = _runs(connection, begins - 2 * period, over + 2 * period, begins, ends)
    ids = [alert.id for alert in story.alerts]
    keys = list(dict.fromkeys(alert.key for alert in story.alerts))
    first = min((run.slot for run in found if run.slot and run.started_at >= begins), default=begins)
    bad = bad_runs(connection, schedules, since=first, until=max(ends, first))
    return IncidentData(
        story=story,
        now=now,
        zone=ZoneInfo(settings.zone),
        journeys={name: journey_title(name) for name in schedules},
        runs=found,
        runs_note=note,
        bad_runs=_by_journey(bad),
        changes=alerts.changes_of(connection, ids),
        ladder=ladder.of_incidents(connection, [incident.id]),
        verdicts=[
            row
            for key in keys
            for row in verdicts.history(connection, since=begins - 2 * period, until=over + period, key=key)
        ],
        deploys=deploys.of_period(connection, since=begins - DEPLOY_REACH, until=over + period)[::-1],
        silences=_silences(connection, story, begins, over),
        maintenance=list(_maintenance(policy, begins, over)),
        budgets=list(_budgets(settings, schedules, bad)),
    )


def _by_journey(bad: Sequence[tuple[Outcome, int]]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for outcome, n in bad:
        counted[outcome.journey] += n
    return dict(counted)


def _runs(
    connection: Connection, since: datetime, until: datetime, begins: datetime, ends: datetime
) -> tuple[list[Outcome], str]:
    """Return the runs of a stretch of time, oldest first, and which of a very long one are left out."""
    if until - since <= 2 * _LONGEST_RUNS:
        return runs.outcomes(connection, since=since, until=until, brief=True), ""
    first = runs.outcomes(connection, since=since, until=begins + _LONGEST_RUNS, brief=True)
    last = runs.outcomes(connection, since=max(ends - _LONGEST_RUNS, begins + _LONGEST_RUNS), until=until, brief=True)
    known = {run.run_id for run in first}
    note = "Of the runs, those of the first and the last 24 hours are shown."
    return [*first, *(run for run in last if run.run_id not in known)], note


def _silences(connection: Connection, story: Story, begins: datetime, ends: datetime) -> list[Silence]:
    """Return the silences that held while an incident lasted and are about one of its alerts."""
    found = silences.listed(connection, since=begins)
    return [one for one in found if one.starts_at <= ends and any(matches(one, alert) for alert in story.alerts)]


def _maintenance(policy: Policy, begins: datetime, ends: datetime) -> Iterator[PlannedMaintenance]:
    for window in policy.maintenance:
        for starts, stops in window.between(begins - window.duration, ends):
            yield PlannedMaintenance(starts_at=starts, ends_at=stops, reason=window.reason, journeys=window.journeys)


def _budgets(
    settings: ReportSettings, schedules: dict[str, Schedule], bad: Sequence[tuple[Outcome, int]]
) -> Iterator[BudgetCost]:
    """Yield what bad runs took of the error budgets: of the availability that is promised, and of each journey's success."""
    rules = settings.targets.rules()
    for name, rule in rules.items():
        if isinstance(rule, Availability) and rule.enabled and rule.metric is None and rule.target < 1:
            journeys = [one for one in schedules if rule.journeys is None or one in rule.journeys]
            counted = [(o, n) for o, n in bad if o.journey in journeys and counts_against(rule, o)]
            yield _cost(
                name, rule.guide.partition("|")[0].strip() or rule.title, rule.target, schedules, journeys, counted
            )
    burns = [
        (name, rule) for name, rule in rules.items() if isinstance(rule, Burn) and rule.enabled and rule.target < 1
    ]
    for name, burn in burns[:1]:
        for journey in schedules:
            counted = [(o, n) for o, n in bad if o.journey == journey]
            yield _cost(name, f"{journey_title(journey)} succeeds", burn.target, schedules, [journey], counted)


def counts_against(rule: Availability, outcome: Outcome) -> bool:
    """Return whether a bad first attempt counts against a promised availability, by the step at which it failed."""
    step = outcome.first_failed_step
    is_judged = rule.steps is None or step in rule.steps
    return is_judged and (rule.not_steps is None or step not in rule.not_steps)


def stands_for_s(schedule: Schedule) -> float:
    """Return the seconds between two slots of a journey at any location: one bad run says that so much time was bad."""
    return schedule.period_s / max(1, len(schedule.grids))


def _cost(
    name: str,
    title: str,
    target: float,
    schedules: dict[str, Schedule],
    journeys: Sequence[str],
    counted: Sequence[tuple[Outcome, int]],
) -> BudgetCost:
    seconds = sum(n * stands_for_s(schedules[o.journey]) for o, n in counted) / max(1, len(journeys))
    allowed_s = BUDGET_DAYS * 86_400 * (1 - target)
    made = sum(BUDGET_DAYS * 86_400 / stands_for_s(schedules[journey]) for journey in journeys)
    return BudgetCost(
        rule=name,
        title=f"{title[:1].upper()}{title[1:]}",
        target=target,
        bad=sum(n for _, n in counted),
        minutes=seconds / 60,
        budget_minutes=allowed_s / 60,
        budget_runs=math.floor(made * (1 - target) + 1e-9),
        days=BUDGET_DAYS,
    )
