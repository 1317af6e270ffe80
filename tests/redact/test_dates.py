"""A date that is a secret is found in every order in which pages write dates; other dates and prices are not."""

from __future__ import annotations

import pytest

from redact import Scrubber

SHOWN = (
    "1990-02-03",
    "1990/2/3",
    "1990.02.03",
    "1990 02 03",
    "03.02.1990",
    "3.2.1990",
    "3. 2. 1990",
    "3.2.90",
    "03/02/1990",
    "02/03/1990",
    "2/3/90",
    "03-02-90",
    "03 02 1990",
    "03 / 02 / 1990",
    "03\u201302\u20131990",
    "19900203",
    "03021990",
    "02031990",
    "90-02-03",
    "February 3, 1990",
    "FEBRUARY 3, 1990",
    "Feb 3, 1990",
    "Feb. 3rd, 1990",
    "February\u00a03rd 1990",
    "3 February 1990",
    "3rd of February 1990",
    "03-Feb-1990",
    "3 Feb 90",
    "3-Feb-'90",
    "03FEB1990",
    "3. Februar 1990",
    "3 février 1990",
    "3 FÉVRIER 1990",
    "3 de febrero de 1990",
    "1990 February 3",
    "1990-Feb-03",
)


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("typed", ["1990-02-03", "19900203", "February 3, 1990", "3 Feb 1990", "03.02.1990"])
def test_a_date_is_found_in_any_order(typed: str, shown: str) -> None:
    masked, _ = Scrubber([typed]).mask(f"born {shown} in Dallas")
    assert masked == "born *** in Dallas"


@pytest.mark.parametrize(
    "shown", ["<b>03</b><b>02</b><b>1990</b>", "<td>3<td>2<td>1990", "<i>Feb</i> <i>3</i>, <i>1990</i>"]
)
def test_a_date_over_elements_is_found(shown: str) -> None:
    masked, _ = Scrubber(["1990-02-03"]).mask(shown)
    assert "1990" not in masked


@pytest.mark.parametrize("shown", ["December 25, 1985", "25.12.1985", "12/25/85", "25. Dezember 1985", "19851225"])
@pytest.mark.parametrize("typed", ["12/25/1985", "25/12/1985", "1985-12-25T00:00:00Z"])
def test_a_date_typed_with_a_time_or_in_either_order_is_one(typed: str, shown: str) -> None:
    assert Scrubber([typed]).mask(shown) == ("***", 1)


@pytest.mark.parametrize("shown", ["1990-02-03", "3 February 1990", "3/2/90", "19900203"])
@pytest.mark.parametrize("typed", ["3 2 90", "03/02/90", "3.2.90", "90-02-03"])
def test_a_date_typed_with_a_year_of_two_digits_is_one(typed: str, shown: str) -> None:
    assert Scrubber([typed]).mask(shown) == ("***", 1)


def test_a_year_of_two_digits_may_be_of_this_century() -> None:
    assert Scrubber(["24/12/05"]).mask("born on December 24, 2005, not in 1975") == ("born on ***, not in 1975", 1)


@pytest.mark.parametrize(
    "text",
    [
        "1990-02-13",
        "1990-12-03",
        "2090-02-03",
        "1991-02-03",
        "13.02.1990",
        "3.2.1991",
        "February 13, 1990",
        "February 3, 2026",
        "March 3, 1990",
        "Feb 1990",
        "$3.21 and 90 more",
        "3 items, 2 left, $90",
        "£2.39, £3.29 or £32.90",
        "2 for 3, 90 days",
        "3 2 90",
        "3.2.90.1",
        "version 3.2.901",
        "1 3.2.9",
        "3:02 90",
        "Mar 3 90",
        "3 adults, 2 children, 1990s decor",
        "no. 1302199",
    ],
)
def test_what_is_another_date_or_none_stays(text: str) -> None:
    assert Scrubber(["1990-02-03"]).mask(text) == (text, 0)


@pytest.mark.parametrize(
    "secret",
    ["1990-02-31", "1234-56-78", "99-99-9999", "may the force 1 be 1990", "12/34", "Mai 1990", "42 33 90", "1 2 3"],
)
def test_what_only_looks_like_a_date_is_none(secret: str) -> None:
    text = "1990-02-03, 1 May 1990, May 1, 1990, 12/03/1934, 3 Feb 90"
    assert Scrubber([secret]).mask(text) == (text, 0)
