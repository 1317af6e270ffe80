"""A level at or beyond a limit: which samples count, which series, and what becomes of a silent source."""

from __future__ import annotations

from typing import Any

import pytest

from facts import Severity, Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.scope import why_closed
from tests.sla.builders import NOW, a_history, the_rule
from tests.sla.metrics import a_series, own_rule, the_verdict, with_series

QUEUE = "queue_length"


def queue(*samples: tuple[float, float], **facts: Any) -> Any:
    return with_series(a_series(QUEUE, *samples), **facts)


def judged(*samples: tuple[float, float], **settings: Any) -> Verdict:
    return the_verdict(queue(*samples), **{"kind": "threshold", "metric": QUEUE, **settings})


@pytest.mark.parametrize(
    ("value", "breached", "clear"), [(99.9, False, False), (100, True, False), (50.1, False, False), (50, False, True)]
)
def test_an_upper_limit_fires_at_it_and_is_well_again_at_its_own_level(
    value: float, breached: bool, clear: bool
) -> None:
    verdict = judged((1, value), high=100, recover=50)
    assert (verdict.breached, verdict.clear) == (breached, clear)


@pytest.mark.parametrize(("value", "breached"), [(10, False), (9, True), (8.5, True)])
def test_a_lower_limit_fires_at_it_and_below_and_is_well_again_above_it(value: float, breached: bool) -> None:
    verdict = judged((1, value), low=9)
    assert (verdict.breached, verdict.clear) == (breached, not breached)


@pytest.mark.parametrize(
    ("samples", "breached"),
    [
        (((2, 200), (1, 200)), True),
        (((1.5, 200), (1, 200)), False),
        (((3, 200), (2, 5), (1, 200)), False),
        (((3, 200), (2, 200), (1, 5)), False),
        (((1, 200),), False),
    ],
)
def test_samples_that_have_to_be_apart_are_two_and_all_between_them(samples: Any, breached: bool) -> None:
    assert judged(*samples, high=100, samples_apart="60s").breached is breached


def test_only_the_last_sample_counts_where_nothing_is_said_of_their_distance() -> None:
    assert judged((3, 5), (1, 200), high=100).breached
    assert not judged((3, 200), (1, 5), high=100).breached


def test_each_series_is_judged_by_itself_and_a_table_of_limits_names_those_that_are_judged() -> None:
    history = with_series(*(a_series(QUEUE, (1, 60), host="a", name=name) for name in ("mail", "sms", "other")))
    settings: dict[str, Any] = {"kind": "threshold", "metric": QUEUE, "by": "name", "high": {"mail": 50, "sms": 70}}
    assert the_verdict(history, "OWN/a/mail", **settings).breached
    assert not the_verdict(history, "OWN/a/sms", **settings).breached
    with pytest.raises(AssertionError, match="none of"):
        the_verdict(history, "OWN/a/other", **settings)


def test_groups_count_the_series_that_are_beyond_the_limit() -> None:
    history = with_series(
        *(
            a_series(QUEUE, (1, value), host=host, name=name)
            for host, name, value in (("a", "mail", 60), ("a", "sms", 70), ("b", "mail", 1), ("b", "sms", 2))
        )
    )
    settings: dict[str, Any] = {"kind": "threshold", "metric": QUEUE, "high": 50, "counted_as": "queues"}
    full = the_verdict(history, "OWN/a", **settings, group_by=["host"], beyond="are full")
    assert (full.breached, full.value, full.n, full.unit) == (True, 2, 2, "queues")
    assert full.summary == "a: 2 of 2 queues are full (limit 1): a mail 60, a sms 70"
    assert not the_verdict(history, "OWN/b", **settings, group_by=["host"]).breached
    assert the_verdict(history, "OWN", **settings, group_by=[]).value == 2
    one = the_verdict(history, "OWN", **settings, group_by=[], where={"host": ["b"]})
    assert (one.breached, one.n) == (False, 2)


def test_at_an_exact_value_it_is_for_information_and_beyond_the_floor_it_is_another_rules() -> None:
    settings: dict[str, Any] = {"low": 9, "info_at": 0, "info_text": "sold out", "floor": 0, "unit": "tickets"}
    sold_out, oversold = judged((1, 0), **settings), judged((1, -1), **settings)
    assert (sold_out.breached, sold_out.severity) == (True, Severity.INFO)
    assert sold_out.summary == "sold out (limit 9)"
    assert (oversold.breached, oversold.clear) == (False, False)
    assert judged((1, 3), **settings).summary == "3 tickets (limit 9)"


@pytest.mark.parametrize(("age", "silent"), [(9.9, False), (10.1, True), (None, True)])
def test_a_silent_source_is_told_and_nothing_is_said_of_what_it_did_not_bring(age: float | None, silent: bool) -> None:
    settings: dict[str, Any] = {"kind": "threshold", "metric": QUEUE, "high": 100, "feed_silent": "10m"}
    history = queue((1, 200), age=age)
    assert the_verdict(history, "OWN/feed", **settings).breached is silent
    assert (the_verdict(history, "OWN", **settings).verdict is VerdictStatus.NO_DATA) is silent
    assert the_verdict(history, "OWN", **settings).breached is not silent


def test_each_subject_of_a_silent_source_is_without_data_so_that_what_fires_stays() -> None:
    history = with_series(a_series(QUEUE, (30, 200), host="a"), age=30)
    settings: dict[str, Any] = {"kind": "threshold", "metric": QUEUE, "high": 100, "feed_silent": "10m"}
    assert the_verdict(history, "OWN/a", **settings).verdict is VerdictStatus.NO_DATA


def test_without_a_source_it_is_off_and_without_samples_it_says_so() -> None:
    settings: dict[str, Any] = {"kind": "threshold", "metric": QUEUE, "high": 100}
    assert the_verdict(a_history(), **settings).verdict is VerdictStatus.OFF
    assert the_verdict(a_history(), **settings).summary == f"no source brings {QUEUE}"
    assert the_verdict(with_series(metrics=[QUEUE]), **settings).verdict is VerdictStatus.INSUFFICIENT


def test_large_numbers_are_told_as_they_are() -> None:
    assert judged((1, 1234567), high=1000001).summary == "1234567 (limit 1000001)"


def closed(subject: str | None, history: Any, **settings: Any) -> str | None:
    targets = own_rule(**{"kind": "threshold", "metric": QUEUE, "high": 100, **settings})
    about = Verdict(rule="OWN", verdict=VerdictStatus.NO_DATA, summary="", subject=subject)
    return why_closed(about, targets, HistoryIndex(history, NOW))


def test_what_is_not_judged_any_more_is_closed_with_the_reason() -> None:
    history = with_series(a_series(QUEUE, (2, 1), (1, 1), host="a"), a_series(QUEUE, (9, 1), host="gone"))
    assert closed("a", history) is None
    assert closed("gone", history) == "the shop does not list gone any more"
    assert closed("a", history, where={"host": ["b"]}) == "the shop does not list a any more"
    assert closed("a", history, group_by=[]) == "rule OWN groups by other labels now (sla.yaml)"
    assert closed("feed", history) == "rule OWN does not watch the source any more (sla.yaml)"
    assert closed("feed", history, feed_silent="10m") is None
    assert closed("a", a_history(feeds={})) == f"no source brings {QUEUE} any more"


def test_a_rule_by_location_is_bound_to_it_and_closed_when_its_source_no_longer_lists_it() -> None:
    targets = own_rule(kind="threshold", metric=QUEUE, high=100, group_by=["location"])
    traits = targets.traits_of("OWN", "us-east")
    assert traits is not None
    assert traits.location_bound == "us-east"
    history = with_series(
        a_series(QUEUE, (2, 1), (1, 1), location="us-east"), a_series(QUEUE, (9, 1), location="us-west")
    )
    assert closed("us-east", history, group_by=["location"]) is None
    why = closed("us-west", history, group_by=["location"])
    assert why == "the shop does not list us-west any more"


def test_a_place_that_only_a_source_knows_is_judged_though_no_journey_is_bought_from_there() -> None:
    history = with_series(a_series(QUEUE, (2, 200), (1, 200), host="a", location="hub"))
    assert closed("a/hub", history, group_by=["host", "location"]) is None
    assert closed("hub", history, group_by=["location"]) is None


@pytest.mark.parametrize("group_by", [["endpoint", "location"], ["location", "endpoint"]])
def test_a_label_with_a_slash_in_it_is_no_other_subject(group_by: list[str]) -> None:
    history = with_series(a_series(QUEUE, (2, 200), (1, 200), endpoint="/api/inventory", location="hub"))
    subject = "/".join({"endpoint": "/api/inventory", "location": "hub"}[name] for name in group_by)
    settings: dict[str, Any] = {"by": "endpoint", "high": {"/api/inventory": 100}, "group_by": group_by}
    assert the_verdict(history, f"OWN/{subject}", kind="threshold", metric=QUEUE, **settings).breached
    assert closed(subject, history, **settings) is None


def test_a_series_without_a_limit_any_more_is_closed_also_where_each_series_is_judged_by_itself() -> None:
    history = with_series(*(a_series(QUEUE, (2, 90), (1, 90), host="a", name=name) for name in ("mail", "sms")))
    settings: dict[str, Any] = {"by": "name", "high": {"mail": 50}}
    assert closed("a/sms", history, **settings) == "rule OWN has no limit for name sms any more"
    assert closed("a/mail", history, **settings) is None


def test_the_shipped_rule_on_low_stock_has_the_limits_of_the_guide() -> None:
    rule = the_rule("H4")
    assert (rule.low, rule.recover, rule.metric) == (
        {"ga": 9, "vip": 2},
        {"ga": 12, "vip": 5},
        "inventory_remaining_tickets",
    )


@pytest.mark.parametrize(("value", "severity"), [(14, "medium"), (4, "medium"), (3, "high"), (0, "critical")])
def test_a_level_further_beyond_the_limit_is_more_urgent(value: float, severity: str) -> None:
    settings: dict[str, Any] = {"kind": "threshold", "metric": "days_left", "severity": "medium", "low": 14}
    history = with_series(a_series("days_left", (1, value), host="a"), a_series("days_left", (1, 14), host="b"))
    ladder: dict[str, Any] = {"escalate": {"high": 3, "critical": 0}}
    assert the_verdict(history, "OWN/a", **settings, **ladder).severity == severity
    assert the_verdict(history, **settings, **ladder, group_by=[]).severity == severity, "the worst of all"
    high = with_series(a_series("days_left", (1, 100 - value), host="a"))
    up = {**settings, "low": None, "high": 86, "escalate": {"high": 97, "critical": 100}}
    assert the_verdict(high, "OWN/a", **up).severity == severity
