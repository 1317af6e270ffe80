"""The section on alert fatigue: who was notified how often, what nobody acknowledged, and which rules' thresholds to review."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from facts import Alert, Severity
from metrics.statistics import nearest_rank
from reports.periodic.data import ReportData, Stretch
from reports.periodic.report import Cell, Section, Table
from reports.periodic.sections.incidents import ACKNOWLEDGE_WITHIN
from reports.periodic.sections.monitoring import by_rule, why_false
from reports.periodic.wording import change, length, share
from reports.words import count

_WEEK = timedelta(days=7)
_SHORT = timedelta(minutes=5)
_MANY, _LEAST = 12, 4
_MOST = 30
_MOST_A_WEEK = 7
"""More than one incident a day is more than a person acts on."""


def per_week(n: int, stretch: Stretch) -> str:
    """Return how many a week so many in a period are."""
    weeks_ = max(1.0, stretch.length / _WEEK)
    return f"{n / weeks_:.1f}"


def receivers(stretch: Stretch) -> dict[str, set[str]]:
    """Return the incidents of which each person or channel was notified, by name; a person's phone and mail count as one."""
    found: dict[str, set[str]] = defaultdict(set)
    for story in stretch.stories:
        for destination in story.destinations:
            found[destination.partition("/")[0]].add(story.incident.id)
    return found


def people(data: ReportData) -> Section:
    """Return of how many incidents a week each person and channel was notified, the most often notified first."""
    now, before = receivers(data.now), receivers(data.before)
    messages: Counter[str] = Counter()
    nights: Counter[str] = Counter()
    zone = ZoneInfo(data.now.period.zone)
    for story in data.now.stories:
        for one in story.messages:
            if one.delivered_at is not None:
                name = one.destination.partition("/")[0]
                messages[name] += 1
                nights[name] += not 7 <= one.delivered_at.astimezone(zone).hour < 22
    rows = []
    for name in sorted(now, key=lambda one: -len(now[one])):
        weekly = float(per_week(len(now[name]), data.now))
        rows.append(
            (
                Cell(name),
                Cell(f"{weekly:.1f}", "bad" if weekly > _MOST_A_WEEK else ""),
                Cell(f"{len(now[name]):,}"),
                Cell(f"{len(before.get(name, ())):,}" if data.before.stories else "unknown"),
                Cell(f"{messages[name]:,}"),
                Cell(f"{nights[name]:,}"),
            )
        )
    table = Table(
        label="Who was told how often",
        columns=("Person or channel", "Incidents a week", "Incidents", "Before", "Messages", "From 22:00 to 7:00"),
        rows=tuple(rows),
        numbers=frozenset(range(1, 6)),
    )
    return Section(
        ident="people",
        title="Alerts per week and person",
        lead="" if rows else "Nobody was told of anything.",
        tables=(table,) if rows else (),
        notes=(f"Stressed: more than {_MOST_A_WEEK} a week. Night: in {data.now.period.zone}.",) if rows else (),
    )


def response(data: ReportData) -> Section:
    """Return how soon incidents were acknowledged, and how many never were."""
    rows = []
    for severity in Severity:
        stories = [story for story in data.now.stories if story.incident.severity is severity]
        if not stories:
            continue
        took = [(s.acked_at - s.fired_at).total_seconds() for s in stories if s.acked_at and s.fired_at]
        p50, p90 = (timedelta(seconds=nearest_rank(took, p)) if took else None for p in (50, 90))
        within = ACKNOWLEDGE_WITHIN.get(severity)
        never = sum(story.acked_at is None for story in stories)
        rows.append(
            (
                Cell(severity.value),
                Cell(f"{len(stories):,}"),
                Cell(
                    f"{never:,}", "warn" if within and never > 0.5 * len(stories) else "", share(never / len(stories))
                ),
                Cell(
                    length(p50) if p50 is not None else "unknown",
                    note=f"the guide wants {length(within)}" if within else "",
                ),
                Cell(length(p90) if p90 is not None else "unknown"),
            )
        )
    table = Table(
        label="Acknowledgements",
        columns=("Severity", "Incidents", "Never acknowledged", "Median time", "90 % within"),
        rows=tuple(rows),
        numbers=frozenset(range(1, 5)),
    )
    return Section(
        ident="response", title="Acknowledgements", lead="" if rows else "No incident.", tables=(table,) if rows else ()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """Holds a rule whose threshold is worth a look, and why."""

    rule: str
    title: str
    why: str


def doubtful(data: ReportData) -> list[Doubtful]:
    """Return the rules that fired often, and whose alerts were soon over, not acknowledged, or no fault of the site, worst first."""
    titles = {rule.rule: rule.title for rule in data.rules}
    found = []
    for rule, alerts in by_rule(data.now.alerts).items():
        if len(alerts) < _LEAST:
            continue
        short, ignored = _short(alerts), sum(alert.acked_at is None for alert in alerts)
        wrong = sum(why_false(alert, data.now) is not None for alert in alerts)
        why = []
        if wrong > 0.2 * len(alerts):
            why.append(f"{wrong} of {len(alerts)} were no fault of the site")
        if short > 0.5 * len(alerts):
            why.append(f"{short} of {len(alerts)} were over within {length(_SHORT)}")
        if ignored > 0.7 * len(alerts) and len(alerts) >= _MANY:
            why.append(f"nobody acknowledged {ignored} of {len(alerts)}")
        if why:
            found.append(
                (wrong + short + ignored, Doubtful(rule=rule, title=titles.get(rule, rule), why=", ".join(why)))
            )
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def _short(alerts: list[Alert]) -> int:
    return sum(alert.lasted_s is not None and alert.lasted_s < _SHORT.total_seconds() for alert in alerts)


def rules(data: ReportData) -> Section:
    """Return the rules that fired, the one that fired most first."""
    titles = {rule.rule: rule.title for rule in data.rules}
    before = Counter(alert.rule for alert in data.before.alerts)
    suspects = {one.rule: one.why for one in doubtful(data)}
    rows = []
    for rule, alerts in list(by_rule(data.now.alerts).items())[:_MOST]:
        lasted = [alert.lasted_s for alert in alerts if alert.lasted_s is not None]
        median = length(timedelta(seconds=nearest_rank(lasted, 50))) if lasted else "–"
        rows.append(
            (
                Cell(titles.get(rule, rule), note=rule),
                Cell(f"{len(alerts):,}", note=change(len(alerts), before[rule])),
                Cell(f"{sum(alert.severity is Severity.CRITICAL for alert in alerts):,}"),
                Cell(median),
                Cell(f"{_short(alerts):,}"),
                Cell(f"{sum(alert.acked_at is None for alert in alerts):,}"),
                Cell(
                    "look at it" if rule in suspects else "", "warn" if rule in suspects else "", suspects.get(rule, "")
                ),
            )
        )
    table = Table(
        label="Rules that fired",
        columns=("Rule", "Fired", "Critical", "Lasted (median)", "Under 5 min", "Never acknowledged", "Threshold"),
        rows=tuple(rows),
        numbers=frozenset(range(1, 6)),
    )
    return Section(
        ident="rules",
        title="Rules that fired most",
        lead="" if rows else "No rule fired.",
        tables=(table,) if rows else (),
        notes=("What is covered by another alert counts too: it fired, and told nobody.",) if rows else (),
    )


def weeks(data: ReportData) -> Section:
    """Return the weeks with the most incidents."""
    zone = ZoneInfo(data.now.period.zone)
    by_week: Counter[date] = Counter(_monday(story.incident.opened_at, zone) for story in data.now.stories)
    worst = sorted(by_week.items(), key=lambda item: (-item[1], item[0]))[:8]
    rows = tuple((Cell(f"week of {monday:%-d %B %Y}"), Cell(f"{n:,}")) for monday, n in worst)
    table = Table(label="Worst weeks", columns=("Week", "Incidents"), rows=rows, numbers=frozenset((1,)))
    lead = f"{count(len(by_week), 'week')} had incidents." if rows else "No week had an incident."
    return Section(ident="weeks", title="Weeks with the most incidents", lead=lead, tables=(table,) if rows else ())


def _monday(at: datetime, zone: ZoneInfo) -> date:
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday())
