"""The last good run: pages compared by their words, and a file that later runs are judged beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeys.reference import (
    Reference,
    in_common,
    is_another_page,
    read_reference,
    says_something_new,
    sketch_of,
    write_reference,
)

SHOP = "Six cities, two days, one system. " + " ".join(
    f"Workshop in city {name}: seats left, reserve now." for name in "ABCDEF"
)


def test_a_page_is_itself_whatever_its_prices_and_dates_are() -> None:
    one, other = "Dallas: 12 seats left at $1,000, 3 days to go", "Dallas: 11 seats left at $900, 2 days to go"
    assert in_common(sketch_of(one), sketch_of(other)) == 1


def test_a_page_with_one_control_less_is_the_same_page() -> None:
    assert not is_another_page(SHOP.replace("reserve now", "see more", 1), [sketch_of(SHOP)])


@pytest.mark.parametrize("text", ["We'll be right back", "", "Buy this domain today", "Willkommen im Shop"])
def test_a_page_with_other_words_is_another_page(text: str) -> None:
    assert is_another_page(text, [sketch_of(SHOP)])


def test_the_page_before_or_after_a_step_is_known_too() -> None:
    assert not is_another_page(SHOP, [sketch_of("Thank you for your order"), sketch_of(SHOP)])


def test_nothing_is_another_page_where_none_is_known() -> None:
    assert not is_another_page(SHOP, [])
    assert not is_another_page(SHOP, [()])


def test_a_page_of_a_few_words_is_not_told_from_another_one() -> None:
    assert not is_another_page("Shop Order Kiitos", [sketch_of("Shop Order Thank you")])
    assert is_another_page("Shop Order Kiitos", [sketch_of("Shop Order Thank you"), sketch_of(SHOP)])


@pytest.mark.parametrize(
    ("line", "is_new"),
    [
        ("We do not deliver to your country", True),
        ("A story of a barber in Dallas", False),
        ("Buy now", False),  # too few words to tell
        ("a barber in 17 Dallas", False),
    ],
)
def test_a_line_that_stood_on_no_known_page_is_new(line: str, is_new: bool) -> None:
    known = [sketch_of("The red book. A story of a barber in Dallas."), sketch_of("Thank you for your order")]
    assert says_something_new(line, known) is is_new
    assert not says_something_new(line, [])


def test_what_was_seen_is_read_back(tmp_path: Path) -> None:
    seen = Reference(
        pages={"open": sketch_of(SHOP), "look": ()}, failed=frozenset({"GET https://cdn.example/kit.js 404"})
    )
    write_reference(tmp_path / "new" / "look.json", seen)
    assert read_reference(tmp_path / "new" / "look.json") == seen
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["look.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"version": 9}', '{"version": 1}', '{"version": 1, "pages": 3, "failed": 0}']
)
def test_a_file_that_is_none_is_as_good_as_no_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "look.json").write_text(text)
    assert read_reference(tmp_path / "look.json") is None
    assert read_reference(tmp_path / "missing.json") is None


def test_a_folder_that_cannot_be_written_is_no_error_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_reference(tmp_path / "file" / "look.json", Reference())
