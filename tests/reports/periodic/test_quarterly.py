"""The quarterly review: how soon, how rightly and how completely the monitor saw."""

from __future__ import annotations

from datetime import timedelta

from facts import VerdictStatus
from reports.periodic.data import Reclassified, RuleNow, StatusHours
from tests.reports.periodic.builders import (
    MINUTE,
    a_period,
    a_story,
    a_stretch,
    a_tally,
    nothing,
    page_of,
    row_of,
    table_of,
)

QUARTER = a_period("quarterly")
BEGAN = QUARTER.since + timedelta(days=30)


def test_detection_is_told_by_severity_from_the_first_bad_run_on() -> None:
    stories = [
        a_story(BEGAN + timedelta(days=n), n, fired_at=BEGAN + timedelta(days=n) + n * MINUTE) for n in (1, 2, 9)
    ]
    page = page_of("quarterly", a_stretch(QUARTER, stories=stories))
    row = row_of(table_of(page, "detection"), "critical")
    assert (row["Began → fired"].text, row["Began → fired"].note) == ("2 min", "9 min, 9 min")
    assert row["Fired → first told"].text == "8 s"
    assert (row["In time"].text, row["Never"].text) == ("3 of 3", "0")
    assert "told of 2 min after it began, by the median" in page.sentence


def test_an_alert_whose_runs_a_person_gave_to_the_runner_was_false() -> None:
    story = a_story(BEGAN, runs=("r1", "r2"))
    for blame, wrong in (("runner", 1), ("network", 1), ("site", 0)):
        changed = (Reclassified(run_id="r2", journey="ga_purchase", location="us-east", slot=BEGAN, blame=blame),)
        page = page_of("quarterly", a_stretch(QUARTER, stories=(story,), reclassified=changed))
        section = next(one for one in page.sections if one.ident == "false")
        assert section.lead.startswith(f"{wrong} of 1 alert;"), blame
        assert bool(section.tables) is bool(wrong)


def test_an_alert_that_was_closed_and_did_not_recover_was_false_too() -> None:
    story = a_story(BEGAN, closed="locations.yaml has no us-east any more")
    table = table_of(page_of("quarterly", a_stretch(QUARTER, stories=(story,))), "false")
    assert "locations.yaml has no us-east any more" in table.rows[0][2].text


def test_blind_time_is_missed_and_unknown_slots_and_the_worst_comes_first() -> None:
    tallies = (
        a_tally(good=100, unknown=0),
        a_tally("us-west", good=90, unknown=5, missed=5),
        a_tally("eu-west", good=50, unknown=50),
    )
    page = page_of("quarterly", a_stretch(QUARTER, tallies=tallies))
    table = table_of(page, "blind")
    assert [row[1].text for row in table.rows] == ["50 %", "10 %"]
    assert "the monitor was blind 20 % of the time" in page.sentence
    assert page.tone == "warn"


def test_each_line_of_the_guide_has_the_share_of_time_in_which_it_was_judged() -> None:
    rules = tuple(RuleNow(rule=name, title=name, guide=f"line {name}") for name in ("E1", "H6", "X1"))
    statuses = {
        "E1": StatusHours(rule="E1", hours={VerdictStatus.MET: 95.0, VerdictStatus.NO_DATA: 5.0}),
        "H6": StatusHours(rule="H6", hours={VerdictStatus.OFF: 100.0}),
    }
    page = page_of("quarterly", a_stretch(QUARTER, statuses=statuses), rules=rules)
    table = table_of(page, "guide")
    assert [(row[0].text, row[2].text) for row in table.rows] == [("H6", "0 %"), ("X1", "0 %"), ("E1", "95 %")]
    assert "2 rules of the guide could not judge: H6 and X1." in [action.text for action in page.actions]


def test_sources_that_are_off_are_told_with_what_connects_them() -> None:
    page = page_of("quarterly")
    assert row_of(table_of(page, "sources"), "sms")["State now"].note == "site.yaml has no sms_reads"
    assert "Connect sms: site.yaml has no sms_reads." in [action.text for action in page.actions]


def test_a_quarter_of_which_nothing_is_known_is_neither_good_nor_bad() -> None:
    page = page_of("quarterly", nothing(QUARTER), nothing(QUARTER.previous()))
    assert page.tone == "mute"
    assert "nothing is known of blind time" in page.sentence
