"""Every widget with all that it needs, with nothing, with a source that went quiet, and with what only it can get wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from facts import Sample, Severity, Traits, Verdict, VerdictStatus, labels
from facts.traits import Family
from metrics import CATALOGUE
from reports.charts import number_format
from reports.dashboards import DASHBOARDS, Goal, Numbers, Widget, WidgetState, WidgetType
from reports.dashboards.widget import rate_state
from reports.dashboards.widgets import stock
from tests.dashboards import NOW, a_day, a_feed, a_shop, a_usual_shop, a_view, an_alert, drawn, numbers_of, typical

KINDS = [(path, kind) for path, dashboard in DASHBOARDS.items() for kind in dashboard.widgets]
NAMED = pytest.mark.parametrize(("path", "kind"), KINDS, ids=[kind.name for _, kind in KINDS])
NOT_BROUGHT_YET = {"database_query_seconds"}
FROM_RUNS = {"system_health_status", "api_response_times"}
GUIDE = {
    "/executive": [
        "revenue_today",
        "tickets_sold_today",
        "conversion_rate_24h",
        "system_health_status",
        "upcoming_workshops_status",
        "customer_satisfaction_score",
    ],
    "/operations": [
        "api_response_times",
        "error_rates_by_endpoint",
        "inventory_levels_all_cities",
        "stripe_webhook_processing",
        "sms_delivery_status",
        "database_performance",
    ],
    "/business": [
        "sales_by_city_trend",
        "ticket_type_popularity",
        "member_vs_nonmember_sales",
        "peak_traffic_patterns",
        "marketing_channel_effectiveness",
        "customer_journey_funnel",
    ],
}


def say(widget: Widget) -> str:
    return f"{widget.value} {widget.unit} {widget.delta} {widget.sentence} {widget.why} {widget.how} {widget.notes}"


@pytest.mark.parametrize("path", GUIDE)
def test_each_dashboard_has_the_widgets_that_the_guide_lists(path: str) -> None:
    assert sorted(kind.name for kind in DASHBOARDS[path].widgets) == sorted(GUIDE[path])


def test_the_guides_refresh_rates_and_alerts() -> None:
    found = {path: (one.refresh_s, one.usual_alerts) for path, one in DASHBOARDS.items()}
    assert found == {"/executive": (30, "critical"), "/operations": (10, "all"), "/business": (300, "business")}


@NAMED
def test_it_reads_only_metrics_of_the_catalogue(path: str, kind: WidgetType) -> None:
    read = {need.metric for need in kind.needs(a_view(path))} | set(kind.metrics)
    assert read <= set(CATALOGUE) | NOT_BROUGHT_YET


@NAMED
def test_without_any_source_it_is_off_or_has_no_data_and_says_what_to_do(path: str, kind: WidgetType) -> None:
    widget = drawn(kind.name, Numbers())
    assert widget.state is (WidgetState.NO_DATA if kind.name in FROM_RUNS else WidgetState.OFF)
    assert widget.why
    assert widget.how


@NAMED
def test_a_source_that_has_brought_nothing_yet_is_no_zero(path: str, kind: WidgetType) -> None:
    feeds = {
        source: a_feed(source, age=timedelta(hours=2), error="HTTP 503")
        for source in ("stripe", "inventory", "sms", "events")
    }
    widget = drawn(kind.name, numbers_of(path, feeds=feeds, buckets=a_usual_shop(path)))
    assert widget.state.says_nothing
    assert widget.value == ""
    if kind.name not in FROM_RUNS and widget.state is WidgetState.NO_DATA:
        assert "went quiet" in widget.why
        assert "HTTP 503" in widget.why
        assert widget.at == NOW - timedelta(hours=2)


@NAMED
def test_sources_that_are_well_and_brought_no_sample_are_no_zero_that_is_green(path: str, kind: WidgetType) -> None:
    widget = drawn(kind.name, numbers_of(path))
    assert widget.state.says_nothing or widget.name in ("revenue_today", "tickets_sold_today")


@NAMED
def test_on_a_usual_day_it_has_a_number_with_age_source_window_and_table(path: str, kind: WidgetType) -> None:
    widget = drawn(kind.name, typical(path))
    if kind.name in ("customer_satisfaction_score", "database_performance"):
        assert widget.state is WidgetState.OFF
        return
    assert not widget.state.says_nothing
    assert widget.at is not None
    assert widget.source
    assert widget.window
    charts = [figure.chart for figure in widget.figures] + [lane.chart for lane in widget.lanes]
    assert charts or widget.grid is not None
    assert all(chart.table.columns and not chart.is_empty for chart in charts)


@NAMED
@pytest.mark.parametrize("key", ["1h", "6h", "24h", "7d", "30d", "13mo"])
def test_every_range_can_be_drawn(path: str, kind: WidgetType, key: str) -> None:
    drawn(kind.name, numbers_of(path, run_at=NOW, buckets=a_usual_shop(path, key)), range=key)


def test_a_number_is_never_shown_without_its_age() -> None:
    with pytest.raises(ValueError, match="without its age"):
        Widget(name="w", title="W", state=WidgetState.OK, value="7", source="Stripe", window="24 h")


def test_a_widget_that_is_off_shows_no_number() -> None:
    with pytest.raises(ValueError, match="shows no number"):
        Widget(name="w", title="W", state=WidgetState.OFF, value="0", why="Stripe is not connected.")


@pytest.mark.parametrize(
    ("rate", "state"),
    [
        ((0.977, 0.88, 0.996), WidgetState.UNPROVEN),
        ((0.99, 0.96, 0.999), WidgetState.OK),
        ((0.93, 0.92, 0.945), WidgetState.OFF_TARGET),
        ((0.88, 0.86, 0.895), WidgetState.WARNING),
        ((0.5, 0.4, 0.6), WidgetState.CRITICAL),
        ((0.5, 0.1, 0.9), WidgetState.OFF_TARGET),
    ],
)
def test_a_rate_of_few_is_unproven_and_not_ok(rate: tuple[float, float, float], state: WidgetState) -> None:
    assert rate_state(*rate, target=0.95, warning=0.90, critical=0.85) is state


def test_a_verdict_that_is_worse_than_the_number_looks_decides() -> None:
    verdict = Verdict(rule="R1", verdict=VerdictStatus.WARNING, summary="")
    numbers = typical("/executive", verdicts=[verdict], rules={"revenue_today": ["R1"]})
    assert drawn("revenue_today", numbers).state is WidgetState.WARNING
    assert drawn("conversion_rate_24h", numbers).state is not WidgetState.WARNING


@pytest.mark.parametrize("word", list(VerdictStatus))
@pytest.mark.parametrize("path", DASHBOARDS)
def test_whatever_the_rules_say_every_widget_can_be_drawn_and_is_green_only_if_they_do(
    path: str, word: VerdictStatus
) -> None:
    rules = {kind.name: [f"rule of {kind.name}"] for kind in DASHBOARDS[path].widgets}
    verdicts = [Verdict(rule=rule, verdict=word, summary="") for (rule,) in rules.values()]
    fails = Traits(kind="quorum", family=Family.JOURNEY, journey_fails=True)
    verdicts += [
        Verdict(rule="F0", verdict=word, summary="", journey=j, traits=fails)
        for j in ("ga_purchase", "vip_member_discount")
    ]
    numbers = typical(path, verdicts=verdicts, rules=rules)
    found = {kind.name: drawn(kind.name, numbers).state for kind in DASHBOARDS[path].widgets}
    judged = {
        "revenue_today",
        "conversion_rate_24h",
        "system_health_status",
        "sms_delivery_status",
        "customer_journey_funnel",
    }
    if word not in (VerdictStatus.MET, VerdictStatus.OFF):
        assert WidgetState.OK not in {state for name, state in found.items() if name in judged}


def test_revenue_begins_at_the_businesss_midnight_and_currencies_are_never_added() -> None:
    midnight = a_view().day_start(a_view().today)
    told = [
        Sample(metric="stripe_charged_minor", at=at, value=value, labels=labels(currency=currency))
        for at, value, currency in (
            (midnight - timedelta(minutes=5), 900_000, "usd"),
            (midnight, 100_000, "usd"),
            (NOW - timedelta(minutes=10), 50_000, "usd"),
            (NOW - timedelta(minutes=10), 7_000, "eur"),
        )
    ]
    widget = drawn("revenue_today", numbers_of("/executive", told))
    assert widget.value == "$1,500"
    assert widget.notes == ("and 70 EUR, not added",)
    assert "too few weeks" in widget.delta


def test_revenue_is_compared_with_the_same_time_of_the_same_weekday() -> None:
    told = []
    for week in range(5):
        day = a_view().day_start(a_view().today - timedelta(weeks=week))
        for hour in (10, 20):
            at = day + timedelta(hours=hour)
            if at < NOW:
                value = 120_000 if week == 0 else 100_000
                told.append(Sample(metric="stripe_charged_minor", at=at, value=value, labels=labels(currency="usd")))
    widget = drawn("revenue_today", numbers_of("/executive", told, goal=Goal(minor=50_000, share=0.8, by_hour=18)))
    assert widget.delta == "▲ 20 % to the usual Thursday at 16:40 · likely $2,200–$2,200 by midnight"
    (figure,) = widget.figures
    assert "goal $500" in figure.chart.svg
    assert "80% by 18:00" in figure.chart.svg
    assert figure.chart.table.columns == ("Time", "Today", "median", "last 4 Thursdays")


@pytest.mark.parametrize("day", ["2026-03-08T22:00:00+00:00", "2026-11-01T22:00:00+00:00"])
@pytest.mark.parametrize("path", DASHBOARDS)
def test_days_of_23_and_25_hours_are_drawn(day: str, path: str) -> None:
    now = NOW.fromisoformat(day)
    view = a_view(path, now)
    numbers = numbers_of(path, a_shop(now=now, days=9), view=view, run_at=now)
    for kind in DASHBOARDS[path].widgets:
        kind.draw(kind, view, numbers)
    if path == "/executive":
        (figure,) = drawn("tickets_sold_today", numbers, view).figures
        assert len(figure.chart.table.rows) == (23 if "03-08" in day else 25)


def test_conversion_of_few_says_how_little_is_known() -> None:
    its, at = labels(city="dallas", member="no", tier="ga"), NOW - timedelta(hours=1)
    told = [
        Sample(metric="stripe_sessions_completed", at=at, value=42, labels=its),
        Sample(metric="stripe_sessions_expired", at=at, value=2, labels=its),
    ]
    widget = drawn("conversion_rate_24h", numbers_of("/executive", told))
    assert (widget.value, widget.state) == ("95.5", WidgetState.UNPROVEN)
    assert "likely 84.9–98.7 % · target 95 %" in widget.delta
    assert widget.n == "42 of 44 checkout sessions"


def test_a_critical_alert_makes_its_journeys_light_red_and_the_sentence_says_since_when() -> None:
    widget = drawn("system_health_status", typical("/executive", alerts=[an_alert()]))
    assert widget.state is WidgetState.CRITICAL
    assert [lane.state for lane in widget.lanes] == [WidgetState.CRITICAL, WidgetState.UNPROVEN]
    assert widget.sentence == "GA purchase fails since 16:21."


def test_journeys_that_are_not_judged_are_not_said_to_work() -> None:
    widget = drawn("system_health_status", typical("/executive"))
    assert widget.sentence == "It is not known whether GA purchase and VIP member discount work."


def test_days_without_runs_are_unknown_and_runs_of_our_own_fault_count_for_nothing() -> None:
    today = NOW.replace(hour=0, minute=0)
    days = [
        a_day("ga_purchase", today, passed=10, failed=1),
        a_day("ga_purchase", today - timedelta(days=1), passed=0, failed=4),
    ]
    days[0].counts["errored"] = 7
    widget = drawn("system_health_status", typical("/executive", days=days))
    rows = widget.lanes[0].chart.table.rows
    assert rows[:2] == (("19 Nov 2026", "some failed", "1", "11"), ("18 Nov 2026", "all failed", "4", "4"))
    assert "88 days unknown" in widget.lanes[0].chart.svg


@pytest.mark.parametrize(
    ("left", "tier", "words", "state"),
    [
        (-1, "ga", "Oversold", WidgetState.CRITICAL),
        (0, "ga", "Sold out", WidgetState.OK),
        (9, "ga", "Low", WidgetState.WARNING),
        (10, "ga", "OK", WidgetState.OK),
        (2, "vip", "Low", WidgetState.WARNING),
        (3, "vip", "OK", WidgetState.OK),
    ],
)
def test_what_is_left_is_low_sold_out_or_oversold(left: float, tier: str, words: str, state: WidgetState) -> None:
    one = stock.Left(city="Dallas", tier=tier, left=left, seats=100, sold=None)
    assert (one.words, one.state) == (words, state)


@pytest.mark.parametrize(("left", "sold"), [(100, None), (100, 9), (0, 50), (-3, 50)])
def test_no_day_is_predicted_from_too_few_sales_or_for_what_is_sold_out(left: float, sold: float | None) -> None:
    assert stock.Left(city="Dallas", tier="ga", left=left, seats=500, sold=sold).days_left() is None


def test_a_prediction_is_a_range_around_the_pace() -> None:
    found = stock.Left(city="Dallas", tier="ga", left=100, seats=500, sold=100).days_left()
    assert found is not None
    assert found[0] < 14 < found[1]


def test_the_city_with_the_least_left_stands_first() -> None:
    widget = drawn("inventory_levels_all_cities", typical("/operations"))
    assert widget.grid is not None
    assert [cell.text for cell in widget.grid.rows[0]][-1] == "VIP low"
    assert widget.grid.rows[0][0].text == "Dallas"
    assert widget.state is WidgetState.WARNING


def test_an_endpoint_over_its_target_is_off_target_and_named() -> None:
    widget = drawn("api_response_times", typical("/operations"))
    assert widget.state is WidgetState.OFF_TARGET
    assert widget.delta == "/success is over target"
    (figure,) = widget.figures
    assert [row[0] for row in figure.chart.table.rows] == [
        "/success",
        "/register",
        "/api/create-checkout-session",
        "/api/inventory",
    ]
    assert figure.chart.table.rows[-1][3] == "–"


def test_where_no_request_is_known_no_errors_is_no_fact() -> None:
    told = [
        Sample(
            metric="app_requests", at=NOW - timedelta(minutes=5), value=10, labels=labels(endpoint="/a", method="GET")
        ),
    ]
    widget = drawn(
        "error_rates_by_endpoint", numbers_of("/operations", told, view=a_view("/operations", range="1h")), range="1h"
    )
    (figure,) = widget.figures
    assert figure.chart.svg.count('fill="url(#hatch)"') == 11
    assert figure.chart.svg.count('class="h0"') == 1


def test_more_than_five_percent_of_errors_is_a_warning() -> None:
    its = labels(endpoint="/a", method="GET")
    told = [
        Sample(metric="app_requests", at=NOW - timedelta(minutes=5), value=10, labels=its),
        Sample(metric="app_5xx_requests", at=NOW - timedelta(minutes=5), value=1, labels=its),
    ]
    assert drawn("error_rates_by_endpoint", numbers_of("/operations", told)).state is WidgetState.WARNING


def test_messages_without_a_receipt_are_in_the_chart_and_not_in_the_rate() -> None:
    told = [
        Sample(metric=metric, at=NOW - timedelta(minutes=30), value=value)
        for metric, value in (("sms_delivered", 90), ("sms_no_receipt", 3), ("sms_failed", 1))
    ]
    widget = drawn("sms_delivery_status", numbers_of("/operations", told))
    assert (widget.value, widget.state) == ("98.9", WidgetState.UNPROVEN)
    assert widget.notes == ("90 delivered", "3 no receipt", "1 failed")
    assert "gapbox" in widget.figures[0].chart.svg


def test_a_city_with_one_week_of_sales_is_drawn() -> None:
    begins, _ = a_view("/business").weeks(1)[0]
    its = labels(city="dallas", currency="usd", member="no", tier="ga")
    told = [Sample(metric="stripe_orders_minor", at=begins + timedelta(days=1), value=100_000, labels=its)]
    widget = drawn("sales_by_city_trend", numbers_of("/business", told))
    assert [(figure.heading, figure.value) for figure in widget.figures] == [("Dallas", "$1k")]


def test_sales_of_cities_share_one_scale_and_the_largest_is_first() -> None:
    widget = drawn("sales_by_city_trend", typical("/business"))
    axes = {tuple(part.split("<")[0] for part in f.chart.svg.split('text-anchor="end">')[1:]) for f in widget.figures}
    assert len(axes) == 1


def test_the_share_of_payments_without_a_channel_is_told() -> None:
    told = [
        Sample(metric="app_channel_payments", at=NOW - timedelta(days=1), value=value, labels=labels(channel=channel))
        for channel, value in (("email", 6), ("unknown", 2), ("other", 2))
    ]
    widget = drawn("marketing_channel_effectiveness", numbers_of("/business", told))
    assert (widget.value, widget.unit) == ("80", "%")
    assert widget.figures[0].chart.table.rows[-1] == ("Unknown", "2", "20 %")


def test_a_funnel_step_that_loses_more_than_usual_is_off_target() -> None:
    told = []
    for days, paid in ((1, 2), (40, 8)):
        for step, value in (("page_view", 100), ("checkout_start", 10), ("payment_complete", paid)):
            at = NOW - timedelta(days=days)
            told.append(Sample(metric="app_funnel_steps", at=at, value=value, labels=labels(step=step)))
    widget = drawn("customer_journey_funnel", numbers_of("/business", told))
    assert (widget.value, widget.state) == ("2.0", WidgetState.OFF_TARGET)
    assert "Paid: 80 % lost, usually 20 %" in widget.delta


def test_peak_traffic_is_in_the_businesss_time() -> None:
    told = [Sample(metric="app_funnel_steps", at=NOW - timedelta(days=1), value=9, labels=labels(step="page_view"))]
    widget = drawn("peak_traffic_patterns", numbers_of("/business", told))
    assert widget.value == "Wed 16:00"


def test_a_score_is_shown_with_how_many_gave_one() -> None:
    told = [
        Sample(metric="app_score_points", at=NOW - timedelta(days=1), value=22),
        Sample(metric="app_scored_answers", at=NOW - timedelta(days=1), value=5),
    ]
    widget = drawn("customer_satisfaction_score", numbers_of("/executive", told))
    assert (widget.value, widget.n) == ("4.40", "5 answers")
    assert number_format(4.4) in widget.figures[0].chart.svg


def test_high_alerts_are_a_warning_on_the_light() -> None:
    widget = drawn("system_health_status", typical("/executive", alerts=[an_alert(Severity.HIGH)]))
    assert widget.lanes[0].state is WidgetState.WARNING
