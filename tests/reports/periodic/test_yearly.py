"""The yearly review of alert fatigue: who was told how often, and which thresholds to look at."""

from __future__ import annotations

from datetime import timedelta

from facts import Severity
from tests.reports.periodic.builders import MINUTE, a_period, a_story, a_stretch, nothing, page_of, row_of, table_of

YEAR = a_period("yearly")
FIRST = YEAR.since + timedelta(days=3, hours=15)


def stories(n: int, **facts: object) -> tuple:  # type: ignore[type-arg]
    return tuple(a_story(FIRST + timedelta(days=k), k, **dict(facts)) for k in range(1, n + 1))


def test_a_person_is_counted_once_an_incident_however_they_were_reached() -> None:
    some = stories(52, told=("ann/phone", "ann/email", "slack-ops"))
    table = table_of(page_of("yearly", a_stretch(YEAR, stories=some)), "people")
    row = row_of(table, "ann")
    assert (row["Incidents a week"].text, row["Incidents"].text, row["Messages"].text) == ("1.0", "52", "104")


def test_messages_of_the_night_are_counted_by_the_clock_of_the_business() -> None:
    night = a_story(YEAR.since + timedelta(days=9, hours=2))  # since local midnight
    day = a_story(YEAR.since + timedelta(days=10, hours=14), 2)
    row = row_of(table_of(page_of("yearly", a_stretch(YEAR, stories=(night, day))), "people"), "ann")
    assert row["From 22:00 to 7:00"].text == "1"


def test_more_than_one_incident_a_day_is_stressed() -> None:
    table = table_of(page_of("yearly", a_stretch(YEAR, stories=stories(366))), "people")
    assert row_of(table, "slack-emergency")["Incidents a week"].tone == ""
    part = a_stretch(YEAR, watched_since=YEAR.until - timedelta(days=14), stories=stories(20))
    row = row_of(table_of(page_of("yearly", part), "people"), "slack-emergency")
    assert (row["Incidents a week"].text, row["Incidents a week"].tone) == ("10.0", "bad")


def test_acknowledgements_have_their_median_and_those_that_never_came() -> None:
    some = (*stories(3), *(a_story(FIRST, 10 + k, acked_at=None) for k in range(5)))
    page = page_of("yearly", a_stretch(YEAR, stories=some))
    row = row_of(table_of(page, "response"), "critical")
    assert (row["Never acknowledged"].text, row["Median time"].text) == ("5", "3 min")
    assert "62.5 % of the incidents were never acknowledged" in page.sentence
    assert page.tone == "warn"


def test_a_rule_whose_alerts_are_soon_over_has_a_threshold_to_look_at() -> None:
    short = tuple(
        a_story(
            FIRST + timedelta(days=k), k, severity=Severity.HIGH, rule="D1", ends=FIRST + timedelta(days=k) + 2 * MINUTE
        )
        for k in range(5)
    )
    page = page_of("yearly", a_stretch(YEAR, stories=(*short, *(a_story(FIRST, 20 + k) for k in range(4)))))
    assert [a.text for a in page.actions] == ["Look at the thresholds of D1 (D1): 5 of 5 were over within 5 min."]
    rows = [row[0].text for row in table_of(page, "rules").rows]
    assert rows == ["D1", "A1s"]


def test_a_year_without_alerts_says_so() -> None:
    page = page_of("yearly", nothing(YEAR), nothing(YEAR.previous()))
    assert page.sentence == "In 2025 no alert fired."
    assert [a.text for a in page.actions] == ["No threshold stands out."]
