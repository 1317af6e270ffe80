"""The page of a journey: a heading that is true now, figures with their proof, and the location and the step that differ."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from facts import Alert, AlertState, Outcome, Severity, Status, Traits, Verdict, VerdictStatus
from reports.live.frame import Frame, a_frame
from reports.live.journey import JourneyBudget, JourneyData, JourneyPage, journey_page, page_of
from reports.live.journey_charts import Stretch, Vitals, VitalSeries, step_names, vitals_of
from reports.live.journey_runs import RunFilter, runs_csv
from reports.ranges import TimeRange
from reports.states import WidgetState
from store.histograms import histogram
from store.rollups import Rollup
from tests.builders import A_MOMENT
from tests.reports.markup import parsed
from tests.reports.test_hostile import EVIL

GA, PLACES = "ga_purchase", ("us-east", "us-west", "eu-west")
STEP_S = 900
NOW = A_MOMENT.replace(minute=7, second=0, microsecond=0)
SINCE = NOW.replace(minute=0) - timedelta(hours=24)
FAILS = Traits(kind="quorum", journey_fails=True)


def a_rollup(
    place: str = "us-east",
    hours_ago: float = 1,
    ms: float = 15_000,
    n: int = 3,
    counts: dict[str, int] | None = None,
) -> Rollup:
    """Five minutes in which `n` runs passed, unless `counts` says other results."""
    start = NOW.replace(minute=0) - timedelta(hours=hours_ago)
    counts = counts or {"passed": n, "first_passed": n}
    passed = counts.get("passed", 0)
    return Rollup(
        width_s=300,
        start=start,
        journey=GA,
        location=place,
        counts=counts,
        durations=histogram([ms] * passed),
        steps={"choose_city": histogram([ms / 10] * passed)} if passed else {},
    )


def an_outcome(
    place: str = "us-east", status: Status = Status.PASSED, seconds_ago: float = 22, **facts: Any
) -> Outcome:
    at = NOW - timedelta(seconds=seconds_ago)
    usual: dict[str, Any] = {
        "run_id": f"run-{place}",
        "journey": GA,
        "location": place,
        "slot": at - timedelta(seconds=20),
        "status": status,
        "blame": None,
        "failed_step": "proceed_to_stripe" if status is Status.FAILED else None,
        "error": "proceed_to_stripe: answered 500" if status is Status.FAILED else None,
        "first_status": status,
        "first_blame": None,
        "first_failed_step": None,
        "started_at": at - timedelta(seconds=18),
        "finished_at": at,
        "received_at": at,
        "duration_ms": 17_800.0,
        "slow": False,
        "flaky": False,
        "late": False,
    }
    return Outcome(**{**usual, **facts})


def latest(*failing: str) -> dict[str, Outcome]:
    return {p: an_outcome(p, Status.FAILED if p in failing else Status.PASSED) for p in PLACES}


def judged(status: VerdictStatus, summary: str = "too few runs", **more: Any) -> Verdict:
    return Verdict(
        rule="F0", verdict=status, summary=summary, severity=Severity.CRITICAL, journey=GA, traits=FAILS, **more
    )


def a_budget(left: float = 0.82) -> JourneyBudget:
    return JourneyBudget(rule="F2a", key="F2a:ga", target=0.99, left=left, total_minutes=432.0, bad=47, days=30)


def told(**facts: Any) -> JourneyData:
    usual: dict[str, Any] = {
        "name": GA,
        "now": NOW,
        "window": "24 h",
        "shown": TimeRange(key="24h", since=NOW - timedelta(hours=24), until=NOW),
        "stretch": Stretch(since=SINCE, until=NOW, step_s=STEP_S, small_s=STEP_S, cell_s=STEP_S, zone=ZoneInfo("UTC")),
        "locations": PLACES,
        "verdicts": [judged(VerdictStatus.MET)],
        "tries": dict.fromkeys(PLACES, (104, 104)),
        "last": latest(),
        "limit_ms": 30_000.0,
        "asked": RunFilter(ranged={"range": "24h"}),
    }
    return JourneyData(**{**usual, **facts})


def frame(prefix: str = "") -> Frame:
    return a_frame(GA, here=f"/journeys/{GA}", now=NOW, evaluated_at=NOW, links=(), prefix=prefix)


def page(**facts: Any) -> JourneyPage:
    return page_of(frame(), told(**facts))


def an_alert(**facts: Any) -> Alert:
    usual: dict[str, Any] = {
        "id": "F0.ga_purchase.1",
        "key": "F0:ga_purchase",
        "rule": "F0",
        "severity": Severity.CRITICAL,
        "state": AlertState.FIRING,
        "episode": 1,
        "pending_since": NOW - timedelta(minutes=20),
        "fired_at": NOW - timedelta(minutes=19),
        "since": NOW - timedelta(minutes=20),
        "summary": "",
        "journey": GA,
        "traits": FAILS,
    }
    return Alert(**{**usual, **facts})


TRIED = "312 of 312 first attempts passed in 24 h"


@pytest.mark.parametrize(
    ("facts", "state", "heading"),
    [
        ({}, WidgetState.OK, f"Buyers can finish the GA purchase; {TRIED}."),
        (
            {"last": {}, "tries": {}, "verdicts": ()},
            WidgetState.UNPROVEN,
            "It is not known yet whether buyers can finish the GA purchase.",
        ),
        (
            {"tries": {}},
            WidgetState.OK,
            "Buyers can finish the GA purchase; no result in 24 h.",
        ),
        (
            {"last": latest("us-west")},
            WidgetState.OFF_TARGET,
            f"Buyers can finish the GA purchase at 2 of 3 locations; {TRIED}.",
        ),
        (
            {"last": latest(*PLACES)},
            WidgetState.OFF_TARGET,
            f"The last GA purchase failed at all 3 locations; {TRIED}.",
        ),
        (
            {"verdicts": [judged(VerdictStatus.CRITICAL)], "last": latest(*PLACES)},
            WidgetState.CRITICAL,
            f"Buyers cannot finish the GA purchase; {TRIED}.",
        ),
        (
            {"alerts": [an_alert()], "last": latest(*PLACES)},
            WidgetState.CRITICAL,
            f"Buyers cannot finish the GA purchase since {NOW - timedelta(minutes=20):%H:%M}; {TRIED}.",
        ),
        # Another journey's outage says nothing about this one.
        (
            {"alerts": [an_alert(journey="vip_member_discount")]},
            WidgetState.OK,
            f"Buyers can finish the GA purchase; {TRIED}.",
        ),
        (
            {"verdicts": [judged(VerdictStatus.NO_DATA)]},
            WidgetState.NO_DATA,
            f"It is not known whether buyers can finish the GA purchase; {TRIED}.",
        ),
        (
            {"verdicts": ()},
            WidgetState.UNPROVEN,
            f"It is not known whether buyers can finish the GA purchase; {TRIED}.",
        ),
        # A journey at one place only.
        (
            {"locations": PLACES[:1], "last": {"us-east": an_outcome(status=Status.FAILED)}},
            WidgetState.OFF_TARGET,
            f"The last GA purchase failed at 1 location; {TRIED}.",
        ),
    ],
)
def test_the_heading_says_what_is_true_of_buyers_now(facts: dict[str, Any], state: WidgetState, heading: str) -> None:
    shown = page(**facts)
    assert (shown.heading, shown.state) == (heading, state)


def tile(name: str, **facts: Any) -> tuple[WidgetState, str, str]:
    widget = next(one.widget for one in page(**facts).tiles if one.widget.name == name)
    return widget.state, f"{widget.value} {widget.unit}".strip(), widget.delta


FEW = [a_rollup(n=3)]
MANY = [a_rollup(n=40)]


@pytest.mark.parametrize(
    ("name", "facts", "state", "value"),
    [
        ("success", {"tries": {"us-east": (1150, 1151)}}, WidgetState.OK, "99.91 %"),
        ("success", {"tries": {"us-east": (20, 20)}}, WidgetState.UNPROVEN, "100 %"),
        ("success", {"tries": {"us-east": (90, 100)}}, WidgetState.OFF_TARGET, "90 %"),
        ("success", {"tries": {"us-east": (0, 0)}}, WidgetState.NO_DATA, ""),
        ("duration", {"buckets": MANY}, WidgetState.OK, "15.31 s"),
        ("duration", {"buckets": FEW}, WidgetState.UNPROVEN, "15.31 s"),
        ("duration", {"buckets": MANY, "limit_ms": 9_000.0}, WidgetState.OFF_TARGET, "15.31 s"),
        ("duration", {}, WidgetState.NO_DATA, ""),
        ("last", {}, WidgetState.OK, "Passed"),
        ("last", {"last": {"us-east": an_outcome(slow=True)}}, WidgetState.OFF_TARGET, "Passed"),
        ("last", {"last": {"us-east": an_outcome(status=Status.TIMED_OUT)}}, WidgetState.CRITICAL, "Timed out"),
        ("last", {"last": {"us-east": an_outcome(status=Status.MISSED)}}, WidgetState.UNPROVEN, "Missed"),
        ("last", {"last": {}}, WidgetState.NO_DATA, ""),
        ("budget", {"budget": a_budget()}, WidgetState.OK, "82 %"),
        ("budget", {"budget": a_budget(0.2)}, WidgetState.WARNING, "20 %"),
        ("budget", {"budget": a_budget(-0.5)}, WidgetState.CRITICAL, "-50 %"),
        ("budget", {"budget": a_budget(), "last": {}}, WidgetState.NO_DATA, ""),
        ("budget", {}, WidgetState.OFF, ""),
    ],
)
def test_a_tile_is_only_ok_where_its_runs_prove_it(
    name: str, facts: dict[str, Any], state: WidgetState, value: str
) -> None:
    found_state, found_value, _ = tile(name, **facts)
    assert (found_state, found_value) == (state, value)


@pytest.mark.parametrize(
    ("left", "said"),
    [(0.5, "3 h 36 min of 7 h 12 min"), (-0.5, "overspent by 3 h 36 min of 7 h 12 min"), (0.0, "0 s of 7 h 12 min")],
)
def test_the_budget_is_told_in_minutes_and_leads_to_its_target(left: float, said: str) -> None:
    assert tile("budget", budget=a_budget(left))[2] == said
    links = parsed(journey_page(frame("/monitor"), told(budget=a_budget(left)))).links()
    assert "/monitor/sla/F2a?key=F2a%3Aga" in links


@pytest.mark.parametrize(
    ("ms", "tries", "differing"),
    [
        # The median of one is 60 % above that of the others.
        ({"us-west": 24_000}, {}, {"us-west": "its median is 55 % above that of the others"}),
        ({"us-west": 16_000}, {}, {}),
        # One that is faster makes no other slow.
        ({"us-west": 9_000}, {}, {}),
        ({}, {"eu-west": (80, 104)}, {"eu-west": "passes less often than the others (100 %)"}),
        # A single failure proves nothing.
        ({}, {"eu-west": (103, 104)}, {}),
        ({}, {"eu-west": (0, 0)}, {}),
    ],
)
def test_a_location_differs_where_its_runs_prove_it(
    ms: dict[str, float], tries: dict[str, tuple[int, int]], differing: dict[str, str]
) -> None:
    shown = page(
        buckets=[a_rollup(place, ms=ms.get(place, 15_000), n=40) for place in PLACES],
        tries=dict.fromkeys(PLACES, (104, 104)) | tries,
    )
    assert {row.location: row.differs for row in shown.places if row.differs} == differing
    assert shown.places[0].differs == next(iter(differing.values()), "")
    assert all(name in shown.compared for name in differing)


def test_too_few_runs_make_no_location_differ() -> None:
    few = [a_rollup("us-west", ms=24_000, n=10), a_rollup("us-east", n=40), a_rollup("eu-west", n=40)]
    assert page(buckets=few).compared == "No location is provably worse than the others."
    assert page(locations=PLACES[:1]).compared == "One location: there is nothing to compare it with."


def strip(*buckets: Rollup) -> dict[str, str]:
    """What the links of the first location's strip say, by the hour of their cell."""
    svg = page(buckets=buckets).lanes[0].chart.svg
    return dict(re.findall(r'aria-label="(\d\d:\d\d) (\w+)"', svg))


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({"passed": 3}, "passed"),
        ({"passed": 2, "slow": 1}, "slow"),
        ({"passed": 2, "slow": 1, "failed": 1}, "failed"),
        ({"timed_out": 1}, "failed"),
        ({"missed": 2}, "unknown"),
        ({"errored": 1}, "unknown"),
        ({"errored": 1, "passed": 1}, "passed"),
    ],
)
def test_a_cell_shows_the_worst_of_its_slots(counts: dict[str, int], state: str) -> None:
    hour = f"{NOW.replace(minute=0) - timedelta(hours=2):%H:%M}"
    assert strip(a_rollup(counts=counts, hours_ago=2)) == {hour: state}


def test_a_click_on_a_cell_asks_for_its_stretch_at_its_location() -> None:
    at = round((NOW.replace(minute=0) - timedelta(hours=2)).timestamp())
    html = journey_page(frame("/monitor"), told(buckets=[a_rollup("us-west", hours_ago=2)]))
    assert f"/monitor/journeys/ga_purchase/run?location=us-west&for=900&at={at}" in parsed(html).links()


def test_a_stretch_without_runs_is_a_gap_in_every_chart_and_no_line_crosses_it() -> None:
    shown = page(buckets=[a_rollup(hours_ago=h) for h in (20, 19.75, 19.5, 3, 2.75, 2.5)])
    for figure in (shown.duration, *shown.steps):
        (line,) = re.findall(r'<path class="ln s1" d="([^"]+)"', figure.chart.svg)
        assert line.count("M") == 2
        assert 'fill="url(#hatch)"' in figure.chart.svg
        assert len(figure.chart.table.rows) == 6


def test_deploys_and_incidents_are_marked_and_told_in_words() -> None:
    stretch = replace(
        told().stretch,
        deploys=[(NOW - timedelta(hours=2), "7f3c21a")],
        incidents=[("INC-41", NOW - timedelta(hours=2), NOW - timedelta(hours=1))],
    )
    shown = page(stretch=stretch, buckets=[a_rollup()])
    for figure in (shown.duration, *shown.steps):
        assert figure.chart.svg.count('class="dep"') == 1
        assert figure.chart.svg.count('class="miss"') == 1
    assert [mark.split()[0] for mark in shown.marks] == ["deploy", "INC-41"]


def test_steps_stand_in_the_order_of_the_journey_as_it_was_last_walked() -> None:
    old, new = a_rollup(hours_ago=5), a_rollup(hours_ago=1)
    old = replace(old, steps={"gone": {}, "b": {}, "a": {}})
    assert step_names([old, replace(new, steps={"a": {}, "b": {}})]) == ["a", "b", "gone"]


class Vital:
    def __init__(self, page: str, name: str, value: float | None, cut: bool = False) -> None:
        self.page, self.name, self.value, self.cut = page, name, value, cut


class Measured:
    def __init__(self, at: datetime, *vitals: Vital) -> None:
        self.finished_at, self.vitals = at, list(vitals)


def test_vitals_are_those_of_the_site_that_can_be_graded_the_worst_first() -> None:
    some = [
        Measured(
            NOW - timedelta(hours=hour),
            Vital("/", "LCP", 1000.0 + hour),
            Vital("/", "CLS", 0.3),
            Vital("/", "INP", None),
            Vital("/register", "INP", 40.0, cut=True),
            Vital("/", "TTFB", 9000.0),
            Vital("https://checkout.stripe.com/", "LCP", 9000.0),
        )
        for hour in range(4)
    ]
    found = vitals_of({"us-east": some[:2], "us-west": some[2:]}, 3600)
    assert [(one.page, one.name, one.n, one.p75, len(one.spreads)) for one in found.series] == [
        ("/", "CLS", 4, 0.3, 4),
        ("/", "LCP", 4, 1002.0, 4),
    ]
    assert (found.runs, found.cut) == (4, 4)


@pytest.mark.parametrize(
    ("p75", "n", "state"),
    [(2400.0, 20, WidgetState.OK), (2600.0, 20, WidgetState.OFF_TARGET), (2400.0, 19, WidgetState.UNPROVEN)],
)
def test_a_vital_is_judged_by_its_75th_percentile_of_enough_values(p75: float, n: int, state: WidgetState) -> None:
    series = VitalSeries(page="/", name="LCP", limit=2500, spreads=((NOW, 1, 2, 3),), p75=p75, n=n, at=NOW)
    (row,) = page(vitals=Vitals(series=(series,), runs=n)).vital_rows
    assert (row.state, row.limit, row.p75) == (state, "2.5 s", f"{p75 / 1000:.2f} s")


def test_every_link_of_the_list_keeps_the_range_and_the_filters() -> None:
    asked = RunFilter(ranged={"range": "7d"}, status="failed", location="us-east", page=2)
    week = TimeRange(key="7d", since=NOW - timedelta(days=7), until=NOW)
    query = {"range": "7d", "status": "failed", "location": "us-east", "page": "2"}
    shown = page(asked=asked, has_more=True, shown=week, query=query, runs=[an_outcome(status=Status.FAILED)])
    assert shown.older == "range=7d&status=failed&location=us-east&page=3"
    assert shown.newer == "range=7d&status=failed&location=us-east&page=1"
    assert [one.query for one in shown.picker.choices if one.is_current] == ["status=failed&location=us-east&range=7d"]
    assert page(asked=replace(asked, page=40), has_more=True).older is None


def test_the_csv_has_a_row_for_each_run_and_no_formula() -> None:
    text = runs_csv([an_outcome(status=Status.FAILED, error="=HYPERLINK(1)"), an_outcome()])
    rows = text.splitlines()
    assert len(rows) == 3
    assert "'=HYPERLINK(1)" in rows[1]
    assert rows[0].startswith("run_id,slot,location,status")


def test_hostile_text_is_shown_as_text() -> None:
    evil = EVIL.replace("\x00", "").replace("\ud800", "")
    bucket = replace(a_rollup(), steps={evil: {"1": 3}}, location=evil)
    html = journey_page(
        frame(),
        told(
            name=evil,
            locations=[evil],
            tries={evil: (1, 2)},
            last={evil: an_outcome(evil, Status.FAILED, error=evil, run_id=evil)},
            runs=[an_outcome(evil, Status.FAILED, error=evil, run_id=evil)],
            buckets=[bucket],
            vitals=Vitals(
                series=(
                    VitalSeries(page=f"/{evil}", name="LCP", limit=2500, spreads=((NOW, 1, 2, 3),), p75=9, n=1, at=NOW),
                )
            ),
            stretch=replace(told().stretch, deploys=[(NOW - timedelta(hours=1), evil)]),
        ),
    )
    document = parsed(html)
    assert not [one for one in document.all("img") if one.get("src") == "x"]
    assert "‮" not in html
    assert all(link.startswith(("/", "?", "#", "https:")) for link in document.links())


def test_an_empty_page_says_what_is_missing_and_draws_no_figure() -> None:
    html = journey_page(frame(), told(last={}, tries={}, verdicts=(), limit_ms=None))
    assert html.count("No data") >= 6
    assert "None of 24 h is of this status and location." in html
    assert "nan" not in html.lower()


def test_the_template_uses_every_field_of_its_context() -> None:
    template = Path(__file__).parents[2] / "reports" / "templates" / "live" / "journey.html.j2"
    used = set(re.findall(r"page\.([a-z_]+)", template.read_text()))
    assert used == {one.name for one in fields(JourneyPage)}
