"""Rules with other schedules than the shipped one: custom journeys, other intervals, a single location."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts import Blame, Grid, Outcome, Status
from hub.known_metrics import missing_metrics
from sla.feasible import idle_rules
from sla.history import Schedule
from sla.judge import judge
from sources import SourceSettings
from tests.sla.builders import (
    GA,
    NOW,
    PLACES,
    VIP,
    a_history,
    an_answer,
    an_outcome,
    failures,
    judged,
    passes,
    the_rule,
    the_targets,
)

BOOK = "order_a_book"
ALONE = ("london",)


def every(period_s: int, places: tuple[str, ...] = ALONE, journey: str = BOOK) -> dict[str, Schedule]:
    grids = {place: Grid.of(period_s, index=n, n=len(places)) for n, place in enumerate(places)}
    return {journey: Schedule(period_s=period_s, grids=grids)}


@pytest.mark.parametrize(
    ("rule", "period_s", "limit", "recent_min"),
    [
        ("F2a", 300, 6, 10),
        ("F2a", 900, 3, 20),
        ("F2b", 300, 13, 30),
        ("F2b", 900, 5, 30),
        ("F2c", 300, 26, 360),
        ("F2c", 900, 9, 360),
    ],
)
def test_the_guides_own_numbers_follow_from_its_schedule(rule: str, period_s: int, limit: int, recent_min: int) -> None:
    found, schedule = the_rule(rule), every(period_s, PLACES, GA)[GA]
    assert (found.limit(GA, schedule), found.recent_s(GA, schedule)) == (limit, recent_min * 60)


def test_numbers_that_are_given_for_a_journey_hold_for_it_alone() -> None:
    rule = replace(the_rule("F2a"), bad={GA: 20}, recent_by_journey={GA: "30m"})
    schedule = every(300, PLACES, GA)[GA]
    assert (rule.limit(GA, schedule), rule.recent_s(GA, schedule)) == (20, 1800)
    assert (rule.limit(VIP, schedule), rule.recent_s(VIP, schedule)) == (6, 600)


@pytest.mark.parametrize("scale", [1, 5, 30])
def test_the_numbers_are_the_same_on_a_faster_clock(scale: int) -> None:
    rule = the_rule("F2a", the_targets().scaled(scale))
    schedule = every(900 // scale, PLACES, VIP)[VIP]
    assert (rule.limit(VIP, schedule), rule.recent_s(VIP, schedule) * scale) == (3, 1200)


def test_a_journey_of_ones_own_at_one_location_burns_its_budget() -> None:
    """Three of the twelve runs of an hour are bad; two are not enough."""
    schedule = every(300)
    bad = failures("london", 2, 20, 40, journey=BOOK)
    assert judged(a_history(bad, schedules=schedule), f"F2a/{BOOK}").breached
    assert not judged(a_history(bad[:2], schedules=schedule), f"F2a/{BOOK}").breached


def test_of_three_locations_one_alone_burns_no_budget() -> None:
    bad = failures(PLACES[0], 2, 12, 22, 32, 42, 52, journey=BOOK)
    assert not judged(a_history(bad, schedules=every(300, PLACES)), f"F2a/{BOOK}").breached


def test_slow_runs_at_the_only_location_are_told() -> None:
    slow = [an_outcome(m, journey=BOOK, location="london", slow=True) for m in (1, 6, 11)]
    verdict = judged(a_history(slow, schedules=every(300)), f"F1/{BOOK}")
    assert verdict.breached
    assert "at 1 location)" in verdict.summary
    assert not judged(a_history(slow[:2], schedules=every(300)), f"F1/{BOOK}").breached


def one_place(**facts: Any) -> list[Outcome]:
    return [an_outcome(m, journey=BOOK, location="london", **facts) for m in (1, 6)]


def test_server_errors_at_the_only_location_are_told() -> None:
    broken = one_place(requests=(an_answer(500), an_answer(502)))
    assert judged(a_history(broken, schedules=every(300)), "A3s").breached
    assert not judged(a_history(broken[:1], schedules=every(300)), "A3s").breached, "one run alone is no outage"


def test_a_wall_and_a_third_party_at_the_only_location_are_told() -> None:
    walled = one_place(status=Status.BLOCKED, first_status=Status.BLOCKED)
    assert judged(a_history(walled, schedules=every(300)), "BL").breached
    assert not judged(a_history(walled[:1], schedules=every(300)), "BL").breached
    party = "https://pay.example"
    down = one_place(status=Status.FAILED, requests=(an_answer(503, party=party),))
    assert judged(a_history(down, schedules=every(300)), f"H3/{party}").breached


def test_a_rule_says_nothing_of_a_journey_that_runs_too_seldom_for_it() -> None:
    history = a_history(passes("london", 60, journey=BOOK), schedules=every(86_400))
    told = {verdict.rule for verdict in judge(the_targets(), history, NOW) if verdict.journey == BOOK}
    assert told >= {"F0", "F1", "F2c"}
    assert not told & {"F2a", "F2b"}


def test_a_journey_that_runs_once_a_day_burns_the_budget_of_three_days() -> None:
    day = 24 * 60
    bad = failures("london", 2, 2 + day, 2 + 2 * day, journey=BOOK)
    assert judged(a_history(bad, schedules=every(86_400)), f"F2c/{BOOK}").breached


def test_what_cannot_fire_here_is_named_with_its_reason() -> None:
    missing = missing_metrics(SourceSettings(base_url="http://shop.test"))
    found = idle_rules(the_targets(), every(3600), pays=True, missing_metrics=missing)
    idle = {one.rule: one.why for one in found}
    assert idle == {
        "A1s": "locations.yaml does not schedule ga_purchase",
        "A2": "site.yaml names no cities, so the site is not asked for its inventory",
        "H4": "site.yaml names no cities, so the site is not asked for its inventory",
        "H5": "site.yaml names no cities, so the site is not asked for its inventory",
        **dict.fromkeys(("H6", "H8"), "site.yaml has no sms_reads"),
        **dict.fromkeys(("A1b", "X5", "R1", "R2", "R3", "R4", "R5"), "STRIPE_SOURCE_KEY is not set"),
        "H2q": "DATABASE_SOURCE_URL is not set",
        **dict.fromkeys(("E4", "EP", "O1"), "site.yaml has no endpoint_checks"),
        "E2": "locations.yaml does not schedule ga_purchase",
        "F2a": "order_a_book makes 1 run in 1 h, and 3 would have to be bad",
        "F3": "it compares locations, and no journey has a second one",
    }


def test_at_the_guides_own_schedule_every_rule_can_fire() -> None:
    schedule = {**every(300, PLACES, GA), **every(900, PLACES, VIP)}
    assert idle_rules(the_targets(), schedule, pays=True) == []
    unpaid = idle_rules(the_targets(), schedule, pays=False)
    assert [one.rule for one in unpaid] == ["A1s", "E2"]


def test_a_shop_that_cannot_be_reached_is_an_outage_where_the_plan_has_one_location_alone() -> None:
    """Nobody else could tell: a shop that refuses every connection would never be told of."""
    refused = failures("london", 1, 6, journey=BOOK, blame=Blame.NETWORK)
    alone = a_history(refused, schedules=every(300))
    assert judged(alone, f"F0/{BOOK}").breached
    assert not judged(a_history(refused[:1], schedules=every(300)), f"F0/{BOOK}").breached
    # Where the plan has others, and only this one is alive, its own network may be what fails.
    several = a_history(refused, schedules=every(300, ("london", "paris")))
    assert not judged(several, f"F0/{BOOK}").breached
