"""The section on the monitoring itself: how fast it alerted, how often falsely, when it was blind, and what of the guide it judges."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from facts import Alert, Blame, Family, Severity, VerdictStatus
from metrics.statistics import nearest_rank
from reports.periodic.data import ReportData, StatusHours, Story, Stretch, together
from reports.periodic.report import Cell, Section, Table, worst_first
from reports.periodic.sections.incidents import ACKNOWLEDGE_WITHIN
from reports.periodic.wording import VERDICTS, length, moment, share
from reports.words import count, journey_title

_JUDGES = (
    VerdictStatus.MET,
    VerdictStatus.OFF_TARGET,
    VerdictStatus.WARNING,
    VerdictStatus.CRITICAL,
    VerdictStatus.UNPROVEN,
)
_OURS = (Blame.RUNNER.value, Blame.NETWORK.value)
_MOST = 40


def detection(data: ReportData) -> Section:
    """Return how long it took from the beginning of a fault to the alert, to the first message and to somebody's acknowledgement."""
    rows = []
    for severity in Severity:
        stories = [story for story in data.now.stories if story.incident.severity is severity]
        if stories:
            rows.append(_of_severity(severity, stories, data))
    was = detection_median(data.before)
    table = Table(
        label="Detection times",
        columns=(
            "Severity",
            "Incidents",
            "Began → fired",
            "Fired → first told",
            "Fired → acknowledged",
            "In time",
            "Never",
        ),
        rows=tuple(rows),
        numbers=frozenset(range(1, 7)),
    )
    return Section(
        ident="detection",
        title="How soon we knew",
        lead=f"The period before: {length(was)} from beginning to alert, by the median."
        if was is not None
        else "The period before: unknown.",
        tables=(table,) if rows else (),
        notes=("The median, and below it the time of 90 % and the longest. A fault begins with its first bad run.",)
        if rows
        else ("No incident.",),
    )


def _of_severity(severity: Severity, stories: Sequence[Story], data: ReportData) -> tuple[Cell, ...]:
    ends = data.now.ends
    fired = [s.fired_at - s.span(ends)[0] for s in stories if s.fired_at]
    told = [s.told_at - s.fired_at for s in stories if s.told_at and s.fired_at]
    acked = [s.acked_at - s.fired_at for s in stories if s.acked_at and s.fired_at]
    within = ACKNOWLEDGE_WITHIN.get(severity)
    in_time = sum(one <= within for one in acked) if within else None
    never = len(stories) - len(acked)
    return (
        Cell(severity.value),
        Cell(f"{len(stories):,}"),
        _spread(fired),
        _spread(told),
        _spread(acked),
        Cell("–") if in_time is None else Cell(f"{in_time} of {len(stories)}", note=f"within {length(within)}"),
        Cell(f"{never:,}", "warn" if never and within else ""),
    )


def _spread(lengths: Sequence[timedelta]) -> Cell:
    if not lengths:
        return Cell("unknown")
    seconds = [one.total_seconds() for one in lengths]
    p50, p90 = (timedelta(seconds=nearest_rank(seconds, p)) for p in (50, 90))
    return Cell(length(p50), note=f"{length(p90)}, {length(max(lengths))}")


def detection_median(stretch: Stretch) -> timedelta | None:
    """Return the median time from the beginning of an incident to its alert; None without one."""
    seconds = [(s.fired_at - s.span(stretch.ends)[0]).total_seconds() for s in stretch.stories if s.fired_at]
    return timedelta(seconds=nearest_rank(seconds, 50)) if seconds else None


def false_alarms(stretch: Stretch) -> tuple[int, int]:
    """Return how many alerts fired without a fault of the site, and how many fired at all."""
    fired = _fired(stretch)
    return sum(why_false(alert, stretch) is not None for alert in fired), len(fired)


def _fired(stretch: Stretch) -> list[Alert]:
    return [alert for alert in stretch.alerts if (alert.traits is None or alert.traits.family is not Family.MONITOR)]


def why_false(alert: Alert, stretch: Stretch) -> str | None:
    """Return why an alert was no fault of the site; None where nothing says so: its runs were given to somebody else, or its rule or
    place was taken away while it fired."""
    changed = {one.run_id: one.blame for one in stretch.reclassified}
    blames = [changed[run] for run in alert.runs if run in changed]
    if blames and all(blame in _OURS for blame in blames):
        return f"a person gave {count(len(blames), 'of its runs', 'of its runs')} to the {blames[0]}"
    return f"closed, and did not recover: {alert.closed}" if alert.closed else None


def false_positives(data: ReportData) -> Section:
    """Return the alerts that were no fault of the site, and the runs that people reclassified."""
    wrong = [(alert, why) for alert in _fired(data.now) if (why := why_false(alert, data.now)) is not None]
    number, fired = false_alarms(data.now)
    was, fired_before = false_alarms(data.before)
    rows = tuple(
        (Cell(alert.title or alert.rule, note=alert.id), Cell(alert.severity.value), Cell(why))
        for alert, why in wrong[:_MOST]
    )
    return Section(
        ident="false",
        title="False alarms",
        lead=f"{number} of {count(fired, 'alert')}; the period before: {was} of {fired_before}. "
        f"People reclassified {count(len(data.now.reclassified), 'run')}.",
        tables=(Table(label="False alarms", columns=("Alert", "Severity", "Why"), rows=rows),) if rows else (),
        notes=(
            "Known only where a person says so (`sixfb runs reclassify`), or where the rule or location was removed.",
        ),
    )


def blind_share(data: ReportData) -> float | None:
    """Return the share of the planned runs without any record; None if none was planned."""
    whole = together(data.now.tallies)
    return (whole.missed + whole.unknown) / whole.expected if whole.expected else None


def blind_time(data: ReportData) -> Section:
    """Return where and for how long nobody was watching: slots without a result, and hours in which no hub judged."""
    rows = []
    for tally in sorted(data.now.tallies, key=lambda t: -t.silent / max(1, t.expected)):
        if tally.silent:
            part = tally.silent / tally.expected if tally.expected else 0.0
            rows.append(
                (
                    Cell(f"{journey_title(tally.journey)} at {tally.location}"),
                    Cell(share(part), "bad" if part > 0.05 else "warn" if part > 0.01 else ""),
                    Cell(f"{tally.missed:,}"),
                    Cell(f"{tally.unknown:,}"),
                    Cell(f"{tally.left_out:,}"),
                )
            )
    table = Table(
        label="Runs that said nothing",
        columns=("Journey and location", "Blind", "Missed", "Unknown", "Left out"),
        rows=worst_first(rows),
        numbers=frozenset(range(1, 5)),
    )
    unjudged = min((one.unknown_h for one in data.now.statuses.values()), default=None)
    judged = (
        "Whether a hub judged is unknown."
        if unjudged is None
        else f"No hub judged for {length(timedelta(hours=unjudged))}."
    )
    return Section(ident="blind", title="Blind time", lead=judged, tables=(table,) if rows else ())


def not_judged(data: ReportData) -> list[str]:
    """Return the rules of the guide that judged in less than a tenth of the period, or not at all."""
    return [
        rule.rule
        for rule in data.rules
        if rule.guide and (part := judged_share(data, rule.rule)) is not None and part < 0.1
    ]


def judged_share(data: ReportData, rule: str) -> float | None:
    """Return in which share of the period a rule could judge any of its targets; None where no hub judged at all."""
    if not data.now.statuses:
        return None
    of_rule = [one for one in data.now.statuses.values() if one.rule == rule]
    return max((_judged(one) for one in of_rule), default=0.0)


def _judged(one: StatusHours) -> float:
    whole = math.fsum(one.hours.values()) + one.unknown_h
    return sum(one.hours.get(status, 0.0) for status in _JUDGES) / whole if whole else 0.0


def guide_coverage(data: ReportData) -> Section:
    """Return which lines of the guide are judged, the ones that are not first."""
    rules = [rule for rule in data.rules if rule.guide]
    by_part: dict[str, float | None] = {rule.rule: judged_share(data, rule.rule) for rule in rules}
    rows = []
    for rule in sorted(rules, key=lambda one: (by_part[one.rule] or 0.0, one.rule)):
        part = by_part[rule.rule]
        if part is None or part >= 0.9:
            tone = ""
        elif part >= 0.1:
            tone = "warn"
        else:
            tone = "mute"
        if not rule.is_on:
            now = Cell("off", "")
        elif rule.verdict is None:
            now = Cell("unknown")
        else:
            now = Cell(VERDICTS[rule.verdict][0])
        rows.append(
            (
                Cell(rule.title, note=rule.rule),
                Cell(rule.guide),
                Cell(share(part), tone),
                Cell(now.text, note=rule.summary),
            )
        )
    good = sum((part or 0.0) >= 0.9 for part in by_part.values())
    table = Table(
        label="Lines of the guide",
        columns=("Rule", "The guide's line", "Judged", "Now"),
        rows=tuple(rows),
        numbers=frozenset((2,)),
    )
    return Section(
        ident="guide",
        title="What of the guide is judged",
        lead=f"{good} of {count(len(rules), 'rule')} of the guide judged nine tenths of the time or more.",
        tables=(table,),
    )


def sources(data: ReportData) -> Section:
    """Return the sources of numbers as they are now, those that are off or fail first."""
    zone = data.now.period.zone
    rows = []
    for source in data.sources:
        if source.off:
            state = Cell("off", "mute", source.off)
        elif source.error:
            state = Cell("fails", "bad", source.error or "")
        else:
            state = Cell("connected", "good")
        rows.append((Cell(source.name), state, Cell(moment(source.last_good_at, zone))))
    table = Table(label="Sources", columns=("Source", "State now", "Last brought something"), rows=worst_first(rows))
    off = sum(source.off is not None for source in data.sources)
    return Section(
        ident="sources", title="Sources of numbers", lead=f"{off} of {len(data.sources)} are off.", tables=(table,)
    )


def by_rule(alerts: Sequence[Alert]) -> dict[str, list[Alert]]:
    """Return alerts by their rule, the rule that fired most first."""
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.rule].append(alert)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
