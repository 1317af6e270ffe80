"""The weekly test of the destinations: what it stores, whom it names, and what is shown of it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.machine import advance
from alerts.routes import routing_from
from alerts.weekly_trial import Readiness, TrialResult, WeeklyTrial, announcement, readiness
from config.documents import parse_document
from facts import Severity
from hub.cycle import save_step, standing_alerts
from hub.jobs.alerts_trial import trial_jobs
from hub.jobs.job import CatchUp, Job, JobContext
from hub.routes_shown import shown_routes
from store import Store, outbox, trials
from tests.alerts.builders import breach
from tests.alerts.small_team import SMALL_TEAM
from tests.hub.conftest import Bench
from tests.hub.test_escalation import POLICY, START, services
from tests.shipped import shipped_targets

SLOT = datetime(2026, 11, 30, 10, tzinfo=UTC)
TRIAL = 'trial: {day: Mon, time: "10:00", timezone: America/Chicago, announce: [slack-ops]}\n'


def result(destination: str, *, ok: bool = True, detail: str = "ok") -> TrialResult:
    return TrialResult(destination=destination, ok=ok, detail=detail)


GOOD = [result(name) for name in ("slack", "ops", "ann/sms", "bob/sms", "cto/sms")]
BAD = [
    *GOOD[:3],
    result("bob/sms", ok=False, detail="answered 401"),
    result("cto/sms", ok=False, detail="has no number"),
]


@pytest.mark.parametrize(
    ("results", "line"),
    [
        (GOOD, "5 of 5 destinations took the test message"),
        (
            BAD,
            (
                "3 of 5 destinations took the test message; not reached: bob/sms (answered 401), cto/sms (has no number); "
                "bob, cto reach nobody"
            ),
        ),
        ([], "0 of 0 destinations took the test message; slack, ann, bob, cto, ops reach nobody"),
    ],
)
def test_the_readiness_names_who_cannot_be_reached(results: list[TrialResult], line: str) -> None:
    found = readiness(results, POLICY, START)
    assert (found.line, found.is_good) == (line, results is GOOD)


def the_job(trial: WeeklyTrial) -> Job:
    (job,) = trial_jobs(trial)
    return job


def test_it_runs_weekly_at_a_local_time_where_alerts_yaml_says_so() -> None:
    assert trial_jobs(None) == ()
    wanted = routing_from(parse_document(SMALL_TEAM + TRIAL, file="alerts.yaml")).trial
    assert wanted is not None
    trial = wanted.trial("UTC", lambda _now: GOOD)
    assert (trial.zone, trial.announce) == ("America/Chicago", ("slack-ops",))
    job = the_job(trial)
    assert (job.catch_up, job.schedule.words()) == (CatchUp.SKIP, "every Monday at 10:00 (America/Chicago)")
    following = job.schedule.following(START).at.astimezone(ZoneInfo("America/Chicago"))
    assert (following.weekday(), following.hour) == (0, 10)


def test_the_results_are_stored_and_told_in_one_transaction_and_once_a_slot(sqlite_store: Store) -> None:
    trial = WeeklyTrial(weekday=0, at=SLOT.time(), zone="UTC", announce=("ops",), send=lambda _now: BAD)
    context = JobContext(services=replace(services(sqlite_store, SLOT), trial=trial), slot=SLOT)
    assert "not reached: bob/sms" in the_job(trial).do(context)
    the_job(trial).do(context)
    with sqlite_store.read() as connection:
        assert trials.last_taken(connection) == dict.fromkeys(("slack", "ops", "ann/sms"), SLOT)
        found = {one.destination: one.detail for one in trials.latest(connection) if not one.ok}
        (told,) = outbox.latest(connection)
    assert found == {"bob/sms": "answered 401", "cto/sms": "has no number"}
    assert (told.destination, told.message["headline"]) == ("ops", "Weekly test: not everybody can be reached")


def test_a_good_one_says_so() -> None:
    (told,) = announcement(Readiness(taken=("a",), refused=(), nobody=()), ["ops"], POLICY, SLOT, SLOT)
    assert told.message["headline"] == "Weekly test: everybody can be reached"


def test_each_route_and_rule_says_when_it_was_last_used_and_tested(sqlite_store: Store) -> None:
    with sqlite_store.write() as connection:
        step = advance(standing_alerts(connection), [breach()], POLICY, START, previous=START - timedelta(seconds=10))
        save_step(connection, step, START)
        for one in outbox.claim(connection, holder="me", now=START, lease_s=60, limit=9, destination="slack"):
            outbox.delivered(connection, one.id, holder="me", at=START, detail="ok")
        stored = [
            trials.StoredTrial(trial=trial, destination=name, at=at, ok=ok, detail="", by="me")
            for trial, at, names in (("t1", SLOT, ("slack", "ann/sms")), ("t2", SLOT + timedelta(days=7), ("slack",)))
            for name, ok in ((name, True) for name in names)
        ]
        trials.add(connection, stored)
    with sqlite_store.read() as connection:
        found = shown_routes(connection, POLICY, shipped_targets(), START)
    critical = {(row.name, row.when): row for row in found.routes if row.severity is Severity.CRITICAL}
    slack = critical["slack", "at once"]
    assert (slack.last_told, slack.last_tested) == (START, SLOT + timedelta(days=7))
    assert critical["ann", "tier 1, at once"].last_tested == SLOT
    assert critical["bob", "tier 2, after 5 min"].last_tested is None
    rules = {rule.rule: rule for rule in found.rules}
    assert (rules["F0"].last_fired, rules["F0"].destinations) == (START, ("slack",))
    assert rules["A1s"].last_fired is None
    assert rules["H1"].last_tested is None, "ops was never tested"


def test_the_routes_are_told_over_http(light: Bench) -> None:
    found = light.client.get("/api/routes").json()
    assert {row["name"] for row in found["routes"]} == {"hook"}
    assert [rule["destinations"] for rule in found["rules"] if rule["rule"] == "F0"] == [["hook"]]
