"""Why an attempt hangs: our own trouble first, then the journey's, and the site for what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facts import Attempt, Blame, Dialog, Request, Status
from runner.attempt.hang import HangSnapshot, StackLocation, explain_hang, with_hang_cause
from tests.builders import A_MOMENT

WAITING = StackLocation(at="look.py:9", call="title")
SILENT = Request(
    step="look",
    method="GET",
    endpoint="/api/seats",
    status=None,
    duration_ms=None,
    party="first",
    failure="pending",
)
WELL = HangSnapshot(place=WAITING)


@pytest.mark.parametrize(
    ("snapshot", "status", "blame", "words"),
    [
        (WELL, Status.TIMED_OUT, Blame.SITE, "the page did not answer any more while the journey waited for title()"),
        (replace(WELL, page_busy=True), Status.TIMED_OUT, Blame.SITE, "a script of the page never ended"),
        (replace(WELL, pending=SILENT), Status.TIMED_OUT, Blame.SITE, "GET /api/seats gave no answer"),
        (
            replace(WELL, pending=replace(SILENT, party="https://pay.example")),
            Status.TIMED_OUT,
            Blame.THIRD_PARTY,
            "GET https://pay.example/api/seats gave no answer",
        ),
        (
            replace(WELL, place=StackLocation(at="look.py:9", call="evaluate")),
            Status.TIMED_OUT,
            Blame.JOURNEY,
            "the script that the journey gave the page at look.py:9 never finished",
        ),
        (
            HangSnapshot(place=StackLocation(running="journey", at="look.py:7"), attempt_busy=True),
            Status.TIMED_OUT,
            Blame.JOURNEY,
            "the journey's own code computed on at look.py:7",
        ),
        (
            HangSnapshot(place=StackLocation(running="journey", at="look.py:7")),
            Status.TIMED_OUT,
            Blame.JOURNEY,
            "the journey's own code stood still at look.py:7",
        ),
        (HangSnapshot(attempt_busy=True), Status.TIMED_OUT, Blame.JOURNEY, "the journey's own code never let go"),
        (HangSnapshot(), Status.ERRORED, Blame.RUNNER, "the attempt's process was idle and did not answer"),
        (
            HangSnapshot(place=StackLocation(running="ours", at="look.py:7")),
            Status.ERRORED,
            Blame.RUNNER,
            "the buyer's own machinery was caught in a loop",
        ),
        (replace(WELL, gone=("its driver",), page_busy=True), Status.ERRORED, Blame.RUNNER, "its driver went away"),
        (
            replace(WELL, stopped=("the browser", "its driver"), page_busy=True),
            Status.ERRORED,
            Blame.RUNNER,
            "the browser and its driver had been stopped from outside (SIGSTOP)",
        ),
    ],
)
def test_whose_doing_it_is_follows_from_what_is_seen(
    snapshot: HangSnapshot, status: Status, blame: Blame, words: str
) -> None:
    found = explain_hang(snapshot)
    assert (found.status, found.blame) == (status, blame)
    assert found.cause.startswith(words)


MISSED = Attempt(
    number=1,
    status=Status.FAILED,
    blame=Blame.JOURNEY,
    started_at=A_MOMENT,
    failed_step="look",
    error='look: the button "Buy" never appeared',
)


def test_a_control_that_never_came_on_a_page_that_computed_on_is_the_sites_doing() -> None:
    clear = with_hang_cause(MISSED, page_never_rested=True)
    assert clear.blame is Blame.SITE
    assert clear.error == (
        'look: a script of the page never ended, so that the page did not answer any more; the button "Buy" never appeared'
    )


def test_a_busy_page_that_could_be_read_is_not_stuck() -> None:
    assert with_hang_cause(replace(MISSED, page_text="Shop"), page_never_rested=True).blame is Blame.JOURNEY


def test_a_page_that_opens_dialog_after_dialog_is_named_with_their_number() -> None:
    dialogs = tuple(Dialog(kind="alert", text="Stay!", step="look") for _ in range(20))
    clear = with_hang_cause(replace(MISSED, dialogs=dialogs, left_out={"dialogs": 5}), page_never_rested=False)
    assert clear.blame is Blame.SITE
    assert "look: the page opened 25 dialogs, one after the other" in (clear.error or "")


def test_what_is_laid_on_the_network_or_on_us_stays_there() -> None:
    for blame in (Blame.NETWORK, Blame.THIRD_PARTY, Blame.RUNNER):
        assert with_hang_cause(replace(MISSED, blame=blame), page_never_rested=True).blame is blame
