"""What is not watched any more is closed with the reason; what only has no data is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import FeedState, Stock, Verdict, VerdictStatus
from sla.history import History
from sla.index import HistoryIndex
from sla.scope import why_closed
from tests.sla.builders import (
    GA,
    NOW,
    PLACES,
    VIP,
    a_graded,
    a_history,
    an_answer,
    changed,
    passes,
    schedules,
    the_inventory,
    the_targets,
)

CDN = "https://cdn.example"
BLIND = a_history()


def why(key: str, history: History = BLIND, **edited: Any) -> str | None:
    """Why the alert of a key is closed, where the file says something else of its rule."""
    rule, _, rest = key.partition("/")
    journey, _, subject = rest.partition("/") if rest.startswith((GA, VIP, "old_journey")) else ("", "", rest)
    targets = changed(**{rule: edited}) if edited else the_targets()
    about = Verdict(
        rule=rule, verdict=VerdictStatus.NO_DATA, summary="", journey=journey or None, subject=subject or None
    )
    return why_closed(about, targets, HistoryIndex(history, NOW))


EVERY_KEY = (
    f"F0/{GA}",
    f"A1s/{GA}",
    "A3s",
    f"F1/{GA}",
    f"F2a/{VIP}",
    f"F2b/{GA}",
    f"F2c/{GA}",
    f"F3/{GA}/us-east",
    f"H3/{CDN}",
    "D1",
    "D3",
    "D4",
    "G1//success CLS",
    "G2/INP",
    "BL",
    "P1/us-east",
    "W1/us-east",
    "W1/all",
    f"W2/{GA}",
    "W3/us-east",
    "W4",
    "W5/us-east",
)


@pytest.mark.parametrize("key", EVERY_KEY)
def test_no_data_closes_nothing(key: str) -> None:
    assert why(key) is None


@pytest.mark.parametrize("key", [*EVERY_KEY, "A2", "A2/feed", "H4/Dallas/ga"])
def test_a_rule_that_is_switched_off_closes_its_alerts(key: str) -> None:
    assert why(key, enabled=False) == f"rule {key.partition('/')[0]} is switched off in sla.yaml"


def test_a_rule_of_another_version_closes_its_alerts() -> None:
    assert why("Z9/us-east") == "there is no rule Z9 any more"


def test_a_rule_that_was_edited_closes_what_it_names_no_more() -> None:
    assert why(f"F0/{VIP}", journeys=[GA]) == f"rule F0 does not name journey {VIP} any more"
    assert why(f"F0/{GA}", journeys=[GA]) is None
    assert why(f"F2a/{VIP}", bad={VIP: 100}) == (
        f"journey {VIP} does not run often enough any more for rule F2a to fire (locations.yaml)"
    )
    assert why(f"F2a/{GA}", bad={VIP: 100}) is None
    assert why("G1//success CLS", limits={"LCP": 2500.0}, accepted={}) == "rule G1 has no limit for CLS any more"


@pytest.mark.parametrize("rule", ["W1", "W3", "W5", "P1"])
def test_a_location_that_left_the_plan_closes_its_alerts(rule: str) -> None:
    history = a_history(schedules=schedules(("us-east", "us-west")))
    assert why(f"{rule}/eu-west", history) == "location eu-west is not on the plan in locations.yaml any more"
    assert why(f"{rule}/us-west", history) is None


def test_a_journey_that_is_not_bought_from_a_location_any_more_closes_what_fails_there_alone() -> None:
    history = a_history(schedules=schedules(("us-east", "us-west")))
    assert why(f"F3/{GA}/eu-west", history) == f"journey {GA} is not bought from eu-west any more (locations.yaml)"


@pytest.mark.parametrize("rule", ["F0", "A1s", "F1", "F2a", "W2"])
def test_a_journey_that_left_the_plan_closes_its_alerts(rule: str) -> None:
    assert why(f"{rule}/old_journey") == "journey old_journey is not on the plan in locations.yaml any more"


def test_a_site_where_nothing_is_paid_any_more_closes_the_alert_about_paying() -> None:
    assert "stop_before_payment" in (why(f"A1s/{GA}", a_history(pays=False)) or "")


def everywhere(**facts: Any) -> list[Any]:
    """The last passed runs of every journey at every location."""
    ages = {GA: (1, 6, 11), VIP: (2, 17, 32)}
    return [passes(place, *ages[j], journey=j, **facts) for place in PLACES for j in (GA, VIP)]


def test_a_third_party_that_no_run_asks_any_more_closes_its_alert() -> None:
    asked = everywhere(requests=(an_answer(party=CDN),))
    assert why(f"H3/{CDN}", a_history(*asked)) is None
    assert why(f"H3/{CDN}", a_history(*everywhere())) == f"no run asks anything of {CDN} any more"
    # One location has not been heard for long: it may ask it still.
    assert why(f"H3/{CDN}", a_history(*everywhere()[1:])) is None


def test_a_page_that_no_run_opens_any_more_closes_its_alert() -> None:
    assert why("G1//success CLS", a_history(*everywhere(vitals=(a_graded(page="/success"),)))) is None
    assert why("G1//success CLS", a_history(*everywhere())) == "no run opens /success any more"


def stocked(*samples: tuple[float, str, str]) -> History:
    stocks = [
        Stock(at=NOW - timedelta(minutes=ago), city=city, tier=tier, remaining=5, total=9)
        for ago, city, tier in samples
    ]
    return a_history(**the_inventory(*stocks), feeds={"inventory": FeedState(source="inventory", configured=True)})


def test_a_city_that_the_inventory_lists_no_more_closes_its_alert() -> None:
    gone = "the inventory does not list Dallas ga any more"
    assert why("H4/Dallas/ga", stocked((3, "Dallas", "ga"), (2, "Austin", "ga"), (1, "Austin", "ga"))) == gone
    assert why("H4/Dallas/ga", stocked((2, "Dallas", "ga"), (1, "Austin", "ga"))) is None
    assert why("H4/Dallas/ga", stocked()) is None


@pytest.mark.parametrize("key", ["A2", "A2/feed", "H4/Dallas/ga"])
def test_an_inventory_that_is_configured_no_more_closes_its_alerts(key: str) -> None:
    assert (
        why(key)
        == "the source inventory is not configured any more, or the site has none; `sixfb sources list` says what it needs"
    )


def test_a_tier_without_a_limit_closes_its_alert() -> None:
    assert (
        why("H4/Dallas/vip", stocked(), low={"ga": 9}, recover={"ga": 12})
        == "rule H4 has no limit for tier vip any more"
    )
