"""Builds the context of a round's page: the summary, the matrix, the failures, and the comparison of locations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from facts import Run, Status, Step
from reports import charts, vitals, words
from reports.artifacts import file_name
from reports.sections.evidence import Picture
from reports.sections.headline import Flag, achieved, sentence_of
from reports.sections.steps import step_tone, step_words
from reports.text import one_line

_NAMED = 2
"""The number of failures that the summary describes; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLink:
    """Holds a run in one cell of the matrix or in a group of failures; `link` is relative to the round's page."""

    name: str
    link: str
    status: str
    tone: str
    took: str
    flags: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """Holds one journey; each cell is a location's name with the runs made there."""

    journey: str
    cells: tuple[tuple[str, tuple[RunLink, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Holds failures that are equal once ids and numbers are replaced."""

    sentence: str
    count: str
    tone: str
    blames: str
    runs: tuple[RunLink, ...]
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimes:
    """Holds one journey's steps at every location: a chart, and a table with `locations` as its columns.

    `unreached` names the steps that never began at any location; the chart leaves them out.
    """

    journey: str
    ident: str
    chart: Markup
    locations: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    unreached: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVitals:
    """Holds one page; each line is a location with its cells in the order of `vitals.TARGETS`."""

    page: str
    navigation: str
    lines: tuple[tuple[str, tuple[vitals.Cell, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyVitals:
    """Holds one journey's pages."""

    journey: str
    ident: str
    rows: tuple[PageVitals, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPage:
    """Holds the data of the template."""

    title: str
    tone: str
    heading: str
    statuses: tuple[Flag, ...]
    sentence: str
    made: str
    locations: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]
    failures: tuple[FailureGroup, ...]
    steps: tuple[StepTimes, ...]
    targets: tuple[vitals.Target, ...]
    vitals: tuple[JourneyVitals, ...]


def round_context(runs: Sequence[Run], *, title: str, pictures: Mapping[str, Picture], now: datetime) -> RoundPage:
    """Return the context of a round's page. `pictures` maps run ids to the available screenshots."""
    locations = tuple(dict.fromkeys(run.location for run in runs))
    journeys = tuple(dict.fromkeys(run.journey for run in runs))
    links = {r.id: _link(r, f"{r.journey} at {at}") for r, at in zip(runs, _labels(runs), strict=True)}
    return RoundPage(
        title=f"{_tally(runs)} · {title}",
        tone=_tone(runs),
        heading=title,
        statuses=_statuses(runs),
        sentence=summary(runs),
        made=_made(runs, now),
        locations=locations,
        matrix=tuple(_matrix_row(journey, locations, runs, links) for journey in journeys),
        failures=tuple(_failure(group, pictures, links) for group in _groups(runs)),
        steps=tuple(_step_times(i, j, [r for r in runs if r.journey == j and r.steps]) for i, j in enumerate(journeys)),
        targets=vitals.TARGETS,
        vitals=tuple(
            _journey_vitals(i, j, [r for r in runs if r.journey == j and r.vitals]) for i, j in enumerate(journeys)
        ),
    )


def summary(runs: Sequence[Run]) -> str:
    """Return the round in one sentence: how many runs passed, and why the others did not."""
    if not runs:
        return "No run was made."
    groups = _groups(runs)
    if not groups:
        slowest = max(runs, key=lambda run: run.duration_ms)
        where = f"{slowest.journey} at {slowest.location} in {words.duration(slowest.duration_ms)}"
        return f"{_tally(runs)}; the longest was {where}{_flagged(runs)}."
    told = [_told(group) for group in groups[:_NAMED]]
    more = len(groups) - _NAMED
    rest = [f"and {words.count(more, 'more failure')} of another kind"] if more > 0 else []
    return "; ".join([_tally(runs), *told, *rest])


def _statuses(runs: Sequence[Run]) -> tuple[Flag, ...]:
    """Return a badge for each status that occurs, the bad ones first."""
    met = Counter(run.status for run in runs)
    worst_first = sorted(met, key=lambda status: ("bad", "warn", "mute", "good").index(words.TONES[status]))
    return tuple(Flag(text=f"{met[s]} {words.STATUSES[s].lower()}", tone=words.TONES[s]) for s in worst_first)


def _tally(runs: Sequence[Run]) -> str:
    passed = sum(run.status is Status.PASSED for run in runs)
    every = f"All {len(runs)}" if len(runs) > 1 else "The only"
    return (
        f"{every} {'runs' if len(runs) > 1 else 'run'} passed"
        if passed == len(runs) > 0
        else f"{passed} of {words.count(len(runs), 'run')} passed"
    )


def _told(group: Sequence[Run]) -> str:
    first = group[0]
    places: dict[str, list[str]] = {}
    for run in group:
        places.setdefault(run.journey, []).append(run.location)
    status = words.STATUSES[first.status].lower()
    where = [f"{journey} {status} at {words.listed(list(dict.fromkeys(at)))}" for journey, at in places.items()]
    return f"{words.listed(where)}: {one_line(sentence_of(first), most=300)}"


def _flagged(runs: Sequence[Run]) -> str:
    slow = [f"{run.journey} at {run.location} was slow" for run in runs if run.slow]
    flaky = [f"{run.journey} at {run.location} was flaky" for run in runs if run.flaky]
    return "".join(f"; {flag}" for flag in (*slow, *flaky))


def _tone(runs: Sequence[Run]) -> str:
    tones = {words.TONES[run.status] for run in runs}
    worst = next((tone for tone in ("bad", "warn", "mute", "good") if tone in tones), "mute")
    return "warn" if worst == "good" and any(run.slow or run.flaky for run in runs) else worst


def _made(runs: Sequence[Run], now: datetime) -> str:
    ended = [run.finished_at for run in runs]
    ages = dict.fromkeys(words.span(now - moment) for moment in (max(ended), min(ended))) if ended else {}
    age = f"; results are {' to '.join(ages)} old" if ages else ""
    return f"Generated {words.utc(now)} from {words.count(len(runs), 'run')}{age}"


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs that did not pass in groups of equal errors, the worst and largest group first."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.status is not Status.PASSED:
            groups.setdefault(_likeness(run), []).append(run)
    rank = {"bad": 0, "warn": 1}
    return sorted(groups.values(), key=lambda group: (rank.get(words.TONES[group[0].status], 2), -len(group)))


def _likeness(run: Run) -> str:
    counted = run.counted
    return (counted.error_group if counted else None) or run.error or run.status.value


def _link(run: Run, name: str) -> RunLink:
    flags = [text for text, is_on in (("slow", run.slow), ("flaky", run.flaky)) if is_on]
    return RunLink(
        name=name,
        link=f"runs/{file_name(run.id)}.html",
        status=words.STATUSES[run.status],
        tone=words.TONES[run.status],
        took=words.duration(run.duration_ms) if run.attempts else "–",
        flags=tuple(flags),
        sentence=one_line(achieved(run) if run.status is Status.PASSED else sentence_of(run), most=180),
    )


def _matrix_row(journey: str, locations: Sequence[str], runs: Sequence[Run], links: Mapping[str, RunLink]) -> MatrixRow:
    mine = [run for run in runs if run.journey == journey]
    cells = tuple((place, tuple(links[run.id] for run in mine if run.location == place)) for place in locations)
    return MatrixRow(journey=journey, cells=cells)


def _failure(group: Sequence[Run], pictures: Mapping[str, Picture], links: Mapping[str, RunLink]) -> FailureGroup:
    first = group[0]
    blames = dict.fromkeys(run.blame.value for run in group if run.blame)
    return FailureGroup(
        sentence=sentence_of(first),
        count=words.count(len(group), "run"),
        tone=words.TONES[first.status],
        blames=words.listed(list(blames)),
        runs=tuple(links[run.id] for run in group),
        picture=next((pictures[run.id] for run in group if run.id in pictures), None),
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """Return the runs' locations, numbered where one has several runs of a journey."""
    seen: Counter[tuple[str, str]] = Counter()
    labels = []
    for run in runs:
        seen[run.journey, run.location] += 1
        nth = seen[run.journey, run.location]
        labels.append(run.location if nth == 1 else f"{run.location} ({nth})")
    return labels


def _step_times(index: int, journey: str, runs: Sequence[Run]) -> StepTimes:
    names = list(dict.fromkeys(step.name for run in runs for step in run.steps))
    labels = _labels(runs)
    found = {name: [next((s for s in run.steps if s.name == name), None) for run in runs] for name in names}
    groups = [
        charts.Group(label=name, bars=tuple(_bar(label, step) for label, step in zip(labels, steps, strict=True)))
        for name, steps in found.items()
    ]
    reached = [group for group in groups if any(bar.length is not None for bar in group.bars)]
    said = "; ".join(f"{g.label}: {', '.join(f'{b.label} {b.value}' for b in g.bars)}" for g in reached)
    ident = f"steps-{index}"
    return StepTimes(
        journey=journey,
        ident=ident,
        chart=charts.comparison(reached, ident=ident, title=f"Steps of {journey} by location", description=said),
        locations=tuple(labels),
        rows=tuple((name, tuple(step_words(s) if s else "–" for s in steps)) for name, steps in found.items()),
        unreached=words.listed([group.label for group in groups if group not in reached]),
    )


def _bar(label: str, step: Step | None) -> charts.Bar:
    if step is None:
        return charts.Bar(label=label, value="–", start=None, length=None, tone="mute")
    return charts.Bar(label=label, value=step_words(step), start=0, length=step.duration_ms, tone=step_tone(step))


def _journey_vitals(index: int, journey: str, runs: Sequence[Run]) -> JourneyVitals:
    """Return one row for each page and visit, in the order of their first occurrence."""
    found: dict[tuple[str, str, int], list[tuple[str, tuple[vitals.Cell, ...]]]] = {}
    for label, run in zip(_labels(runs), runs, strict=True):
        met: dict[tuple[str, str], int] = {}
        for row in vitals.rows(run.vitals):
            page = (row.page, row.navigation)
            met[page] = met.get(page, 0) + 1
            found.setdefault((*page, met[page]), []).append((label, row.cells))
    rows = tuple(PageVitals(page=p, navigation=kind, lines=tuple(lines)) for (p, kind, _), lines in found.items())
    return JourneyVitals(journey=journey, ident=f"vitals-{index}", rows=rows)
