"""Ticks the guide's checklist by what the product itself knows. Pure: the facts come from the hub, and an item that no fact decides
says that a person has to tick it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from reports.pages import render
from reports.periodic.period import PeriodKind, current
from reports.periodic.wording import moment, share
from reports.words import count, listed

BASELINE_DAYS = 7
"""So many days of runs show each weekday once, which is the least that a baseline needs."""
LAUNCH_WATCH = timedelta(hours=48)
_LEAST_COVERAGE = 0.95
_RECENT = timedelta(hours=1)
_REACHED_WITHIN = timedelta(days=90)
_WEEK, _MONTH = timedelta(days=8), timedelta(days=32)


class Tick(StrEnum):
    """The state of an item."""

    DONE = "done"
    OPEN = "open"
    YOURS = "tick it yourself"
    """Nothing that the product knows decides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistFacts:
    """Holds what the product knows.

    `results` is when each planned location last sent a result, by location; None where it never did. `missing_journeys` are those of
    the guide that are not scheduled. `sources_off` is why each source that is not connected is not, by source. `unreached` are names in
    the tiers of critical alerts that reach nobody, `untold` the severities of which nobody is told. `reached` is when each destination
    last took a message. `watch_coverage` is the share of the planned runs of the first 48 hours that counted. `own_rules` are the
    rules that are other than shipped. `written` is when each scheduled report was last written, `recipients` how many people get it.
    """

    now: datetime
    zone: str
    results: Mapping[str, datetime | None] = field(default_factory=dict)
    missing_journeys: Sequence[str] = ()
    sources_off: Mapping[str, str] = field(default_factory=dict)
    errors_are_judged: bool = True
    oldest_run: datetime | None = None
    has_escalation: bool = False
    unreached: Sequence[str] = ()
    untold: Sequence[str] = ()
    reached: Mapping[str, datetime | None] = field(default_factory=dict)
    first_watched: datetime | None = None
    watch_coverage: float | None = None
    own_rules: Sequence[str] = ()
    written: Mapping[str, datetime | None] = field(default_factory=dict)
    recipients: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Holds one line of the guide's lists: whether it is done, what is known of it, and what to do; "" where there is nothing to do."""

    list: str
    text: str
    tick: Tick
    found: str
    todo: str = ""


Judged = tuple[Tick, str, str]


def _flows(facts: ChecklistFacts) -> Judged:
    if facts.missing_journeys:
        return (
            Tick.OPEN,
            f"{listed(list(facts.missing_journeys))} is not scheduled",
            "Add it to `journeys` of locations.yaml.",
        )
    silent = [place for place, at in facts.results.items() if at is None or facts.now - at > _RECENT]
    if silent or not facts.results:
        start = " and ".join(f"`sixfb runner --location {place}`" for place in silent[:3])
        return (
            Tick.OPEN,
            f"no result of the last hour from {listed(silent) or 'anywhere'}",
            f"Start {start or 'a runner'}.",
        )
    return Tick.DONE, f"the planned journeys run at {count(len(facts.results), 'location')}", ""


def _errors(facts: ChecklistFacts) -> Judged:
    off = [facts.sources_off[name] for name in ("events", "logs") if name in facts.sources_off]
    if len(off) == 2:
        return (
            Tick.OPEN,
            f"no source of the site's errors: {off[0]}",
            "Send events, or name `log_files` in site.yaml (docs/sources.md).",
        )
    if not facts.errors_are_judged:
        how = "Switch the rule on them on in sla.yaml (`enabled`), or add one: docs/rules.md."
        return Tick.OPEN, "errors come in, and no rule judges them", how
    return Tick.DONE, "the site's errors come in, and are judged by the guide's categories", ""


def _baseline(facts: ChecklistFacts) -> Judged:
    if facts.oldest_run is None:
        return Tick.OPEN, "no run is known", "Start a runner."
    days = (facts.now - facts.oldest_run).days
    if days < BASELINE_DAYS:
        return Tick.OPEN, f"{count(days, 'day')} of runs", f"Wait until {BASELINE_DAYS} days are known."
    return Tick.DONE, f"{count(days, 'day')} of runs; `sixfb report weekly` has their percentiles", ""


def _routes(facts: ChecklistFacts) -> Judged:
    if facts.untold:
        return (
            Tick.OPEN,
            f"nobody is told of {listed(list(facts.untold))} alerts",
            "Set the addresses that `sixfb check` names.",
        )
    if not facts.has_escalation:
        return Tick.OPEN, "alerts.yaml has no `escalation`", "Write its tiers (docs/alerts.md)."
    if facts.unreached:
        return (
            Tick.OPEN,
            f"{listed(list(facts.unreached))} in a tier of critical alerts reach nobody",
            "Give them a contact in alerts.yaml.",
        )
    return Tick.DONE, "every severity has a route, and every tier of critical alerts reaches somebody", ""


def _dashboards(facts: ChecklistFacts) -> Judged:
    off = {name: why for name, why in facts.sources_off.items() if name in ("stripe", "inventory", "events")}
    if off:
        why = "; ".join(f"{name}: {reason}" for name, reason in off.items())
        return (
            Tick.OPEN,
            f"/business is there, and parts of it have no source ({why})",
            "Connect them (docs/sources.md).",
        )
    return Tick.DONE, "/executive and /business are there, and their sources are connected", ""


def _channels(facts: ChecklistFacts) -> Judged:
    if not facts.reached:
        return (
            Tick.OPEN,
            "no destination has an address",
            "Set the addresses that `sixfb check` names, then run `sixfb alerts test`.",
        )
    never = [name for name, at in facts.reached.items() if at is None or facts.now - at > _REACHED_WITHIN]
    if never:
        return (
            Tick.YOURS,
            f"{listed(never)} took no alert in 90 days; what `sixfb alerts test` sent is not kept",
            "Run `sixfb alerts test`: it leaves with 0 if every destination and every name is reached.",
        )
    return Tick.DONE, f"{count(len(facts.reached), 'destination')} took an alert in the last 90 days", ""


def _launch(facts: ChecklistFacts) -> Judged:
    if facts.first_watched is None:
        return Tick.OPEN, "no hub has watched yet", "Start `sixfb hub` and a runner."
    ends = facts.first_watched + LAUNCH_WATCH
    if facts.now < ends:
        return (
            Tick.OPEN,
            f"the first 48 hours end at {moment(ends, facts.zone)}",
            "Keep hub and runners running until then.",
        )
    if facts.watch_coverage is None:
        return (
            Tick.YOURS,
            "how the first 48 hours went is no longer known",
            "Look at /operations for two days after a launch.",
        )
    if facts.watch_coverage < _LEAST_COVERAGE:
        found = f"only {share(facts.watch_coverage)} of the planned runs of the first 48 hours said anything"
        return Tick.OPEN, found, "Watch 48 hours without a gap after the next launch."
    return Tick.DONE, f"{share(facts.watch_coverage)} of the planned runs of the first 48 hours said something", ""


def _thresholds(facts: ChecklistFacts) -> Judged:
    if facts.own_rules:
        return (
            Tick.DONE,
            f"{count(len(facts.own_rules), 'rule')} other than shipped: {listed(list(facts.own_rules[:6]))}",
            "",
        )
    return (
        Tick.YOURS,
        "every rule is as shipped",
        "`sixfb report yearly` names thresholds to look at; change them in sla.yaml.",
    )


def _weekly(facts: ChecklistFacts) -> Judged:
    return _written(facts, "weekly", _WEEK)


def _monthly(facts: ChecklistFacts) -> Judged:
    tick, found, todo = _written(facts, "monthly", _MONTH)
    if tick is Tick.DONE and not facts.recipients:
        return Tick.OPEN, f"{found}, and nobody gets it", "Name `reports: recipients` in alerts.yaml (docs/reports.md)."
    return tick, found, todo


def _written(facts: ChecklistFacts, name: str, within: timedelta) -> Judged:
    at = facts.written.get(name)
    if at is None or facts.now - at > within:
        last = "never written by schedule" if at is None else f"last written at {moment(at, facts.zone)}"
        return (
            Tick.OPEN,
            f"the {name} report was {last}",
            f"Keep the hub running, or write it: `sixfb report {name} --out DIR`.",
        )
    to = f" and goes to {count(facts.recipients, 'person', 'people')}" if facts.recipients else ""
    return Tick.DONE, f"the {name} report was written at {moment(at, facts.zone)}{to}", ""


def _quarterly(facts: ChecklistFacts) -> Judged:
    return _due(facts, "quarterly", PeriodKind.QUARTER)


def _yearly(facts: ChecklistFacts) -> Judged:
    return _due(facts, "yearly", PeriodKind.YEAR)


def _due(facts: ChecklistFacts, name: str, kind: PeriodKind) -> Judged:
    period = current(kind, facts.now, facts.zone)
    found = f"whether people met is not known; that of {period.previous().title} can be held, the next is due on {period.end:%-d %B %Y}"
    return Tick.YOURS, found, f"Write it: `sixfb report {name} --out DIR`, and go through it together."


def _insights(_facts: ChecklistFacts) -> Judged:
    return Tick.YOURS, "not known", "Ask owners which page of /business they use, and what they look up elsewhere."


def _training(_facts: ChecklistFacts) -> Judged:
    return (
        Tick.YOURS,
        "not known",
        "Break the demo shop together (`sixfb demo --break payment_500`) and follow docs/runbooks.md.",
    )


_LISTS: Mapping[str, tuple[tuple[str, Callable[[ChecklistFacts], Judged]], ...]] = {
    "Pre-Launch Setup": (
        ("Set up synthetic monitoring for all critical flows", _flows),
        ("Configure error tracking with proper categorization", _errors),
        ("Establish baseline performance metrics", _baseline),
        ("Create alert routing and escalation policies", _routes),
        ("Set up business intelligence dashboards", _dashboards),
        ("Test all alert channels and escalation paths", _channels),
    ),
    "Post-Launch Monitoring": (
        ("Monitor key metrics for first 48 hours continuously", _launch),
        ("Adjust alert thresholds based on real traffic patterns", _thresholds),
        ("Weekly review of metrics and optimization opportunities", _weekly),
        ("Monthly stakeholder reports with insights and recommendations", _monthly),
    ),
    "Ongoing Optimization": (
        ("Quarterly review of monitoring effectiveness", _quarterly),
        ("Annual review of alert fatigue and false positive rates", _yearly),
        ("Continuous improvement of business intelligence insights", _insights),
        ("Regular training for team on monitoring tools and procedures", _training),
    ),
}
"""The guide's three lists, word by word, each item with the function that ticks it."""


def checklist(facts: ChecklistFacts) -> list[Item]:
    """Return every item of the guide's lists, in their order."""
    return list(_items(facts))


def _items(facts: ChecklistFacts) -> Iterator[Item]:
    for name, items in _LISTS.items():
        for text, judge in items:
            tick, found, todo = judge(facts)
            yield Item(list=name, text=text, tick=tick, found=found, todo=todo)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistPage:
    """Holds the data of the template. `lists` are the items by list."""

    title: str
    tone: str
    sentence: str
    lists: Mapping[str, Sequence[Item]]
    made: str


def render_checklist(items: Sequence[Item], *, now: datetime, zone: str) -> str:
    """Return the checklist as one HTML file that needs no network."""
    by_list: dict[str, list[Item]] = {}
    for item in items:
        by_list.setdefault(item.list, []).append(item)
    is_open = any(item.tick is Tick.OPEN for item in items)
    page = ChecklistPage(
        title="Monitoring checklist",
        tone="warn" if is_open else "good",
        sentence=summed_up(items),
        lists=by_list,
        made=moment(now, zone, year=True),
    )
    return render("checklist.html.j2", page)


def summed_up(items: Sequence[Item]) -> str:
    """Return how many items are done, open, and for a person to tick."""
    ticks = [item.tick for item in items]
    return (
        f"{ticks.count(Tick.DONE)} of {len(items)} are done, {ticks.count(Tick.OPEN)} are open, "
        f"{ticks.count(Tick.YOURS)} are yours to tick."
    )
