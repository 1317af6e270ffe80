"""The page of one run says what happened, whatever happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facts import Blame, Purchase, Status, StepStatus
from reports import render_run, write_run
from reports.sections.attempts import attempts_section
from reports.sections.headline import headline, sentence_of
from reports.sections.requests import cause_of, requests_section
from reports.sections.steps import steps_section
from reports.words import BLAMES
from tests.builders import (
    CHECKOUT_403,
    GA_STEPS,
    a_console_line,
    a_failed_request,
    a_purchase,
    a_request,
    a_run,
    a_step,
    an_attempt,
    some_requests,
    some_steps,
)
from tests.reports.markup import parsed


def text_of(run_html: str) -> str:
    return parsed(run_html).text


def test_the_sentence_is_the_heading() -> None:
    html = render_run(a_run())
    assert f"<h1>{CHECKOUT_403}</h1>".replace("'", "&#39;") in html


def test_the_title_names_status_journey_and_location() -> None:
    assert "<title>Failed: ga_purchase at us-west</title>" in render_run(a_run())


def test_a_message_too_long_for_the_top_is_cut_there_and_kept_whole_below() -> None:
    long = "choose_city: " + "the page showed something very long " * 20 + "and this is its end"
    text = text_of(render_run(a_run(error=long)))
    assert text.index("The whole message") < text.index("and this is its end")


@pytest.mark.parametrize("blame", list(Blame))
def test_every_blame_is_explained(blame: Blame) -> None:
    assert BLAMES[blame] in text_of(render_run(a_run(blame=blame)))


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PASSED])
def test_a_run_without_attempts_has_a_page(status: Status) -> None:
    text = text_of(render_run(a_run(status=status, attempts=())))
    assert "No attempt was made." in text
    assert "None" not in text


def test_a_missed_run_says_why() -> None:
    assert "the runner was away" in text_of(render_run(a_run(status=Status.MISSED, error="the runner was away")))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("paid", "Paid $1,000.00, proved by Stripe's API, in 6.55 s."),
        ("refunded", "Paid $1,000.00 and got it back, proved by Stripe's API, in 6.55 s."),
        ("open", "Opened a checkout over $1,000.00 and left it unpaid, proved by Stripe's API, in 6.55 s."),
        ("expired", "Opened a checkout over $1,000.00 and let it expire, proved by Stripe's API, in 6.55 s."),
    ],
)
def test_a_passed_run_says_what_it_bought(state: str, said: str) -> None:
    assert sentence_of(a_run(status=Status.PASSED, purchases=(a_purchase(state=state),))) == said


def test_a_run_that_stopped_before_payment_says_what_it_left_out_and_why() -> None:
    reason = "payment is stop_before_payment"
    paid = {"complete_test_payment", "verify_success_page"}
    steps = tuple(
        a_step(n, status=StepStatus.SKIPPED, started_ms=None, duration_ms=None, error=reason)
        if n in paid
        else a_step(n)
        for n, _ in GA_STEPS
    )
    run = a_run(status=Status.PASSED, attempts=(an_attempt(status=Status.PASSED, steps=steps),), purchases=())
    assert sentence_of(run).startswith("5 steps passed and 2 skipped (payment is stop_before_payment), in ")
    assert f"Skipped: complete_test_payment and verify_success_page: {reason}" in text_of(render_run(run))


@pytest.mark.parametrize(
    ("buys", "said"), [(True, "All 7 steps passed, in"), (False, "passed; nothing was bought, in")]
)
def test_that_nothing_was_bought_is_said_of_a_journey_that_never_buys_alone(buys: bool, said: str) -> None:
    steps = tuple(a_step(n) for n, _ in GA_STEPS)
    attempt = an_attempt(status=Status.PASSED, steps=steps)
    run = a_run(status=Status.PASSED, attempts=(attempt,), purchases=(), buys=buys)
    assert said in sentence_of(run)
    assert ("nothing was bought" in sentence_of(run)) is not buys


@pytest.mark.parametrize(
    ("state", "said", "in_table"),
    [("ordered", "Ordered for $12.50, in", "Ordered"), ("undone", "Ordered for $12.50 and undid it, in", "Ordered and undone")],
)  # fmt: skip
def test_an_order_of_a_journey_of_ones_own_is_told_and_called_no_test_card(
    state: str, said: str, in_table: str
) -> None:
    bought = Purchase(session_id="1001", amount_minor=1250, currency="usd", state=state, proved_by="the journey")
    run = a_run(status=Status.PASSED, attempts=(an_attempt(status=Status.PASSED),), purchases=(bought,))
    assert said in sentence_of(run)
    text = parsed(render_run(run)).text
    assert in_table in text
    assert "1001" in text
    assert "Test cards only" not in text


def test_the_headline_carries_the_journeys_title_and_keeps_its_place() -> None:
    run = a_run(title="A reader orders a book " * 20, error="x" * 400)
    top = headline(run)
    assert (top.title or "").startswith("A reader orders a book")
    assert len(top.title or "") + len(top.sentence) <= 320
    assert "A reader orders a book" in parsed(render_run(run)).text[:200]
    assert headline(a_run()).title is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"notes": ("no picture: the page crashed",)}, "the page crashed"),
        ({"notes": ("no picture: sign_in is sensitive, and its page was not left",)}, "sign_in is sensitive"),
        ({"status": Status.MISSED, "attempts": ()}, "nothing was run"),
        ({"status": Status.ERRORED, "browser": "no browser"}, "no browser was started"),
        ({"status": Status.TIMED_OUT}, "the run was ended before one could be taken"),
        ({}, "the record does not say why"),
    ],
)
def test_where_there_is_no_screenshot_the_page_says_why(changes: dict[str, Any], why: str) -> None:
    text = parsed(render_run(a_run(**{"evidence": (), "notes": (), **changes}))).text
    assert f"No screenshot: {why}" in text


def test_a_skipped_step_without_a_reason_names_the_step_that_stopped_the_journey() -> None:
    section = steps_section(some_steps(fails_at="proceed_to_stripe"), ident="t")
    assert section.skipped == (
        "complete_test_payment and verify_success_page: never reached, proceed_to_stripe stopped the journey",
    )


def test_slow_and_flaky_stand_beside_their_limits() -> None:
    attempts = (an_attempt(number=1), an_attempt(number=2, status=Status.PASSED))
    text = text_of(render_run(a_run(status=Status.PASSED, slow=True, flaky=True, seconds=34.2, attempts=attempts)))
    assert "slow: 34.20 s > 30 s" in text
    assert "flaky: passed at attempt 2, not at the first" in text


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({}, "Confirmed: both attempts ended in the same way. Attempt 2 counts."),
        ({"error_group": "other", "failed_step": "choose_city"}, "Not the same twice"),
        ({"status": Status.PASSED}, "The first attempt did not pass, the second did. Attempt 2 counts."),
    ],
)
def test_the_attempts_say_whether_they_agree(second: dict[str, object], said: str) -> None:
    run = a_run(attempts=(an_attempt(number=1), an_attempt(number=2, **second)))
    assert attempts_section(run).agreement.startswith(said)


def test_a_second_attempt_that_was_our_own_fault_confirms_nothing() -> None:
    attempts = (an_attempt(number=1), an_attempt(number=2, status=Status.ERRORED, blame=Blame.RUNNER))
    section = attempts_section(a_run(status=Status.FAILED, attempts=attempts, counts=1))
    assert (
        section.agreement == "The second attempt failed for a reason of our own and confirms nothing. Attempt 1 counts."
    )
    assert [card.counts for card in section.cards] == [True, False]


def test_the_steps_of_the_other_attempt_are_at_hand() -> None:
    first, second = attempts_section(a_run()).cards
    assert first.steps is not None
    assert second.steps is None


def test_the_cause_is_the_request_that_the_sentence_names() -> None:
    other = a_failed_request(endpoint="/api/track", status=500)
    attempt = an_attempt(requests=(other, *some_requests(checkout=a_failed_request())))
    cause = cause_of(attempt, "proceed_to_stripe")
    assert cause is not None
    assert cause.endpoint == "/api/create-checkout-session"


def test_everyday_404s_are_shown_but_never_called_the_cause() -> None:
    section = requests_section(an_attempt(requests=some_requests()), "proceed_to_stripe")
    assert [row.tone for row in section.troubled] == ["warn", "warn"]


def test_a_request_that_the_page_gave_up_did_not_go_wrong() -> None:
    gone = a_request(status=None, failure="net::ERR_ABORTED")
    pending = a_request(status=None, failure="pending")
    section = requests_section(an_attempt(requests=(gone, pending)), None)
    assert [row.failure for row in section.troubled] == ["pending"]


def test_requests_are_grouped_by_step_and_the_failed_one_is_open() -> None:
    section = requests_section(a_run().counted, "proceed_to_stripe")
    assert [group.step for group in section.groups] == [
        "navigate_to_register",
        "choose_city",
        "select_ga_ticket",
        "proceed_to_stripe",
    ]
    assert [group.is_open for group in section.groups] == [False, False, False, True]


def test_a_request_between_steps_is_not_lost() -> None:
    section = requests_section(an_attempt(requests=(a_request(step=None),)), None)
    assert section.groups[0].step == "between steps"


def test_a_hundred_equal_console_lines_are_one_with_its_number() -> None:
    attempt = an_attempt(console=(a_console_line("once more"),) * 100)
    text = text_of(render_run(a_run(attempts=(attempt,))))
    assert text.count("once more") == 1
    assert "100 times" in text


def test_what_was_cut_from_the_record_is_said() -> None:
    assert "Left out of the record to keep it small: 41 requests." in text_of(render_run(a_run(cut={"requests": 41})))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slot": None}, "Counts as nothing: ad-hoc runs are left out of every target"),
        ({"blame": Blame.SITE}, "Counts as bad"),
        ({"blame": Blame.NETWORK}, "Counts as bad, once a second location agrees"),
        ({"status": Status.BLOCKED}, "Counts as nothing, but it lowers coverage"),
        ({"status": Status.SKIPPED}, "Counts as nothing: maintenance leaves the denominator"),
        ({"status": Status.PASSED}, "Counts as good"),
    ],
)
def test_the_page_says_how_the_run_counts(changes: dict[str, object], said: str) -> None:
    assert said in text_of(render_run(a_run(**changes)))


def test_a_page_is_written_under_the_runs_id(out: Path) -> None:
    assert write_run(a_run(id="abc-1"), evidence=None, out=out) == out / "abc-1.html"


@pytest.mark.parametrize("odd", ["../../escaped", "a/b", "..", "", ".hidden", "nul\x00", "x" * 300, "C:\\con"])
def test_an_id_that_is_no_file_name_stays_in_the_folder(odd: str, out: Path) -> None:
    written = write_run(a_run(id=odd), evidence=None, out=out)
    assert written.parent == out
    assert written in set(out.iterdir())


def test_two_odd_ids_never_share_a_page(out: Path) -> None:
    first, second = (write_run(a_run(id=odd), evidence=None, out=out) for odd in ("a/b", "a:b"))
    assert first != second


def test_nothing_but_the_page_is_left_in_the_folder(out: Path) -> None:
    written = write_run(a_run(), evidence=None, out=out)
    assert list(out.iterdir()) == [written]


def test_every_context_field_of_a_passed_run_is_printable() -> None:
    run = replace(a_run(status=Status.PASSED), slow_after_ms=None, vitals=(), purchases=())
    assert "None" not in text_of(render_run(run))
