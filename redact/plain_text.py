"""Removes characters from foreign text that could deceive its reader: control, bidi and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Playwright and terminals colour their messages; removing only the escape character would leave "[31m".
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_LINE_BREAKS = re.compile("\r\n?|[\x85\u2028\u2029]")
# A format character (Cf) is invisible or changes the text's direction; a lone surrogate (Cs) is not a character.
_GONE = frozenset({"Cc", "Cf", "Cs"})
_KEPT = frozenset("\n\t")
# These are letters by category, but invisible like a zero-width space.
_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
JOINERS = frozenset("\u200c\u200d")
"""They join emoji and Indic scripts. On a page they may stay; in a message they are removed, because they can hide text."""


def plain(text: str) -> str:
    """Return the text for a message: no control characters but newline and tab, no bidi or invisible ones."""
    return _LINE_BREAKS.sub("\n", _ANSI.sub("", text)).translate(_MESSAGE)


def visible(text: str) -> str:
    """Return the text for a page: like `plain`, but with the joiners that some scripts need."""
    return _ANSI.sub("", text.replace("\r\n", "\n")).translate(_PAGE)


class _Strip:
    """A translation table that classifies characters on demand instead of listing a million of them."""

    def __init__(self, kept: frozenset[str], gone: frozenset[str]) -> None:
        self._kept, self._gone = kept, gone

    def __getitem__(self, point: int) -> int | None:
        character = chr(point)
        if character in self._kept:
            return point
        return None if character in self._gone or _is_hidden(point) else point


@cache
def _is_hidden(point: int) -> bool:
    is_none = (point & 0xFFFE) == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return is_none or unicodedata.category(chr(point)) in _GONE


_MESSAGE = _Strip(_KEPT, _BLANK_LETTERS)
_PAGE = _Strip(_KEPT | JOINERS, frozenset())
