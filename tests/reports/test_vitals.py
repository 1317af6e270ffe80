"""A vital stands beside its limit, and what cannot be graded is not."""

from __future__ import annotations

import pytest

from reports.vitals import TARGETS, cell, rows
from tests.builders import a_vital, some_vitals

BY_NAME = {target.name: target for target in TARGETS}


@pytest.mark.parametrize(
    ("name", "value", "verdict", "words"),
    [
        ("LCP", 2500.0, "good", "within 2.5 s"),
        ("LCP", 2500.1, "over", "over 2.5 s"),
        ("CLS", 0.1, "good", "within 0.1"),
        ("CLS", 0.1157, "over", "over 0.1"),
        ("INP", 201.0, "over", "over 200 ms"),
        ("FID", 101.0, "over", "over 100 ms"),
        ("FCP", 1801.0, "over", "over 1.8 s"),
        ("TTFB", 801.0, "over", "over 800 ms"),
        ("INP", None, "none", "no interaction"),
        ("FID", None, "none", "no interaction"),
        ("LCP", None, "none", "did not happen"),
        ("TTFB", None, "none", "did not happen"),
        ("LOAD", 9000.0, "plain", "no limit"),
        ("LOAD", None, "none", "left before its end"),
    ],
)
def test_a_value_is_said_beside_its_limit(name: str, value: float | None, verdict: str, words: str) -> None:
    made = cell(a_vital(name, value), BY_NAME[name])
    assert (made.verdict, made.words) == (verdict, words)


def test_a_page_touched_too_soon_is_not_graded_however_bad_it_looks() -> None:
    made = cell(a_vital("CLS", 0.9, cut=True), BY_NAME["CLS"])
    assert made.verdict == "cut"
    assert "not graded" in made.words


def test_a_page_visited_twice_has_two_rows() -> None:
    visits = (*some_vitals("/"), *some_vitals("/pricing", "soft"), *some_vitals("/"), *some_vitals("/", LCP=1.0))
    assert [row.page for row in rows(visits)] == ["/", "/pricing", "/", "/"]


def test_fid_is_marked_as_retired_and_nothing_else_is() -> None:
    assert [target.name for target in TARGETS if target.is_retired] == ["FID"]


def test_a_soft_navigation_asks_for_no_document_and_that_is_no_gap() -> None:
    seen = (a_vital("TTFB", 0.0, navigation="soft"), a_vital("LCP", navigation="soft"))
    (soft,), (older,) = rows(seen), rows((a_vital("LCP"),))
    for name in ("TTFB", "LOAD"):
        place = list(BY_NAME).index(name)
        assert (soft.cells[place].value, soft.cells[place].words) == ("–", "a soft one has none")
        assert older.cells[place].words == "not recorded"
