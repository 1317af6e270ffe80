"""The numbers of a report, out of a database: what counts, what is unknown, and nothing of another period."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from facts import (
    Alert,
    AlertState,
    Blame,
    Deploy,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Run,
    Sample,
    Severity,
    Status,
    Traits,
    VerdictStatus,
    labels,
)
from hub.report_data import ReportSettings, load_report_data, status_hours, stretches
from hub.series import load_series
from hub.watched import Watched
from journeys.site import Business
from metrics import SKETCHED
from reports.periodic.data import Need, ReportData
from reports.periodic.period import PeriodKind, read_period
from store import Store, alerts, deploys, feeds, incidents, meta, outbox, runs, samples, verdicts
from store.verdicts import HOLDS, PastStatus, PastVerdict
from tests.builders import a_run, an_attempt
from tests.drills.hub import the_watched
from tests.shipped import shipped_targets

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
DAY = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
"""Midnight in Chicago."""
MINUTE = timedelta(minutes=1)


def watched(**site: Any) -> Watched:
    found = the_watched()
    return replace(found, site=replace(found.site, business=Business(timezone="America/Chicago"), **site))


SETTINGS = ReportSettings(watched=watched(), targets=shipped_targets())


def load(
    store: Store,
    *needs: Need,
    kind: PeriodKind = PeriodKind.DAY,
    name: str = "2026-11-28",
    now: datetime = NOW,
    settings: ReportSettings = SETTINGS,
) -> ReportData:
    period = read_period(name, kind, now=now, zone="America/Chicago")
    with store.read() as connection:
        return load_report_data(connection, needs or list(Need), period, settings, now=now)


def a_slot(at: datetime, location: str = "us-east", **facts: Any) -> Run:
    """A GA run of a slot, passed if not said otherwise; its only attempt went like the run."""
    status, blame, step = facts.pop("status", Status.PASSED), facts.pop("blame", None), facts.pop("step", None)
    attempt = an_attempt(number=1, status=status, blame=blame, failed_step=step)
    return a_run(
        id=f"{at:%Y%m%dT%H%M%S}-{location}",
        location=location,
        slot=at,
        started_at=at,
        finished_at=at + timedelta(seconds=8),
        status=status,
        blame=blame,
        failed_step=step,
        attempts=facts.pop("attempts", (attempt,)),
        **facts,
    )


def keep(store: Store, *made: Run) -> None:
    with store.write() as connection:
        for run in made:
            runs.save(connection, run, received_at=run.finished_at)


def test_first_attempts_count_by_blame_and_what_has_no_record_is_unknown(store: Store) -> None:
    site = {"status": Status.FAILED, "blame": Blame.SITE, "step": "proceed_to_stripe"}
    keep(
        store,
        a_slot(DAY),
        a_slot(DAY + 5 * MINUTE, **site),
        a_slot(DAY + 10 * MINUTE, status=Status.ERRORED, blame=Blame.RUNNER),
        a_slot(DAY + 15 * MINUTE, status=Status.FAILED, blame=Blame.NETWORK),  # of one location alone
        a_slot(DAY + 20 * MINUTE, status=Status.MISSED, attempts=()),
        a_slot(DAY - 5 * MINUTE, **site),  # the day before
        a_slot(DAY + timedelta(days=1), **site),  # the day after
    )
    data = load(store, Need.RUNS)
    tally = next(t for t in data.now.tallies if (t.journey, t.location) == ("ga_purchase", "us-east"))
    assert (tally.good, tally.bad, tally.left_out, tally.missed) == (1, 1, 2, 1)
    assert tally.unknown == 288 - 5
    assert data.now.days["ga_purchase"] == {date(2026, 11, 28): (2, 1)}
    before = next(t for t in data.before.tallies if (t.journey, t.location) == ("ga_purchase", "us-east"))
    assert (before.good, before.bad) == (0, 1)
    # Nothing was watched before its first run, so no more than its last slot was expected.
    assert before.unknown == 0


def test_a_network_failure_counts_where_two_locations_have_it(sqlite_store: Store) -> None:
    down = {"status": Status.FAILED, "blame": Blame.NETWORK}
    keep(sqlite_store, a_slot(DAY, **down), a_slot(DAY + timedelta(seconds=100), "us-west", **down))
    tallies = {t.location: t.bad for t in load(sqlite_store, Need.RUNS).now.tallies if t.journey == "ga_purchase"}
    assert tallies == {"us-east": 1, "us-west": 1, "eu-west": 0}


def test_a_run_that_a_person_gave_to_the_runner_does_not_count(sqlite_store: Store) -> None:
    run = a_slot(DAY, status=Status.FAILED, blame=Blame.JOURNEY)
    keep(sqlite_store, run)
    with sqlite_store.write() as connection:
        runs.reclassify(connection, run.id, blame=Blame.RUNNER, by="ann", reason="our disk", at=NOW)
    data = load(sqlite_store, Need.RUNS, Need.ALERTS)
    tally = next(t for t in data.now.tallies if t.location == "us-east")
    assert (tally.bad, tally.left_out) == (0, 1)
    assert [one.run_id for one in data.now.reclassified] == [run.id]


def test_targets_of_availability_count_as_their_rules_do(sqlite_store: Store) -> None:
    bad = {"status": Status.FAILED, "blame": Blame.SITE}
    keep(
        sqlite_store,
        a_slot(DAY),
        a_slot(DAY + 5 * MINUTE, step="choose_city", **bad),
        a_slot(DAY + 10 * MINUTE, step="complete_test_payment", **bad),
    )
    found = {one.rule: one for one in load(sqlite_store, Need.RUNS).now.promises}
    # A run that failed in the payment came through the site; one that failed before says nothing of the payment.
    assert (found["E1"].title, found["E1"].good, found["E1"].n) == ("Web Application", 2, 3)
    assert (found["E2"].good, found["E2"].n) == (1, 2)
    assert found["E4"].off is not None
    stopping = replace(SETTINGS, watched=watched(payment="stop_before_payment"))
    off = {one.rule: one.off for one in load(sqlite_store, Need.RUNS, settings=stopping).now.promises}
    assert off["E2"] == "payment is stop_before_payment, so no run pays"


def test_runs_whose_failures_are_no_longer_kept_count_by_what_is_left(sqlite_store: Store) -> None:
    keep(sqlite_store, a_slot(DAY), a_slot(DAY + 5 * MINUTE, status=Status.FAILED, blame=Blame.SITE))
    data = load(sqlite_store, Need.RUNS, now=NOW + timedelta(days=100))
    tally = next(t for t in data.now.tallies if t.location == "us-east" and t.journey == "ga_purchase")
    assert (tally.good, tally.bad) == (1, 1)
    assert any("kept 90 days" in note for note in data.now.notes)
    assert data.now.promises[0].off is not None


def test_vitals_of_runs_that_are_gone_are_unknown(sqlite_store: Store) -> None:
    keep(sqlite_store, a_slot(DAY))
    assert load(sqlite_store, Need.VITALS).now.vitals
    later = load(sqlite_store, Need.VITALS, now=NOW + timedelta(days=36))
    assert later.now.vitals == {}
    assert "35 days" in later.now.why_not[Need.VITALS]


def sold(store: Store, *at: datetime, minor: float = 100_000) -> None:
    told = [Sample(metric="stripe_charged_minor", at=one, value=minor, labels=labels(currency="usd")) for one in at]
    told += [
        Sample(
            metric="stripe_sessions_completed", at=one, value=1, labels=labels(city="dallas", member="no", tier="ga")
        )
        for one in at
    ]
    with store.write() as connection:
        samples.save(connection, told, now=NOW, sketched=SKETCHED)
        feeds.note_configured(connection, "stripe")
        feeds.note_good(connection, "stripe", NOW)


def test_money_is_of_the_period_alone_and_off_without_a_source(store: Store) -> None:
    off = load(store, Need.MONEY)
    assert off.now.money is None
    assert "STRIPE_SOURCE_KEY" in off.now.why_not[Need.MONEY]
    sold(store, DAY - MINUTE, DAY, DAY + timedelta(hours=23, minutes=59), DAY + timedelta(days=1))
    data = load(store, Need.MONEY)
    assert data.now.money is not None
    assert (data.now.money.charged, data.now.money.orders, data.now.money.days) == ({"usd": 200_000}, 2, 1)
    assert data.before.money is not None
    assert data.before.money.charged == {"usd": 100_000}


def an_outage(store: Store, began: datetime) -> None:
    """An outage of an hour that was told after four minutes."""
    fired, ended = began + 4 * MINUTE, began + 60 * MINUTE
    alert = Alert(
        id="A1s.ga_purchase.1",
        key="A1s/ga_purchase",
        rule="A1s",
        severity=Severity.CRITICAL,
        state=AlertState.RESOLVED,
        episode=1,
        pending_since=fired,
        fired_at=fired,
        resolved_at=ended,
        since=began,
        ended_at=ended,
        summary="payment fails",
        incident="inc-1",
        traits=Traits(journey_fails=True),
    )
    told = Notification(
        id="inc-1.1.firing.hook",
        thread="inc-1",
        alert_id=alert.id,
        destination="hook",
        kind=NotificationKind.FIRING,
        severity=Severity.CRITICAL,
        order=1,
        created_at=fired,
        due_at=fired,
        state=NotificationState.DELIVERED,
        delivered_at=fired + timedelta(seconds=5),
    )
    opened = Incident(
        id="inc-1", lead=alert.id, severity=Severity.CRITICAL, opened_at=fired, alerts=(alert.id,), resolved_at=ended
    )
    with store.write() as connection:
        alerts.save(connection, [alert], at=fired)
        incidents.save(connection, [opened])
        outbox.owe(connection, [told])


def test_an_incident_costs_what_the_same_hours_sold_in_the_weeks_before(store: Store) -> None:
    began = DAY + timedelta(hours=8, minutes=30)
    an_outage(store, began)
    (story,) = load(store, Need.ALERTS).now.stories
    assert (story.lost, story.destinations) == (None, ("hook",))
    assert "no source of sales" in story.lost_unknown
    assert story.signs_unknown
    weeks = [DAY + timedelta(hours=8, minutes=40) - timedelta(days=7 * n) for n in (1, 2, 3, 4)]
    sold(store, *weeks, weeks[-1] - timedelta(days=1))
    (story,) = load(store, Need.ALERTS).now.stories
    # Half of an hour in which one ticket is sold, and half of one in which none is.
    assert story.lost == {"usd": 50_000}
    assert story.user_sign_at is None


def test_the_metrics_of_incidents_are_what_the_report_says(sqlite_store: Store) -> None:
    began = DAY + timedelta(hours=8, minutes=30)
    an_outage(sqlite_store, began)
    sold(sqlite_store, *(DAY + timedelta(hours=8, minutes=40) - timedelta(days=7 * n) for n in (1, 2, 3, 4)))
    with sqlite_store.write() as connection:
        failed = Sample(metric="stripe_payments_failed", at=began + MINUTE, value=1)
        samples.save(connection, [failed], now=NOW, sketched=SKETCHED)
    (story,) = load(sqlite_store, Need.ALERTS).now.stories

    def values(name: str, since: datetime) -> list[tuple[float | None, int]]:
        with sqlite_store.read() as connection:
            found = load_series(connection, name, watched=watched(), now=NOW, since=since, until=NOW, step_s=86_400)
        return [(point.value, point.n) for one in found.series for point in one.points]

    assert story.lost == {"usd": 50_000}
    assert values("incident_lost_minor", DAY) == [(50_000, 1)]
    assert values("incident_found_first_ratio", DAY) == [(0.0, 1)]
    assert values("incident_lead_seconds", DAY) == [(-240.0, 1)]
    assert values("incident_lost_minor", began + MINUTE) == [], "it began before"


def test_a_failed_payment_of_a_real_buyer_is_a_sign(sqlite_store: Store) -> None:
    began = DAY + timedelta(hours=8)
    an_outage(sqlite_store, began)
    sold(sqlite_store, DAY)
    with sqlite_store.write() as connection:
        failed = Sample(metric="stripe_payments_failed", at=began + 11 * MINUTE, value=1)
        samples.save(connection, [failed], now=NOW, sketched=SKETCHED)
    (story,) = load(sqlite_store, Need.ALERTS).now.stories
    assert story.user_sign_at == began + 10 * MINUTE
    assert "less than 3 weeks" in story.lost_unknown


def test_response_times_of_endpoints_come_from_their_sketches(sqlite_store: Store) -> None:
    told = [
        Sample(
            metric="endpoint_response_seconds",
            at=DAY + n * MINUTE,
            value=0.1 * n,
            labels=labels(endpoint="/", location="hub"),
        )
        for n in range(1, 21)
    ]
    with sqlite_store.write() as connection:
        samples.save(connection, told, now=NOW, sketched=SKETCHED)
        feeds.note_configured(connection, "endpoints")
    times = load(sqlite_store, Need.ENDPOINTS).now.endpoints["/"]
    assert times.n == 20
    assert times.p95 == pytest.approx(1900, rel=0.03)


def test_the_history_of_verdicts_is_of_the_period(store: Store) -> None:
    def a_row(at: datetime, verdict: VerdictStatus) -> PastVerdict:
        return PastVerdict(key="E1", rule="E1", journey=None, subject=None, at=at, verdict=verdict)

    rows = [a_row(DAY - 30 * MINUTE, VerdictStatus.MET), a_row(DAY + 30 * MINUTE, VerdictStatus.CRITICAL)]
    with store.write() as connection:
        verdicts.save(connection, [*rows, a_row(DAY + timedelta(days=1), VerdictStatus.WARNING)])
        meta.put(connection, "first_watched", (DAY - timedelta(days=9)).isoformat())
    found = load(store, Need.VERDICTS).now.statuses["E1"]
    assert found.began is VerdictStatus.MET
    assert found.ended is None
    assert found.hours == pytest.approx({VerdictStatus.MET: 0.5, VerdictStatus.CRITICAL: HOLDS / timedelta(hours=1)})
    assert found.unknown_h == pytest.approx(24 - 0.5 - HOLDS / timedelta(hours=1))


def test_what_is_judged_no_more_is_unknown_from_then_on() -> None:
    rows = [
        PastStatus("E1", "E1", DAY, DAY + 20 * MINUTE, VerdictStatus.MET),
        PastStatus("E1", "E1", DAY + 30 * MINUTE, DAY + 30 * MINUTE, None),
        PastStatus("E1", "E1", DAY + 45 * MINUTE, DAY + 45 * MINUTE, VerdictStatus.MET),
    ]
    found = status_hours(rows, DAY, DAY + 60 * MINUTE)["E1"]
    assert found.hours == {VerdictStatus.MET: 0.75}
    assert found.unknown_h == pytest.approx(0.25)
    assert (found.began, found.ended) == (VerdictStatus.MET, VerdictStatus.MET)


@pytest.mark.parametrize("seed", range(12))
def test_statuses_have_the_hours_of_their_rows_one_by_one(seed: int, sqlite_store: Store) -> None:
    """Rows come an hour after one another, later, at once, or, after the clock was set back, before."""
    chance = random.Random(seed)
    judged = [*[VerdictStatus.MET] * 6, VerdictStatus.WARNING, None]
    at, rows = DAY - 90 * MINUTE, []
    for _ in range(60):
        at += chance.choice((10, 25, 30, 61, 62, 0, 180, -40)) * MINUTE
        key, verdict = chance.choice(("E1", "E2")), chance.choice(judged)
        rows.append(PastVerdict(key=key, rule=key, journey=None, subject=None, at=at, verdict=verdict))
    ends = DAY + timedelta(hours=20)
    with sqlite_store.write() as connection:
        verdicts.save(connection, rows)
    with sqlite_store.read() as connection:
        found = verdicts.statuses(connection, since=DAY, until=ends)
        every = verdicts.history(connection, since=DAY, until=ends)
    one_by_one = status_hours([PastStatus(r.key, r.rule, r.at, r.at, r.verdict) for r in every], DAY, ends)
    together = status_hours(found, DAY, ends)
    assert list(together) == list(one_by_one)
    for key, expected in one_by_one.items():
        its = together[key]
        assert dict(its.hours) == pytest.approx(dict(expected.hours))
        assert its.unknown_h == pytest.approx(expected.unknown_h)
        assert (its.began, its.ended) == (expected.began, expected.ended)
    assert len(found) < len(every)


@pytest.mark.parametrize(
    ("since", "until", "widths"),
    [
        ("2026-11-01T00:00", "2026-11-03T00:00", [86_400]),
        ("2026-11-01T05:00", "2026-11-03T06:00", [3600, 86_400, 3600]),
        ("2026-11-01T18:30", "2026-11-02T18:30", [300, 3600, 300]),
        ("2026-11-01T18:30", "2026-11-03T18:35", [300, 3600, 86_400, 3600, 300]),
        ("2026-11-01T10:05", "2026-11-01T10:55", [300]),
        ("2026-11-01T10:00", "2026-11-01T10:00", []),
    ],
)
def test_buckets_cover_a_stretch_exactly(since: str, until: str, widths: list[int]) -> None:
    begins, ends = (datetime.fromisoformat(f"{text}+00:00") for text in (since, until))
    found = list(stretches(begins, ends))
    assert [width for width, _, _ in found] == widths
    assert [first for _, first, _ in found] == [begins, *(last for _, _, last in found[:-1])][: len(found)]
    assert not found or found[-1][2] == ends
    assert all((first.timestamp() % width, last.timestamp() % width) == (0, 0) for width, first, last in found)


def test_an_empty_database_gives_a_report_about_nothing(sqlite_store: Store) -> None:
    data = load(sqlite_store)
    assert all(tally.n == tally.unknown == 0 for tally in data.now.tallies)
    assert (data.now.stories, data.now.statuses) == ([], {})


def test_the_deploys_of_the_period_are_loaded_oldest_first(store: Store) -> None:
    period = read_period("2026-10", PeriodKind.MONTH, now=NOW, zone="UTC")
    with store.write() as connection:
        for day, version in ((30, "2"), (1, "1")):
            at = datetime(2026, 10, day, tzinfo=UTC)
            deploys.add(connection, Deploy(id=version, at=at, version=version, received_at=at))
        late = datetime(2026, 11, 1, tzinfo=UTC)
        deploys.add(connection, Deploy(id="3", at=late, version="3", received_at=late))
    with store.read() as connection:
        data = load_report_data(connection, (), period, SETTINGS, now=NOW)
    assert [one.version for one in data.deploys] == ["1", "2"]
