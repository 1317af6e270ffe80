"""The monthly report: objectives, each with the reason where it cannot be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import Deploy, VerdictStatus
from reports.periodic.data import Money, Promise, StatusHours, Times
from tests.reports.periodic.builders import MINUTE, a_period, a_story, a_stretch, nothing, page_of, row_of, table_of

MONTH = a_period("monthly")
BEGAN = MONTH.since + timedelta(days=17, hours=14)
FAST, LOST, FIRST = "Answers in less than 2 s", "No revenue lost", "Found before buyers did"


def objective(name: str, **facts: Any) -> tuple[str, str, str]:
    row = row_of(table_of(page_of("monthly", a_stretch(MONTH, **facts)), "objectives"), name)
    return row["This period"].text, row["Verdict"].text, row["This period"].note


def test_a_month_in_which_all_was_well_meets_its_objectives() -> None:
    assert objective(FAST) == ("p95 of /register: 480 ms", "met", "the slowest of 1 endpoint")
    assert objective(LOST)[:2] == ("nothing", "met")
    assert objective(FIRST)[:2] == ("nothing to find", "met")


def test_a_slow_endpoint_misses_the_first_objective_by_name() -> None:
    endpoints = {"/a": Times(n=900, p50=1.0, p75=1.0, p95=400.0), "/b": Times(n=900, p50=1.0, p75=1.0, p95=2600.0)}
    assert objective(FAST, endpoints=endpoints)[:2] == ("p95 of /b: 2.60 s", "missed by /b")


def test_without_a_source_an_objective_is_unknown_with_the_reason_and_never_met() -> None:
    page = page_of("monthly", nothing(MONTH), nothing(MONTH.previous()))
    row = row_of(table_of(page, "objectives"), FAST)
    assert (row["This period"].text, row["This period"].note) == ("off", "STRIPE_SOURCE_KEY is not set")
    assert row["Verdict"].text == "unknown"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"lost": {"usd": 70_000}}, ("about $700", "missed")),
        ({"lost": {}}, ("nothing", "met")),
        ({"lost_unknown": "no source of sales: it is off"}, ("unknown", "unknown")),
    ],
)
def test_lost_revenue_is_an_estimate_nothing_or_unknown(facts: dict[str, Any], said: tuple[str, str]) -> None:
    assert objective(LOST, stories=(a_story(BEGAN, **facts),))[:2] == said


@pytest.mark.parametrize(
    ("facts", "said", "verdict"),
    [
        ({"user_sign_at": BEGAN + 10 * MINUTE}, "1 of 1 incidents were told first", "met"),
        (
            {"user_sign_at": BEGAN + MINUTE},
            "0 of 1 incidents were told first",
            "missed: a buyer met it up to 3 min sooner",
        ),
        ({}, "1 of 1 incidents were told first", "met"),
        ({"signs_unknown": "nothing tells of real buyers"}, "unknown", "unknown"),
    ],
)
def test_an_incident_was_found_first_by_us_or_by_a_buyer(facts: dict[str, Any], said: str, verdict: str) -> None:
    story = a_story(BEGAN, lost={}, **facts)
    assert objective(FIRST, stories=(story,))[:2] == (said, verdict)


def test_a_target_that_was_missed_is_something_to_do_and_one_that_is_off_is_not() -> None:
    promises = (
        Promise(rule="E1", title="Web Application", target=0.999, good=990, n=1000),
        Promise(rule="E2", title="Payment Processing", target=0.9995, off="no run pays"),
    )
    page = page_of("monthly", a_stretch(MONTH, promises=promises))
    assert "Web Application: 99 % where 99.9 % is promised. See its incidents below." in [a.text for a in page.actions]
    row = row_of(table_of(page, "availability", 1), "Payment Processing")
    assert (row["Available"].text, row["Target"].note) == ("off", "no run pays")


def test_money_is_never_summed_over_currencies_and_days_without_data_are_told() -> None:
    money = Money(charged={"eur": 120_000, "usd": 500}, orders=3, days=28)
    page = page_of("monthly", a_stretch(MONTH, money=money))
    assert row_of(table_of(page, "money"), "Charged")["This period"].text == "1,200.00 EUR and $5.00"
    section = next(one for one in page.sections if one.ident == "money")
    assert (
        "The source told of 28 days of 30; of the others nothing is known, which is not nothing sold." in section.notes
    )
    silent = page_of("monthly", a_stretch(MONTH, money=Money()))
    assert next(one for one in silent.sections if one.ident == "money").lead.startswith("Unknown")


def test_what_changed_is_listed_by_the_time_in_trouble_and_the_rest_is_counted() -> None:
    met, critical, off = VerdictStatus.MET, VerdictStatus.CRITICAL, VerdictStatus.OFF_TARGET
    statuses = {
        "E1": StatusHours(rule="E1", hours={met: 700.0}, began=met, ended=met),
        "G1/LCP": StatusHours(rule="G1", hours={met: 500.0, off: 200.0}, began=met, ended=off),
        "A1s": StatusHours(rule="A1s", hours={met: 690.0, critical: 10.0}, unknown_h=20.0, began=met, ended=met),
    }
    page = page_of("monthly", a_stretch(MONTH, statuses=statuses))
    table = table_of(page, "changes")
    assert [row[0].text for row in table.rows] == ["A1s", "G1/LCP"]
    assert (row_of(table, "A1s")["In trouble"].text, row_of(table, "A1s")["Unknown"].text) == ("10 h", "20 h")
    assert row_of(table, "G1/LCP")["At the end"].text == "off target"


def test_the_deploys_that_were_reported_are_listed_with_what_changed() -> None:
    deploys = [
        Deploy(id=version, at=BEGAN, version=version, received_at=BEGAN, by="ci", note=note)
        for version, note in (("1.4.1", None), ("1.4.2", "new checkout"))
    ]
    section = next(one for one in page_of("monthly", deploys=deploys).sections if one.ident == "changes")
    rows = [[cell.text for cell in row] for row in section.tables[-1].rows]
    assert [row[1:] for row in rows] == [["1.4.1", "ci", "–"], ["1.4.2", "ci", "new checkout"]]
    without = next(one for one in page_of("monthly").sections if one.ident == "changes")
    assert without.notes[-1].startswith("No deploy was reported")


def test_the_days_are_drawn_with_unknown_ones_in_words() -> None:
    days = dict.fromkeys(MONTH.days(), (288, 0)) | {MONTH.first: (0, 0), MONTH.days()[1]: (288, 4)}
    page = page_of("monthly", a_stretch(MONTH, days={"ga_purchase": days}))
    (drawing,) = next(one for one in page.sections if one.ident == "availability").drawings
    assert drawing.name == "GA purchase: 1 day with failures, 1 unknown; 1 Nov to 30 Nov"


def test_sources_that_are_off_come_last_of_what_to_do() -> None:
    page = page_of("monthly", replace(a_stretch(MONTH), stories=(a_story(BEGAN, ends=None),)))
    assert page.actions[0].text.endswith("still open (inc-1). Resolve it.")
    assert page.actions[-1].text == "No numbers come from the source sms: site.yaml has no sms_reads."
