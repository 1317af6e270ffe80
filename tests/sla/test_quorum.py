"""F0, A1s, F3, A3s, BL, H3: several locations decide, and the sentence says who was counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facts import Blame, Status, VerdictStatus
from tests.sla.builders import (
    GA,
    VIP,
    a_failure,
    a_history,
    an_answer,
    an_outcome,
    failures,
    judged,
    passes,
)

F0 = f"F0/{GA}"
A1S = f"A1s/{GA}"
PAYMENT = {"step": "complete_test_payment"}


@pytest.mark.parametrize(
    ("runs", "word", "breached", "clear"),
    [
        # firing: two of three, and three of three
        ([failures("us-east", 1), failures("us-west", 2), passes("eu-west", 3, 8)], VerdictStatus.CRITICAL, True, False),
        ([failures("us-east", 1), failures("us-west", 2), failures("eu-west", 3)], VerdictStatus.CRITICAL, True, False),
        # just below: one of three
        ([failures("us-east", 1), passes("us-west", 2, 7), passes("eu-west", 3, 8)], VerdictStatus.OFF_TARGET, False, False),
        # the second failure is stale (older than one and a half periods)
        ([failures("us-east", 1), failures("us-west", 7.6), passes("eu-west", 3, 8)], VerdictStatus.OFF_TARGET, False, False),
        # it failed, but passes now
        (
            [failures("us-east", 6), passes("us-east", 1), failures("us-west", 2), passes("eu-west", 3)],
            VerdictStatus.OFF_TARGET,
            False,
            False,
        ),
        # one location alone is alive: two in a row, and one is not well either
        ([failures("us-east", 1, 6)], VerdictStatus.CRITICAL, True, False),
        ([failures("us-east", 1), passes("us-east", 6)], VerdictStatus.OFF_TARGET, False, False),
        # no data
        ([], VerdictStatus.NO_DATA, False, False),
        ([failures("us-east", 9), failures("us-west", 9)], VerdictStatus.NO_DATA, False, False),
        # recovery: two passes in a row at two locations
        ([passes("us-east", 1, 6), passes("us-west", 2, 7)], VerdictStatus.MET, False, True),
        ([passes("us-east", 1, 6), passes("us-west", 2), failures("us-west", 7)], VerdictStatus.MET, False, False),
        ([passes("us-east", 1, 6), passes("us-west", 2, 7), failures("eu-west", 3)], VerdictStatus.OFF_TARGET, False, False),
    ],
)  # fmt: skip
def test_a_journey_fails_when_the_latest_fresh_runs_of_two_locations_do(
    runs: list[Any], word: VerdictStatus, breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(*runs), F0)
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, breached, clear)


def test_the_sentence_says_what_failed_where_and_who_was_left_out() -> None:
    history = a_history(
        failures("us-east", 1),
        failures("us-west", 2),
        an_outcome(3, location="eu-west", status=Status.BLOCKED, error="a bot wall"),
    )
    verdict = judged(history, F0)
    assert verdict.summary == (
        "GA purchase fails at 2 of 2 locations (us-east, us-west): choose_city: GET / answered 500; "
        "left out: eu-west: blocked by a bot wall"
    )
    assert verdict.counted == ("us-east", "us-west")
    assert verdict.left_out == ("eu-west: blocked by a bot wall",)
    assert len(verdict.samples) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"status": Status.ERRORED, "blame": Blame.RUNNER},
        {"status": Status.BLOCKED, "blame": None},
        {"status": Status.MISSED, "blame": None},
        {"status": Status.SKIPPED, "blame": None},
        {"late": True},
    ],
)
def test_our_own_faults_and_late_results_never_page(facts: dict[str, Any]) -> None:
    runs = [failures("us-east", 1), failures("us-west", 2, **facts), passes("eu-west", 3, 8)]
    assert not judged(a_history(*runs), F0).breached


def test_a_network_failure_counts_once_a_second_location_has_it() -> None:
    one = failures("us-east", 1, blame=Blame.NETWORK)
    others = [passes("us-west", 2, 7), passes("eu-west", 3, 8)]
    assert judged(a_history(one, *others), F0).verdict is VerdictStatus.MET
    two = failures("us-west", 2, blame=Blame.NETWORK)
    assert judged(a_history(one, two, others[1]), F0).breached


def test_a_vanished_control_pages_until_a_person_says_otherwise() -> None:
    runs = [failures("us-east", 1, blame=Blame.JOURNEY), failures("us-west", 2, blame=Blame.JOURNEY)]
    assert judged(a_history(*runs), F0).breached


@pytest.mark.parametrize(
    ("step", "breached"),
    [
        ("proceed_to_stripe", True),
        ("complete_test_payment", True),
        ("verify_success_page", True),
        ("choose_city", False),
    ],
)
def test_payment_fails_only_where_a_payment_step_does(step: str, breached: bool) -> None:
    runs = [failures("us-east", 1, step=step), failures("us-west", 2, step=step), passes("eu-west", 3, 8)]
    assert judged(a_history(*runs), A1S).breached is breached


def test_payment_is_well_again_only_after_passes() -> None:
    before_payment = [failures("us-east", 1, 6), failures("us-west", 2, 7)]
    assert not judged(a_history(*before_payment), A1S).clear
    assert judged(a_history(passes("us-east", 1, 6), passes("us-west", 2, 7)), A1S).clear
    assert judged(a_history(), A1S).verdict is VerdictStatus.NO_DATA


@pytest.mark.parametrize(
    ("here", "others", "breached", "clear"),
    [
        (failures("us-east", 1, 6, 11), passes("us-west", 2, 7), True, False),
        ([*failures("us-east", 1, 6), *passes("us-east", 11)], passes("us-west", 2, 7), False, False),
        (failures("us-east", 1, 6, 11), failures("us-west", 2, 7), False, False),
        (failures("us-east", 9, 14, 19), passes("us-west", 2, 7), False, False),
        (passes("us-east", 1, 6), passes("us-west", 2, 7), False, True),
        ([*passes("us-east", 1), *failures("us-east", 6)], passes("us-west", 2, 7), False, False),
        ([], passes("us-west", 2, 7), False, False),
    ],
)
def test_one_location_alone_takes_three_failures_while_others_pass(
    here: list[Any], others: list[Any], breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(here, others), f"F3/{GA}/us-east")
    assert (verdict.breached, verdict.clear) == (breached, clear)


def test_one_location_whose_way_to_the_shop_is_gone_is_no_outage_and_is_told_after_three() -> None:
    cut_off = failures("us-east", 1, 6, 11, blame=Blame.NETWORK)
    others = [passes("us-west", 2, 7), passes("eu-west", 3, 8)]
    assert judged(a_history(cut_off, *others), F0).verdict is VerdictStatus.MET
    assert judged(a_history(cut_off, *others), f"F3/{GA}/us-east").breached
    assert not judged(a_history(cut_off[:2], *others), f"F3/{GA}/us-east").breached
    own_trouble = [replace(o, status=Status.ERRORED, blame=Blame.RUNNER) for o in cut_off]
    assert judged(a_history(own_trouble, *others), f"F3/{GA}/us-east").verdict is VerdictStatus.NO_DATA


def errors(location: str, minutes_ago: float, count: int, **facts: Any) -> Any:
    return an_outcome(minutes_ago, location=location, requests=tuple(an_answer(500) for _ in range(count)), **facts)


@pytest.mark.parametrize(
    ("runs", "breached", "clear"),
    [
        ([errors("us-east", 1, 2), errors("us-west", 2, 1)], True, False),
        ([errors("us-east", 1, 1), errors("us-west", 2, 1)], False, False),
        ([errors("us-east", 1, 3)], False, False),
        ([errors("us-east", 1, 2), errors("us-east", 6, 2)], False, False),
        ([errors("us-east", 1, 0), errors("us-west", 2, 0)], False, True),
        ([errors("us-east", 1, 2, late=True), errors("us-west", 2, 2)], False, False),
        ([], False, False),
    ],
)
def test_server_errors_fire_at_three_in_two_runs_at_two_locations(runs: list[Any], breached: bool, clear: bool) -> None:
    verdict = judged(a_history(runs), "A3s")
    assert (verdict.breached, verdict.clear) == (breached, clear)
    assert (verdict.verdict is VerdictStatus.NO_DATA) is (not runs)


def test_a_third_partys_server_error_is_not_the_sites() -> None:
    foreign = tuple(an_answer(503, party="https://cdn.test") for _ in range(5))
    runs = [an_outcome(1, location=place, requests=foreign) for place in ("us-east", "us-west")]
    assert not judged(a_history(runs), "A3s").breached


def walled(location: str, *minutes_ago: float) -> list[Any]:
    return [an_outcome(m, location=location, status=Status.BLOCKED, error="a bot wall") for m in minutes_ago]


@pytest.mark.parametrize(
    ("runs", "breached", "clear"),
    [
        ([walled("us-east", 1, 6), walled("us-west", 2, 7)], True, False),
        ([walled("us-east", 1), walled("us-west", 2)], False, False),
        ([walled("us-east", 1, 6), passes("us-west", 2, 7)], False, False),
        ([passes("us-east", 1, 6), passes("us-west", 2, 7)], False, True),
        ([passes("us-east", 1), walled("us-east", 6)], False, False),
        ([], False, False),
    ],
)
def test_a_bot_wall_at_two_locations_for_two_slots_means_that_nobody_watches(
    runs: list[Any], breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(*runs), "BL")
    assert (verdict.breached, verdict.clear) == (breached, clear)


CDN = "https://cdn.test"


def asks(location: str, minutes_ago: float, status: int, *, journey: str = GA) -> Any:
    answer = an_answer(status, party=CDN, endpoint="/a.js", method="GET")
    return an_outcome(minutes_ago, location=location, journey=journey, requests=(answer,))


@pytest.mark.parametrize(
    ("runs", "word", "breached", "clear"),
    [
        ([asks("us-east", 1, 503), asks("us-west", 2, 503)], VerdictStatus.WARNING, True, False),
        ([asks("us-east", 1, 503), asks("us-east", 6, 503)], VerdictStatus.OFF_TARGET, False, False),
        (
            [asks("us-east", 1, 503), asks("us-west", 16, 503), asks("us-west", 2, 200)],
            VerdictStatus.OFF_TARGET,
            False,
            False,
        ),
        ([asks("us-east", m, 200) for m in (1, 6, 11)], VerdictStatus.MET, False, True),
        ([asks("us-east", 40, 200)], VerdictStatus.NO_DATA, False, False),
    ],
)
def test_a_third_party_fails_when_two_locations_see_it(
    runs: list[Any], word: VerdictStatus, breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(runs), f"H3/{CDN}")
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, breached, clear)


def test_the_vip_journey_is_judged_by_its_own_period() -> None:
    runs = [a_failure(20, location="us-east", journey=VIP), a_failure(21, location="us-west", journey=VIP)]
    assert judged(a_history(runs), f"F0/{VIP}").breached
    stale = [a_failure(23, location="us-east", journey=VIP), a_failure(24, location="us-west", journey=VIP)]
    assert judged(a_history(stale), f"F0/{VIP}").verdict is VerdictStatus.NO_DATA
