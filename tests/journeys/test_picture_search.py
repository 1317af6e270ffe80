"""A secret is found in what a page shows, however it is spread and written; what only looks like one by chance is not."""

from __future__ import annotations

import pytest

from journeys.picture.search import find
from journeys.picture.shown import Shown
from redact import Scrubber


def pieces(*texts: str, apart: bool = False) -> list[Shown]:
    """Pieces of text on one line, side by side, or each on a line of its own."""
    return [
        Shown(0, n, text, is_text=True, place=(40.0 * n, 1, 9) if apart else (9.0, 100.0 * n, 100.0 * n + 99))
        for n, text in enumerate(texts)
    ]


def where(shown: list[Shown], *secrets: str) -> dict[int, list[str]]:
    """What is found of the secrets in each piece."""
    found = find(shown, Scrubber(secrets))
    return {node: sorted({shown[node].text[a:b] for a, b in spans}) for (_, node, _), spans in found.items()}


@pytest.mark.parametrize(
    "text",
    [
        "５５５ ８６７ ５３０９",
        "٥٥٥٨٦٧٥٣٠٩",
        "555\u200b867\u200b5309",
        "555\u2011867\u20115309",
        "5\u00ad55 867\u00ad5309",
        "555\n\n  867\t5309",
    ],
)
def test_digits_are_digits_in_any_script_and_spacing(text: str) -> None:
    assert where(pieces(f"a {text} z"), "+1 555 867-5309") == {0: [text]}


def test_only_the_secret_is_covered_in_a_longer_text() -> None:
    assert where(pieces("é call 555-867-5309 today"), "5558675309") == {0: ["555-867-5309"]}


def test_places_are_counted_as_scripts_count_them() -> None:
    shown = pieces("\U0001f600 hunter-two")
    assert find(shown, Scrubber(["hunter-two"]))[(0, 0, True)][0] == (3, 13)


def test_a_secret_over_pieces_is_found_in_each_of_them() -> None:
    assert where(pieces("Dear hun", "ter", "-two, welcome"), "hunter-two") == {0: ["hun"], 1: ["ter"], 2: ["-two"]}


def test_a_card_over_fields_beside_each_other_is_found() -> None:
    assert set(where(pieces("4539", "1488", "0343", "6467"))) == {0, 1, 2, 3}


def test_numbers_on_lines_of_their_own_make_no_card() -> None:
    assert where(pieces("4539", "1488", "0343", "6467", apart=True)) == {}


def test_what_the_page_does_not_show_of_it_is_not_found() -> None:
    assert where(pieces("ends in 5309", "Order 8675", "hunter"), "+1 555 867-5309", "hunter-two") == {}


@pytest.mark.parametrize(
    ("texts", "secret"),
    [
        (["03", "02", "1990"], "1990-02-03"),
        (["February", "3", "1990"], "1990-02-03"),
        (["3", "Feb", "90"], "03.02.1990"),
        (["4", "2", "4", "2"], "4242"),
        (list("sesame"), "sesame"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_a_date_or_a_code_over_fields_is_found_in_each_of_them(texts: list[str], secret: str, apart: bool) -> None:
    assert set(where(pieces(*texts, apart=apart), secret)) == set(range(len(texts)))


PRICES = (
    *(
        "Tea House",
        "All teas",
        "1990s classics",
        "Oolong",
        "$9.50",
        "was $11.90",
        "3 left",
        "Add",
        "Assam",
        "$7.00",
        "2 for $13",
    ),
    *(
        "Add",
        "Quantity",
        "1",
        "2",
        "3",
        "4",
        "5",
        "Page 1 of 24",
        "Total",
        "$42.00",
        "Orders before 3 pm ship today",
        "4.2",
        "(42 reviews)",
    ),
    *("30% off until February 28", "Open 9-18", "Call 8 am to 3 pm", "© 2026 Tea House"),
)


@pytest.mark.parametrize("apart", [False, True])
def test_nothing_of_a_usual_page_of_prices_is_covered(apart: bool) -> None:
    secrets = (
        "1990-02-03",
        "+1 555 867-5309",
        "hunter-two",
        "GB82WEST12345698765432",
        "90417",
        "Zoë Müller",
        "4711",
        "reader@example.com",
    )
    assert where(pieces(*PRICES, apart=apart), *secrets) == {}


def a_field(value: str) -> Shown:
    return Shown(0, 0, value, is_text=False)


def test_a_field_that_holds_a_short_secret_and_nothing_else_is_covered() -> None:
    assert find([a_field(" 123 ")], Scrubber(["123"]))
    assert not find([a_field("1234")], Scrubber(["123"]))
    assert not find([a_field("7")], Scrubber(["7"]))
    assert not find(pieces("123"), Scrubber(["123"])), "in a text it stands by chance"
