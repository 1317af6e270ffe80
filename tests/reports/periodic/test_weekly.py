"""The weekly review: what got slower, and what could be better."""

from __future__ import annotations

from reports.periodic.data import Times
from tests.reports.periodic.builders import a_period, a_stretch, a_tally, page_of, row_of, table_of

WEEK = a_period("weekly")


def test_a_step_that_grew_by_a_tenth_is_an_opportunity_with_both_numbers() -> None:
    slower = {("ga_purchase", "proceed_to_stripe"): Times(n=900, p50=700.0, p75=900.0, p95=1220.0)}
    page = page_of("weekly", a_stretch(WEEK, steps=slower))
    row = row_of(table_of(page, "opportunities"), "proceed_to_stripe of GA purchase is slower")
    assert row["Found"].text == "p95 610 ms → 1.22 s"
    assert row_of(table_of(page, "speed"), "GA purchase")["Change"].text == "+100 %"


def test_a_vital_near_its_limit_is_one_and_of_a_few_runs_it_is_not() -> None:
    near = {("/register", "LCP"): Times(n=500, p50=1.0, p75=2400.0, p95=None)}
    page = page_of("weekly", a_stretch(WEEK, vitals=near))
    assert (
        row_of(table_of(page, "opportunities"), "LCP of /register is near its limit")["Found"].text
        == "p75 2.40 s, limit 2.5 s"
    )
    few = {("/register", "LCP"): Times(n=19, p50=1.0, p75=2400.0, p95=None)}
    texts = [
        row[0].text
        for section in page_of("weekly", a_stretch(WEEK, vitals=few)).sections
        if section.ident == "opportunities"
        for table in section.tables
        for row in table.rows
    ]
    assert texts == []


def test_runs_that_pass_only_when_tried_again_are_one() -> None:
    page = page_of("weekly", a_stretch(WEEK, tallies=(a_tally(good=900, flaky=30),)))
    row = row_of(table_of(page, "opportunities"), "GA purchase at us-east passes only when tried again")
    assert row["Found"].text == "30 runs, 3.33 %"


def test_a_week_in_which_nothing_stands_out_says_so() -> None:
    section = next(one for one in page_of("weekly").sections if one.ident == "opportunities")
    assert section.tables == ()
    assert section.lead.startswith("Nothing stands out")


def test_few_values_have_no_p95() -> None:
    few = {("ga_purchase", "proceed_to_stripe"): Times(n=19, p50=500.0, p75=600.0, p95=None)}
    table = table_of(page_of("weekly", a_stretch(WEEK, steps=few)), "speed")
    row = next(dict(zip(table.columns, row, strict=True)) for row in table.rows if row[1].text == "proceed_to_stripe")
    assert (row["p50"].text, row["p95"].text, row["Change"].text) == ("500 ms", "too few", "")
