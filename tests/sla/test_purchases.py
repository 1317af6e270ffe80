"""P1: a location buys more than its schedule does; and a run that did not pay is no good payment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import LedgerState, Severity, Status, StepStatus, VerdictStatus, outcome_of
from tests.builders import a_run, a_step, an_attempt
from tests.sla.builders import GA, NOW, a_failure, a_history, an_outcome, judged, passes

PAYMENT_STEPS = ("complete_test_payment", "verify_success_page")


def a_ledger(minutes_ago: float = 1, **facts: Any) -> LedgerState:
    """The ledger of us-east on the guide's schedule, all its purchases made."""
    at = NOW - timedelta(minutes=minutes_ago)
    return LedgerState(**{"at": at, "location": "us-east", "purchases": 16, "scheduled": 16, "cleans": True, **facts})


@pytest.mark.parametrize(
    ("ledger", "word", "breached", "clear"),
    [
        (a_ledger(purchases=17), VerdictStatus.WARNING, True, False),
        (a_ledger(refused=1), VerdictStatus.WARNING, True, False),
        (a_ledger(), VerdictStatus.MET, False, True),
        (a_ledger(purchases=12, refused=4), VerdictStatus.MET, False, True),
        (a_ledger(purchases=3), VerdictStatus.MET, False, True),
        (a_ledger(15, purchases=99), VerdictStatus.WARNING, True, False),
        (a_ledger(15.1, purchases=99), VerdictStatus.NO_DATA, False, False),
        (a_ledger(purchases=99, scheduled=None), VerdictStatus.INSUFFICIENT, False, False),
        (None, VerdictStatus.INSUFFICIENT, False, False),
    ],
    ids=[
        "one too many", "one refused on top", "exactly the number", "refused, yet below it", "a quiet hour",
        "the oldest word that counts", "an old word", "no schedule", "no ledger",
    ],
)  # fmt: skip
def test_purchases_over_the_schedules_number_fire(
    ledger: LedgerState | None, word: VerdictStatus, breached: bool, clear: bool
) -> None:
    history = a_history(ledgers={"us-east": ledger} if ledger else {})
    verdict = judged(history, "P1/us-east")
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, breached, clear)
    assert verdict.severity is Severity.HIGH


def test_the_sentence_says_how_many_beside_the_number_and_what_is_left() -> None:
    history = a_history(ledgers={"us-east": a_ledger(purchases=18, refused=2, open=1, paid=2)})
    summary = judged(history, "P1/us-east").summary
    for fact in ("us-east: 18 purchases", "2 more refused", "16", "3 purchases not undone"):
        assert fact in summary


@pytest.mark.parametrize(
    ("facts", "said", "unsaid"),
    [
        ({"purchases": 0, "untold": 20}, "20 runs of the last hour did not tell whether they bought", "0 purchases"),
        ({"purchases": 0, "untold": 1}, "1 run of the last hour did not tell whether it bought", "0 purchases"),
        ({"purchases": 3, "untold": 2}, "3 purchases in the last hour, and 2 runs of the last hour did not tell", "0 "),
        ({"purchases": 0, "untold": 0}, "0 purchases in the last hour", "did not tell"),
        ({"purchases": 2, "ordered": 2}, "2 purchases not undone yet", "did not tell"),
    ],
)
def test_that_nothing_was_bought_is_said_only_where_it_is_known(facts: dict[str, Any], said: str, unsaid: str) -> None:
    summary = judged(a_history(ledgers={"us-east": a_ledger(**facts)}), "P1/us-east").summary
    assert said in summary
    assert unsaid not in summary.removeprefix("us-east: ")


# -- no sample for the payment rules -----------------------------------------------------------------------------------


def unpaid(*minutes_ago: float, location: str) -> list[Any]:
    """Runs that passed and left the payment out."""
    return [an_outcome(m, location=location, skipped=PAYMENT_STEPS) for m in minutes_ago]


def test_runs_that_left_the_payment_out_are_no_good_payments() -> None:
    history = a_history(unpaid(1, 6, location="us-east"), unpaid(2, 7, location="us-west"))
    payment, whole = judged(history, f"A1s/{GA}"), judged(history, f"F0/{GA}")
    assert (payment.verdict, payment.clear, payment.n) == (VerdictStatus.NO_DATA, False, 0)
    assert "us-east: its payment steps were skipped" in payment.left_out
    assert (whole.verdict, whole.clear) == (VerdictStatus.MET, True)


def test_they_end_no_alert_about_the_payment_either() -> None:
    failed = a_failure(6, location="us-west", step="complete_test_payment")
    history = a_history(failed, unpaid(1, location="us-west"), passes("us-east", 1, 6))
    verdict = judged(history, f"A1s/{GA}")
    assert (verdict.verdict, verdict.clear) == (VerdictStatus.OFF_TARGET, False)


def test_where_nothing_is_paid_by_configuration_the_payment_rule_is_off_and_the_journey_is_judged() -> None:
    failures = [a_failure(m, location=place, step="proceed_to_stripe") for m, place in ((1, "us-east"), (2, "us-west"))]
    history = a_history(failures, pays=False)
    assert judged(history, f"A1s/{GA}").verdict is VerdictStatus.OFF
    assert judged(history, f"F0/{GA}").breached


def test_an_outcome_knows_what_a_passed_run_left_out() -> None:
    steps = (a_step("choose_city"), *(a_step(name, status=StepStatus.SKIPPED) for name in PAYMENT_STEPS))
    passed = a_run(status=Status.PASSED, steps=steps, attempts=(an_attempt(status=Status.PASSED, number=1),))
    assert outcome_of(passed, received_at=NOW).skipped == PAYMENT_STEPS
    assert outcome_of(a_run(), received_at=NOW).skipped == (), "behind a failure they were never reached"
