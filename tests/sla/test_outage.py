"""An outage as the rules tell it: from its first bad run to its first good one, in the past once it is past, in numbers that agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import NOT_CONFIRMED, Status, Verdict, VerdictStatus
from sla.judge import judge
from tests.sla.builders import (
    GA,
    NOW,
    PLACES,
    VIP,
    a_failure,
    a_history,
    an_answer,
    an_outcome,
    failures,
    judged,
    passes,
    the_targets,
)

F0 = f"F0/{GA}"
A1S = f"A1s/{GA}"
PAYMENT: dict[str, Any] = {"step": "complete_test_payment"}
EVERYWHERE = [run for place in PLACES for run in passes(place, 1, 6)]


def ago(minutes: float) -> Any:
    """When a run began that finished so many minutes ago."""
    return NOW - timedelta(minutes=minutes, seconds=20)


@pytest.mark.parametrize("rule", [F0, A1S])
def test_it_begins_with_the_first_bad_run_of_the_streak(rule: str) -> None:
    earlier = failures("us-east", 26, **PAYMENT)
    runs = [passes("us-east", 21), failures("us-east", 16, 11, 6, 1, **PAYMENT), failures("us-west", 3, **PAYMENT)]
    assert judged(a_history(earlier, *runs), rule).began_at == ago(16)


def test_it_ends_with_the_first_good_run_anywhere_after_the_last_bad_one() -> None:
    runs = [
        failures("us-east", 16),
        failures("us-west", 14),
        passes("us-east", 11, 6, 1),
        passes("us-west", 9, 4),
        passes("eu-west", 17, 12, 7, 2),
    ]
    verdict = judged(a_history(*runs), F0)
    assert verdict.clear
    assert verdict.ended_at == ago(12)


def test_one_location_alone_is_no_several() -> None:
    verdict = judged(a_history(failures("us-east", 1, 6)), F0)
    assert verdict.breached
    for text in (verdict.title, verdict.summary, verdict.title_past, verdict.summary_past):
        assert "several" not in text
        assert "1 of 1" not in text
        assert "us-east" in text


def test_one_failure_of_the_only_location_is_not_all_well() -> None:
    verdict = judged(a_history(failures("us-east", 1), passes("us-east", 6)), F0)
    assert verdict.verdict is VerdictStatus.OFF_TARGET
    assert "GA purchase fails at us-east" in verdict.summary


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        (EVERYWHERE, "GA purchase passes at all 3 locations (eu-west, us-east, us-west)"),
        ([passes("us-east", 1), passes("us-west", 2)], "GA purchase passes at both locations (us-east, us-west)"),
        ([passes("us-east", 1)], "GA purchase passes at us-east, the only location with a fresh run"),
        ([failures("us-east", 1), passes("us-west", 2)], "GA purchase fails at 1 of 2 locations (us-east)"),
    ],
)
def test_what_is_well_is_said_without_a_no(runs: list[Any], sentence: str) -> None:
    assert judged(a_history(*[[run] if not isinstance(run, list) else run for run in runs]), F0).summary.startswith(
        sentence
    )


def test_a_payment_that_no_run_reached_does_not_pass() -> None:
    before_payment = [failures("us-east", 1), failures("us-west", 2), passes("eu-west", 3)]
    summary = judged(a_history(*before_payment), A1S).summary
    assert "payment passes at 1 of 3 locations (eu-west)" in summary
    assert "fails before payment at us-east, us-west" in summary


@pytest.mark.parametrize("rule", [F0, A1S, f"F3/{GA}/us-east", "A3s", "BL", f"F2a/{GA}"])
def test_what_was_is_said_in_the_past(rule: str) -> None:
    answers: dict[str, Any] = {"requests": (an_answer(500), an_answer(500))}
    runs = [
        failures("us-east", 1, 6, 11, 16, **PAYMENT, **answers),
        failures("us-west", 2, 7, 12, **PAYMENT, **answers),
    ]
    if rule == "BL":
        runs = [[an_outcome(m, location=p, status=Status.BLOCKED) for m in (1, 6)] for p in ("us-east", "us-west")]
    verdict = judged(a_history(*runs), rule)
    assert verdict.summary_past
    assert verdict.title_past
    for text in (verdict.title_past, verdict.summary_past):
        assert not set(text.split()) & {"fails", "stops", "falls", "is", "passes"}


@pytest.mark.parametrize(
    ("failed_first", "passed_next"),
    [
        # A failure from before the pass arrives after it, and says nothing any more.
        ([a_failure(6, location=place, **PAYMENT) for place in PLACES], EVERYWHERE),
        # The pass itself came too late to start a page; it takes the word from the failure all the same.
        (
            [a_failure(6, location=place, **PAYMENT) for place in PLACES],
            [run for place in PLACES for run in passes(place, 1, late=True)],
        ),
        (
            [a_failure(m, location=p, **PAYMENT) for p in PLACES for m in (4, 5, 6, 7, 8)],
            [run for place in PLACES for run in passes(place, 1, 2)],
        ),
    ],
)
def test_a_run_older_than_the_newest_pass_of_its_location_fires_nothing(failed_first: Any, passed_next: Any) -> None:
    answers = (an_answer(500), an_answer(500), an_answer(500, party="https://cdn.test"))
    broken = [type(run)(**{**_fields(run), "requests": answers}) for run in failed_first]
    verdicts = judge(the_targets(), a_history(broken, passed_next), NOW)
    assert firing(verdicts) == []


def firing(verdicts: list[Verdict]) -> list[str]:
    """Return the keys of breached verdicts, without those about coverage and silence, which these histories do not test."""
    return [v.key for v in verdicts if v.breached and not v.rule.startswith("W")]


def _fields(outcome: Any) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__slots__}


def test_late_results_fire_nothing() -> None:
    slow: dict[str, Any] = {"requests": tuple(an_answer(500, ms=9000) for _ in range(30)), "late": True}
    runs = [
        a_failure(m, location=p, journey=j, **PAYMENT, **slow)
        for p in PLACES
        for j in (GA, VIP)
        for m in (1, 2, 3, 4, 5, 6, 7, 8)
    ]
    assert firing(judge(the_targets(), a_history(runs), NOW)) == []


def test_a_partial_outage_still_fires_by_its_failures_between_passes() -> None:
    runs = [a_failure(m, location=p) for p in PLACES for m in (1, 11, 21)] + [
        run for p in PLACES for run in passes(p, 6, 16, 26)
    ]
    assert judged(a_history(runs), f"F2a/{GA}").breached


def test_a_failure_without_a_second_attempt_counts_and_is_called_unconfirmed() -> None:
    runs = [failures("us-east", 1, unconfirmed=True), failures("us-west", 2), passes("eu-west", 3)]
    verdict = judged(a_history(*runs), F0)
    assert verdict.breached
    assert f"at us-east {NOT_CONFIRMED}" in verdict.summary
    assert NOT_CONFIRMED in verdict.summary_past
    alone = [failures("us-east", 1, 6, 11, unconfirmed=True), passes("us-west", 2, 7)]
    verdict = judged(a_history(*alone), f"F3/{GA}/us-east")
    assert verdict.breached
    assert f"3 {NOT_CONFIRMED}" in verdict.summary


@pytest.mark.parametrize("rule", [F0, A1S, f"F3/{GA}/us-east", f"F2a/{GA}", "A3s"])
def test_no_target_is_met_beside_a_failure_of_its_own(rule: str) -> None:
    runs = [
        failures("us-east", 1, requests=(an_answer(500),), **PAYMENT),
        passes("us-west", 2, 7),
        passes("eu-west", 3, 8),
    ]
    assert judged(a_history(*runs), rule).verdict is VerdictStatus.OFF_TARGET


def test_no_sentence_has_a_number_that_does_not_agree_with_its_noun() -> None:
    worlds = [
        EVERYWHERE,
        passes("us-east", 1),
        failures("us-east", 1),
        [a_failure(1, requests=(an_answer(500),)), *passes("us-west", 2)],
        [
            an_outcome(1, slow=True),
            an_outcome(1, location="us-west", requests=(an_answer(503, party="https://cdn.test"),)),
        ],
    ]
    for world in worlds:
        for verdict in judge(the_targets(), a_history(world), NOW):
            for text in (verdict.summary, verdict.summary_past, verdict.title):
                padded = f" {text.replace('(', ' ')} "
                for noun in (
                    "locations",
                    "runs",
                    "answers",
                    "purchases",
                    "records",
                    "destinations",
                    "attempts",
                    "failures",
                ):
                    assert f" 1 {noun}" not in padded, text
                assert "none of" not in text
