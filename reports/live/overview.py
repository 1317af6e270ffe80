"""Renders `/`: whether buyers can buy, with the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from markupsafe import Markup

from facts import Alert, Deploy, Grid, Outcome, RunnerState, Severity, Status, Verdict
from reports.charts import Chart, ResultCell, result_strip
from reports.live.frame import Ago, Frame, ago
from reports.live.locations import LocationRow, location_rows
from reports.live.outage import Outage
from reports.live.sla import VerdictRow, verdict_row, worst_first
from reports.live.tiles import Tile
from reports.pages import render
from reports.states import STATE_OF_VERDICT, WidgetState, blocks_buyers, told_alerts, worst_state
from reports.words import STATUSES, count, duration, journey_title, listed, span

_OFF_SHOWN, _EVENTS_SHOWN, _VITALS_SHOWN = 5, 6, 6
_TO_LOOK_AT = (WidgetState.CRITICAL, WidgetState.WARNING, WidgetState.OFF_TARGET)
Grids = Mapping[str, tuple[int, Mapping[str, Grid]]]
"""Period in seconds and grid by location, by journey."""
Latest = Mapping[tuple[str, str], Outcome]
"""The newest outcome by journey and location."""
Strips = Mapping[tuple[str, str], Sequence[ResultCell]]
"""The cells of the window by journey and location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Holds a journey at one location: its strip, how many first attempts passed, and its last run."""

    location: str
    chart: Chart
    passed: str
    last: str
    run_id: str | None
    is_failing: bool
    age: Ago | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCard:
    """Holds a journey at all its locations. `error` is what stopped the newest failing run."""

    name: str
    title: str
    state: WidgetState
    words: str
    about: str
    age: Ago | None
    lanes: tuple[Lane, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Holds something that happened lately; `tone` is `crit`, `warn`, `ok` or empty."""

    at: str
    iso: str
    tone: str
    state: WidgetState
    title: str
    detail: str
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalRow:
    """Holds one web vital of one page beside its limit."""

    page: str
    value: str
    n: int
    state: WidgetState
    age: Ago | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffTarget:
    """Holds a target that is off: its verdict and its state."""

    row: VerdictRow
    title: str
    state: WidgetState


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Holds the data of the template."""

    frame: Frame
    headline: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    outage: Outage | None
    alerts: tuple[tuple[Alert, Ago | None], ...]
    same_cause: tuple[Alert, ...]
    tiles: tuple[Tile, ...]
    journeys: tuple[JourneyCard, ...]
    cell_words: str
    off: tuple[OffTarget, ...]
    more_off: int
    unknown: int
    met: int
    happened: tuple[Happening, ...]
    vitals: tuple[VitalRow, ...]
    locations: tuple[LocationRow, ...]
    extra: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewData:
    """Holds what the overview is made of.

    `latest` is the newest outcome by journey and location, `strips` the cells of the window, and `tries` how many first attempts
    passed in it, of how many. `alerts` are the firing ones, `past` those that ended in the last days. `results` maps each location
    to the time of its last result. `cell` is the length of a cell of the strips.
    """

    grids: Grids
    latest: Latest
    strips: Strips
    tries: Mapping[tuple[str, str], tuple[int, int]]
    alerts: Sequence[Alert]
    past: Sequence[Alert] = ()
    deploys: Sequence[Deploy] = ()
    outage: Outage | None = None
    tiles: Sequence[Tile] = ()
    runners: Sequence[RunnerState] = ()
    results: Mapping[str, datetime] = field(default_factory=dict)
    cell: timedelta = timedelta(minutes=15)


def overview_page(
    frame: Frame, data: OverviewData, *, now: datetime, verdicts: Sequence[Verdict], extra: Markup = Markup("")
) -> str:
    """Return the page's HTML; `extra` follows the product's own blocks."""
    grids, outage = data.grids, data.outage
    places = list(dict.fromkeys(place for _, grid in grids.values() for place in grid))
    told = told_alerts(data.alerts, now)
    headline, sentence = _headline(told, verdicts, grids, data.latest, frame, now)
    judged = [(v, STATE_OF_VERDICT[v.verdict]) for v in worst_first(verdicts)]
    off = [(v, state) for v, state in judged if state in _TO_LOOK_AT]
    of_outage = {
        a.id for a in told if outage and (a.id == outage.alert_id or (a.incident and a.incident == outage.incident))
    }
    page = Overview(
        frame=frame,
        headline=outage.headline if outage else headline,
        sentence=sentence,
        facts=_facts(data, now),
        outage=outage,
        alerts=tuple((a, ago(a.began_at, now)) for a in told if a.id not in of_outage),
        same_cause=tuple(a for a in told if outage is not None and a.id in of_outage and a.id != outage.alert_id),
        tiles=tuple(data.tiles),
        journeys=tuple(_card(name, *grid, data, verdicts, frame, now) for name, grid in grids.items()),
        cell_words=_words(data.cell),
        off=tuple(OffTarget(row=verdict_row(v, now), title=_title(v), state=state) for v, state in off[:_OFF_SHOWN]),
        more_off=max(0, len(off) - _OFF_SHOWN),
        unknown=sum(state in (WidgetState.NO_DATA, WidgetState.UNPROVEN) for _, state in judged),
        met=sum(state is WidgetState.OK for _, state in judged),
        happened=_happened([*data.alerts, *data.past], data.deploys, frame, now),
        vitals=_vitals(verdicts, now),
        locations=location_rows(places, data.runners, data.results, now),
        extra=extra,
    )
    return render("live/overview.html.j2", page)


def _headline(
    told: Sequence[Alert], verdicts: Sequence[Verdict], grids: Grids, latest: Latest, frame: Frame, now: datetime
) -> tuple[str, str]:
    """Return the sentence about buyers that is true now, and the one below it."""
    judged = [v for v in verdicts if v.traits and v.traits.journey_fails and not v.traits.of_payment]
    state = worst_state(judged) or WidgetState.UNPROVEN
    if not latest:
        return "It is not known yet whether buyers can buy.", "Each location buys at its next slot."
    if any(blocks_buyers(alert) for alert in told) or state is WidgetState.CRITICAL:
        failing = sorted(
            {v.journey for v in judged if v.journey and STATE_OF_VERDICT[v.verdict] is WidgetState.CRITICAL}
        )
        what = listed([journey_title(journey) for journey in failing]) or "purchase"
        return f"Buyers cannot finish the {what}.", _firing_words(told, frame, now)
    if state.says_nothing or state is WidgetState.UNPROVEN:
        silent = [
            v.summary for v in judged if STATE_OF_VERDICT[v.verdict] in (WidgetState.NO_DATA, WidgetState.UNPROVEN)
        ]
        return "It is not known whether buyers can buy.", "; ".join(silent)
    places = {place for _, grid in grids.values() for place in grid}
    passed = {place for (_, place), last in latest.items() if last.status is Status.PASSED}
    titles = listed([journey_title(journey) for journey in grids])
    failed = sorted({place for (_, place), last in latest.items() if last.status in (Status.FAILED, Status.TIMED_OUT)})
    if failed:
        where = f"at {len(places - set(failed))} of {count(len(places), 'location')}"
        said = f"The last run at {listed(failed)} failed; one failure alone tells nobody."
        return f"Buyers can buy {where}.", f"{said} {_firing_words(told, frame, now)}".strip()
    at = (
        f"all {count(len(places), 'location')}"
        if passed == places
        else f"{len(passed)} of {count(len(places), 'location')}"
    )
    at = at.replace("all 1 location", "the one location")
    return f"Buyers can buy at {at}.", f"The latest runs passed: {titles}. {_firing_words(told, frame, now)}".strip()


def _firing_words(told: Sequence[Alert], frame: Frame, now: datetime) -> str:
    if not told:
        return "No alert fires."
    lead = told[0]
    acked = ", acknowledged" if lead.acked_at else ""
    more = f", and {count(len(told) - 1, 'more alert')}" if len(told) > 1 else ""
    title = lead.title or lead.key
    return f"{title[:1].upper()}{title[1:]} since {frame.zone.clock(lead.began_at, now)}{acked}{more}."


def _facts(data: OverviewData, now: datetime) -> tuple[tuple[str, str], ...]:
    last = max(data.results.values(), default=None)
    following = min((grid.after(now) for _, of in data.grids.values() for grid in of.values()), default=None)
    cells = [cell for some in data.strips.values() for cell in some]
    n, unmeasured = sum(cell.n for cell in cells), sum(cell.unmeasured for cell in cells)
    stops = [alert for alert in data.past if blocks_buyers(alert) and alert.over_at]
    well = max((alert.over_at for alert in stops if alert.over_at), default=None)
    stopped = any(blocks_buyers(alert) for alert in data.alerts)
    told = [
        ("Last run", f"{span(now - last)} ago" if last and last <= now else "–"),
        ("Next run", f"in {span(following - now)}" if following else "–"),
        ("Slots with a result", f"{(n - unmeasured) / n * 100:.4g} %" if n else "–"),
    ]
    if well and not stopped:
        told.insert(2, ("Well for", span(now - well)))
    return tuple(told)


def _card(
    name: str,
    period_s: int,
    grid: Mapping[str, Grid],
    data: OverviewData,
    verdicts: Sequence[Verdict],
    frame: Frame,
    now: datetime,
) -> JourneyCard:
    here = {place: data.latest[name, place] for place in grid if (name, place) in data.latest}
    failing = [o for o in here.values() if o.status in (Status.FAILED, Status.TIMED_OUT)]
    state = worst_state(v for v in verdicts if v.journey == name and v.traits and v.traits.journey_fails)
    state = state or WidgetState.NO_DATA
    if state is WidgetState.OK and failing:
        state = WidgetState.OFF_TARGET
    newest = max(here.values(), key=lambda o: o.finished_at, default=None)
    worst = max(failing, key=lambda o: o.finished_at, default=None)
    return JourneyCard(
        name=name,
        title=journey_title(name),
        state=state,
        words=_card_words(state, failing, here),
        about=f"Every {span(timedelta(seconds=period_s))} from {count(len(grid), 'location')}",
        age=ago(newest.finished_at, now) if newest else None,
        lanes=tuple(_lane(name, place, here.get(place), data, frame, now) for place in grid),
        error=worst.error if worst else None,
    )


def _card_words(state: WidgetState, failing: Sequence[Outcome], here: Mapping[str, Outcome]) -> str:
    if not here:
        return "No run yet"
    if not failing:
        return "Passing" if state is WidgetState.OK else ""
    return "Failing" if len(failing) == len(here) else f"Failing at {len(failing)} of {len(here)}"


def _lane(journey: str, place: str, last: Outcome | None, data: OverviewData, frame: Frame, now: datetime) -> Lane:
    passed, n = data.tries.get((journey, place), (0, 0))
    took = f", {duration(last.duration_ms)}" if last and last.status is Status.PASSED else ""
    return Lane(
        location=place,
        chart=result_strip(
            data.strips.get((journey, place), ()),
            name=f"{journey_title(journey)} at {place}",
            width=_words(data.cell),
            zone=frame.zone.zone,
        ),
        passed=f"{passed:,} / {n:,}" if n else "–",
        last=f"{STATUSES[last.status]}{took}" if last else "No run yet",
        run_id=last.run_id if last else None,
        is_failing=last is not None and last.status in (Status.FAILED, Status.TIMED_OUT),
        age=ago(last.finished_at, now) if last else None,
    )


def _title(verdict: Verdict) -> str:
    title = verdict.title or verdict.key
    return f"{title[:1].upper()}{title[1:]}"


def _happened(alerts: Sequence[Alert], deploys: Sequence[Deploy], frame: Frame, now: datetime) -> tuple[Happening, ...]:
    """Return the sent alerts and the deploys, newest first; alerts that another alert covers are left out."""
    found: list[tuple[datetime, Happening]] = []
    for alert in {one.id: one for one in alerts}.values():
        if alert.fired_at is None or alert.inhibited_by is not None or alert.severity in (Severity.LOW, Severity.INFO):
            continue
        over, is_critical = alert.over_at, alert.severity is Severity.CRITICAL
        title = (alert.title_past if over else "") or alert.title or alert.key
        lasted = f"resolved after {span(over - alert.began_at)}" if over else "firing"
        acked = f" · acknowledged by {alert.acked_by}" if alert.acked_by else ""
        path = f"/incidents/{alert.incident}" if alert.incident else f"/alerts#{alert.id}"
        if over:
            tone = ""
        elif is_critical:
            tone = "crit"
        else:
            tone = "warn"
        found.append(
            (
                alert.began_at,
                Happening(
                    at=frame.zone.clock(alert.began_at, now),
                    iso=alert.began_at.isoformat(timespec="seconds"),
                    tone=tone,
                    state=WidgetState.CRITICAL if is_critical else WidgetState.WARNING,
                    title=f"{title[:1].upper()}{title[1:]}",
                    detail=f"{alert.severity.value.capitalize()} · {lasted}{acked}",
                    path=path,
                ),
            )
        )
    for deploy in deploys:
        found.append(
            (
                deploy.at,
                Happening(
                    at=frame.zone.clock(deploy.at, now),
                    iso=deploy.at.isoformat(timespec="seconds"),
                    tone="",
                    state=WidgetState.OFF,
                    title=f"Deploy {deploy.version}",
                    detail=" · ".join(part for part in (deploy.by, deploy.note) if part),
                ),
            )
        )
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)[:_EVENTS_SHOWN])


def _vitals(verdicts: Sequence[Verdict], now: datetime) -> tuple[VitalRow, ...]:
    found = [v for v in worst_first(verdicts) if v.traits and v.traits.kind == "vitals" and v.value is not None]
    return tuple(
        VitalRow(
            page=v.subject or v.journey or "all pages",
            value=_vital_value(v),
            n=v.n,
            state=STATE_OF_VERDICT[v.verdict],
            age=ago(v.data_at, now),
        )
        for v in found[:_VITALS_SHOWN]
    )


def _vital_value(verdict: Verdict) -> str:
    def form(value: float) -> str:
        return duration(value) if verdict.unit == "ms" else f"{value:.3g}"

    return form(verdict.value or 0.0) + (f", limit {form(verdict.limit)}" if verdict.limit is not None else "")


def _words(cell: timedelta) -> str:
    seconds = cell.total_seconds()
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
