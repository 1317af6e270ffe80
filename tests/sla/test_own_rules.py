"""Rules of one's own in sla.yaml: how an entry is put together with what ships, and that it is judged like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from config import ConfigError, Document, read_document
from facts import Family, Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.judge import judge
from sla.kinds import KINDS
from sla.scope import why_closed
from sla.targets import Targets, targets_from
from tests.sla.builders import GA, NOW, PLACES, ROOT, VIP, a_history, an_outcome, failures, passes, schedules, the_rule
from tests.sla.metrics import a_series, with_series

SHIPPED = read_document(ROOT / "sla.yaml")


def with_own(**rules: Any) -> Targets:
    return targets_from(Document("sla.yaml", rules), shipped=SHIPPED)


def refused(**rules: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        with_own(**rules)
    return str(caught.value)


def test_every_kind_says_what_it_is_and_what_it_needs() -> None:
    for name, kind in KINDS.items():
        assert kind.settings.__doc__, name
        assert kind.judge.__module__ == f"sla.kinds.{name}"


def test_a_rule_of_ones_own_is_there_beside_those_that_ship() -> None:
    targets = with_own(MINE={"kind": "absence", "metric": "sales", "silent": "1h"})
    assert list(targets.rules()) == [*SHIPPED.data, "MINE"]
    rule = the_rule("MINE", targets)
    assert (rule.title, rule.runbook, rule.severity, rule.guide) == ("MINE", None, "high", "")


def test_a_second_rule_of_a_kind_is_judged_beside_the_first() -> None:
    """The user's own quorum is about one step, and not about paying."""
    targets = with_own(CITY={"kind": "quorum", "title": "the city cannot be chosen", "steps": ["choose_city"]})
    history = a_history(failures("us-east", 1), failures("us-west", 1), passes("eu-west", 1, 6))
    found = {v.key: v for v in judge(targets, history, NOW)}
    assert (found[f"CITY/{GA}"].breached, found[f"F0/{GA}"].breached, found[f"A1s/{GA}"].breached) == (
        True,
        True,
        False,
    )
    assert found[f"CITY/{GA}"].summary.startswith("GA purchase: choose_city fails at 2 of 3 locations")
    traits = targets.traits_of("CITY")
    assert traits is not None
    assert (found[f"CITY/{GA}"].traits, traits.of_payment) == (traits, False)
    elsewhere = a_history(failures("us-east", 1, step="select_date"), failures("us-west", 1), passes("eu-west", 1, 6))
    told = {v.key: v for v in judge(targets, elsewhere, NOW)}[f"CITY/{GA}"].summary
    assert "fails at another step at us-east" in told


def test_a_quorum_of_steps_that_do_not_pay_is_judged_where_nothing_is_paid() -> None:
    targets = with_own(CITY={"kind": "quorum", "steps": ["choose_city"]})
    history = a_history(failures("us-east", 1), failures("us-west", 1), pays=False)
    found = {v.key: v for v in judge(targets, history, NOW)}
    assert found[f"CITY/{GA}"].breached
    assert found[f"A1s/{GA}"].verdict is VerdictStatus.OFF


def test_a_rule_that_names_no_journey_covers_every_journey_there_is() -> None:
    book = {"order_a_book": replace(schedules()[GA])}
    targets = with_own(
        ANY={"kind": "quorum"},
        SLOW={"kind": "slow_runs"},
        WEB={"kind": "availability", "target": 0.99, "warning": 0.9, "critical": 0.8},
    )
    runs = [an_outcome(m, journey="order_a_book", location=place) for m in (1, 6) for place in PLACES]
    found = {v.key: v for v in judge(targets, a_history(runs, schedules=book), NOW)}
    assert {"ANY/order_a_book", "SLOW/order_a_book"} <= set(found)
    assert found["WEB"].n == 6


def test_naming_its_kind_changes_nothing_and_another_kind_replaces_the_whole_rule() -> None:
    assert with_own(F0={"kind": "quorum", "locations": 3}) == with_own(F0={"locations": 3})
    other = the_rule("F0", with_own(F0={"kind": "absence", "metric": "sales", "silent": "1h"}))
    assert (other.kind, other.title, other.runbook) == ("absence", "F0", None)
    assert refused(F0={"kind": "absence"}).count("is missing") == 2


def test_a_rule_of_ones_own_can_be_switched_off() -> None:
    targets = with_own(MINE={"kind": "absence", "metric": "sales", "silent": "1h", "enabled": False})
    (verdict,) = (v for v in judge(targets, a_history(), NOW) if v.rule == "MINE")
    assert verdict.verdict is VerdictStatus.OFF
    assert "sales" not in targets.load_plan(schedules()).series


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is no name of a rule"),
        ("a/b", "is no name of a rule"),
        ("a.b", "is no name of a rule"),
        ("a b", "is no name of a rule"),
        ("-a", "is no name of a rule"),
        ("Größe", "is no name of a rule"),
        ("<b>", "is no name of a rule"),
        ("A" * 41, "40 characters at most"),
        ("w1", "differs from the shipped rule W1 in capitals only (write W1)"),
    ],
)
def test_a_name_that_would_not_fit_an_address_or_a_key_is_refused(name: str, says: str) -> None:
    told = refused(**{name: {"kind": "delivery"}})
    assert says in told
    assert told.startswith("sla.yaml: ")


@pytest.mark.parametrize("name", ["A", "MY_LOW_STOCK", "my-rule-2", "A" * 40])
def test_a_name_of_letters_digits_and_dashes_is_taken(name: str) -> None:
    assert name in with_own(**{name: {"kind": "delivery"}}).rules()


def test_everything_that_is_wrong_is_told_at_once_with_its_key() -> None:
    told = refused(
        F0={"locations": 0}, ONE={"kind": "thresholt"}, TWO={"kind": "threshold", "metric": "x", "low": 1, "hihg": 2}
    )
    assert "F0.locations: 0 is not between 1 and 100" in told
    assert "ONE.kind: no kind of rule is named 'thresholt' (did you mean threshold?)" in told
    assert "TWO.hihg: unknown key (did you mean high?)" in told


def test_what_is_loaded_is_what_the_rules_that_are_on_ask_for() -> None:
    off = {name: {"enabled": False} for name in SHIPPED.data}
    nothing = with_own(**off).load_plan(schedules())
    assert (nothing.runs, nothing.details, nothing.series) == (timedelta(), timedelta(), {})
    assert (nothing.server_errors, nothing.third_parties, nothing.endpoints) == (False, False, frozenset())
    burn = with_own(**{**off, "F2a": {}}).load_plan(schedules())
    assert timedelta(hours=1) < burn.runs < timedelta(hours=2)
    assert burn.details == timedelta()
    endpoint = {"kind": "percentile", "endpoint": "/api/pay", "target_ms": 100, "warning_ms": 200, "critical_ms": 300}
    slow = with_own(**{**off, "CHECKOUT_SLOW": {**endpoint, "window": "2h"}}).load_plan(schedules())
    assert timedelta(hours=2) < slow.details < timedelta(hours=3)
    assert slow.endpoints == {("/api/pay", "POST")}
    third = with_own(**{**off, "H3": {}}).load_plan(schedules())
    assert (third.third_parties, third.server_errors) == (True, False)
    stock = with_own(**{**off, "H4": {}}).load_plan(schedules())
    assert set(stock.series) == {"inventory_remaining_tickets", "inventory_seats"}
    assert stock.runs == timedelta()


def test_what_ships_is_loaded_as_far_back_as_its_longest_rule_looks() -> None:
    plan = targets_from(SHIPPED).load_plan(schedules())
    assert timedelta(days=3) < plan.runs < timedelta(days=3, hours=1)
    assert timedelta(days=1) < plan.details < timedelta(days=1, hours=1)
    daily = {name: replace(one, period_s=86_400) for name, one in schedules().items()}
    assert targets_from(SHIPPED).load_plan(daily).details > timedelta(days=2), "the last slots of a daily journey"


def test_traits_travel_on_verdicts_and_come_from_the_kind_and_its_settings() -> None:
    found = {v.key: v.traits for v in judge(targets_from(SHIPPED), a_history(passes("us-east", 1)), NOW)}
    assert all(traits is not None and traits.kind in KINDS for traits in found.values())
    families = {key: traits.family for key, traits in found.items() if traits}
    assert (families[f"F0/{GA}"], families["A2"], families["W4"]) == (Family.JOURNEY, Family.BUSINESS, Family.MONITOR)
    bound = {key for key, traits in found.items() if traits and traits.location_bound == "us-east"}
    assert bound == {f"F3/{GA}/us-east", f"F3/{VIP}/us-east", "P1/us-east", "W1/us-east", "W3/us-east", "W5/us-east"}


def test_an_alert_of_a_rule_that_got_another_kind_is_closed() -> None:
    before = Verdict(
        rule="F0", journey=GA, verdict=VerdictStatus.CRITICAL, summary="", traits=targets_from(SHIPPED).traits_of("F0")
    )
    targets = with_own(F0={"kind": "absence", "metric": "sales", "silent": "1h"})
    index = HistoryIndex(with_series(a_series("sales", (1, 1))), NOW)
    assert why_closed(before, targets, index) == "rule F0 judges something else now: its kind is absence in sla.yaml"
    # What an earlier version stored says of no kind: then its rule of that name is believed.
    assert why_closed(replace(before, traits=None), targets_from(SHIPPED), index) is None
