"""What a stranger wrote cannot deceive who reads it in a message."""

from __future__ import annotations

import unicodedata

import pytest

from redact.plain_text import plain, visible


@pytest.mark.parametrize("text", ["Buy now", "Größe — 東京 🔴", "two\nlines\tand a tab", "नमस्ते", ""])
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    "point",
    [
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *(0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x061C, 0x2060, 0xFEFF, 0x00AD, 0x180E),
        *(0x00, 0x07, 0x08, 0x0B, 0x1B, 0x7F, 0x80, 0x9F),
        *(0xD800, 0xDFFF, 0xFFFE, 0x1FFFF, 0xFDD0, 0xE0001, 0xE0041, 0x3164, 0x115F),
    ],
)
def test_a_character_that_hides_or_turns_text_is_gone(point: int) -> None:
    assert plain(f"pay{chr(point)}pal") == "paypal"


def test_every_control_and_format_character_is_gone_but_newline_and_tab() -> None:
    left = plain("".join(map(chr, range(0x110000))))
    odd = {c for c in left if unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    assert odd == {"\n", "\t"}


def test_every_kind_of_line_break_is_one() -> None:
    assert plain("a\r\nb\rc\x85d\u2028e\u2029f") == "a\nb\nc\nd\ne\nf"


def test_a_terminals_colours_are_gone_whole() -> None:
    assert plain("\x1b[31mred\x1b[0m") == "red"
    assert visible("\x1b[31mred\x1b[0m") == "red"


def test_a_page_keeps_the_joiners_that_some_scripts_need() -> None:
    assert visible("क्\u200dष") == "क्\u200dष"
    assert visible("a\u202eb") == "ab"
