"""What a stranger wrote is made safe to show."""

from __future__ import annotations

import pytest

from reports.text import TEXT_LIMIT, clean, is_linkable, one_line


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\x00b\x08c\x7fd", "abcd"),
        ("a\x85b\x9fc", "abc"),
        ("pay\u202eelpoep\u202c now\u2066!\u2069", "payelpoep now!"),
        ("a\ufeffb\u200bc\u200ed", "abcd"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\ud800b", "ab"),
        ("a\ufffeb\U0001ffffc\ufdd0d", "abcd"),
        ("line\r\nline\ttab", "line\nline\ttab"),
        ("👩\u200d🔧 stays whole", "👩\u200d🔧 stays whole"),
    ],
)
def test_characters_that_hide_or_deceive_are_gone(written: str, shown: str) -> None:
    assert clean(written) == shown


def test_a_long_text_is_cut_to_4_kb_and_says_how_long_it_was() -> None:
    cut = clean("é" * 1_000_000)
    assert len(cut.encode()) <= TEXT_LIMIT
    assert "1,000,000 characters" in cut


def test_a_text_of_exactly_4_kb_is_left_alone() -> None:
    assert clean("x" * TEXT_LIMIT) == "x" * TEXT_LIMIT


def test_cleaning_twice_changes_nothing() -> None:
    once = clean("x" * 50_000)
    assert clean(once) == once


def test_one_line_is_cut_at_a_word() -> None:
    assert one_line("the page\nshowed  an alert", most=18) == "the page showed…"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://shop.example/a?b=c", True),
        ("http://127.0.0.1:8000/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("java\tscript:alert(1)", False),
        (" https://shop.example", False),
        ("https://shop.example/\u202egpj", False),
        ("data:text/html,x", False),
        ("file:///etc/passwd", False),
        ("//shop.example", False),
        ("https://", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_only_http_and_https_addresses_may_be_linked(address: str, expected: bool) -> None:
    assert is_linkable(address) is expected
