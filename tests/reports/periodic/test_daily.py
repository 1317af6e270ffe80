"""The daily report: one sentence about yesterday, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from facts import NO_TRAITS, Severity
from tests.reports.periodic.builders import a_period, a_story, a_stretch, a_tally, nothing, page_of, row_of, table_of

DAY = a_period("daily")
NOON = DAY.since + timedelta(hours=12)


def test_a_good_day_says_so_and_that_there_is_nothing_to_do() -> None:
    page = page_of("daily")
    assert page.sentence == (
        "Buyers could buy on Saturday, 28 November 2026, as far as test purchases show: 100 % of 24,000 test runs passed."
    )
    assert page.tone == "good"
    assert [action.text for action in page.actions] == ["Nothing to do."]


def test_an_outage_is_the_sentence_and_its_row_says_who_was_told_and_how_soon_it_was_acknowledged() -> None:
    page = page_of("daily", a_stretch(DAY, stories=(a_story(NOON, lost={"usd": 350_000}),)))
    assert page.sentence.startswith(
        "Buyers could not buy once on Saturday, 28 November 2026 for 42 min (GA purchase: payment fails);"
    )
    assert page.tone == "bad"
    row = row_of(table_of(page, "incidents"), "GA purchase: payment fails")
    assert (row["Began"].text, row["Lasted"].text) == ("28 Nov 12:00", "42 min")
    assert (row["Who was told"].text, row["Who was told"].note) == ("slack-emergency, ann/phone", "first after 8 s")
    assert (row["Acknowledged"].text, row["Acknowledged"].note) == ("after 3 min", "by ann")
    assert row["Lost sales"].text == "$3,500"


def test_the_most_severe_and_longest_incident_comes_first() -> None:
    stories = (
        a_story(NOON, 1, severity=Severity.HIGH, title="high", ends=NOON + timedelta(hours=5)),
        a_story(NOON, 2, title="short", ends=NOON + timedelta(minutes=5)),
        a_story(NOON, 3, title="long"),
    )
    table = table_of(page_of("daily", a_stretch(DAY, stories=stories)), "incidents")
    assert [row[0].text for row in table.rows] == ["long", "short", "high"]


def test_what_nobody_was_told_of_or_acknowledged_is_what_to_do_first() -> None:
    stories = (
        a_story(NOON, 1, acked_at=None),
        a_story(NOON, 2, told=()),
        a_story(NOON, 3, ends=None, title="still broken"),
    )
    texts = [action.text for action in page_of("daily", a_stretch(DAY, stories=stories)).actions]
    assert texts[0] == "still broken: still open (inc-3). Resolve it."
    assert texts[1].startswith("Nobody was told of inc-2. Run `sixfb alerts test`")
    assert texts[2].startswith("Nobody acknowledged 1 critical incident (inc-1).")


def test_an_incident_that_stopped_no_buyer_does_not_say_that_it_did() -> None:
    story = a_story(NOON, severity=Severity.HIGH, traits=NO_TRAITS, title="checkout is slow")
    page = page_of("daily", a_stretch(DAY, stories=(story,)))
    assert page.sentence.startswith(
        "There was 1 incident on Saturday, 28 November 2026, and none kept buyers from buying"
    )
    assert page.tone == "warn"


def test_a_day_of_which_nothing_is_known_is_not_good_and_has_no_zero() -> None:
    page = page_of("daily", nothing(DAY), nothing(DAY.previous()))
    assert page.sentence == "Nothing is known on Saturday, 28 November 2026: no planned run has a result."
    assert page.tone == "warn"
    money = next(section for section in page.sections if section.ident == "money")
    assert money.lead == "Off: STRIPE_SOURCE_KEY is not set."
    assert money.tables == ()


def test_unknown_slots_are_a_column_of_their_own_and_something_to_do() -> None:
    silent = a_tally("eu-west", good=0, unknown=288, missed=0)
    page = page_of("daily", a_stretch(DAY, tallies=(a_tally(), silent)))
    row = row_of(table_of(page, "availability", 2), "GA purchase at eu-west")
    assert (row["Passed"].text, row["Target"].text) == ("unknown", "unknown")
    assert (row["unknown"].text, row["bad"].text) == ("288", "0")
    assert any("eu-west: 288 of 288 planned runs were not made or not sent" in action.text for action in page.actions)


def test_the_day_before_stands_beside_and_is_unknown_where_nothing_was_measured() -> None:
    before = a_stretch(DAY.previous(), tallies=(a_tally(good=90, bad=10),))
    assert row_of(table_of(page_of("daily", before=before), "availability"), "GA purchase")["Before"].text == "90 %"
    page = page_of("daily", before=nothing(DAY.previous()))
    assert row_of(table_of(page, "availability"), "GA purchase")["Before"].text == "unknown"
    assert row_of(table_of(page, "money"), "Orders")["Before"].text == "unknown"


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (970, 30, "missed 99 %"),
        (4000, 0, "met 99 %"),
        (990, 10, "not proven"),
        (50, 0, "not proven"),
        (0, 0, "unknown"),
    ],
)
def test_a_target_is_met_or_missed_only_where_that_is_proven(good: int, bad: int, said: str) -> None:
    page = page_of("daily", a_stretch(DAY, tallies=(a_tally(good=good, bad=bad, unknown=0),)))
    assert row_of(table_of(page, "availability"), "GA purchase")["Target"].text == said


def test_a_target_is_not_met_where_most_of_the_runs_said_nothing() -> None:
    page = page_of("daily", a_stretch(DAY, tallies=(a_tally(good=4000, bad=0, unknown=4000),)))
    assert row_of(table_of(page, "availability"), "GA purchase")["Target"].text == "not proven"


def test_a_day_that_is_not_over_says_until_when_its_numbers_are() -> None:
    now = NOON + timedelta(hours=1)
    page = page_of("daily", replace(a_stretch(DAY), ends=now))
    assert page.so_far == "This period is not over: the numbers are those until 28 Nov 13:00."
    assert "so far" in page.sentence
