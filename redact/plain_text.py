"""Text that a stranger wrote, without what could deceive its reader: control, bidi and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Playwright and terminals colour their messages; the escape character alone would leave "[31m" standing.
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_LINE_BREAKS = re.compile("\r\n?|[\x85\u2028\u2029]")
# A format character (Cf) is invisible or turns the text around; half of a surrogate pair (Cs) is no character at all.
_GONE = frozenset({"Cc", "Cf", "Cs"})
_KEPT = frozenset("\n\t")
# Letters by their category, and as invisible as a space of no width.
_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
JOINERS = frozenset("\u200c\u200d")
"""They hold emoji and Indic scripts together; on a page they may stay, in a message they hide as well as any."""


def plain(text: str) -> str:
    """Return the text as it may leave in a message: no control character but newline and tab, no bidi or invisible one."""
    return _LINE_BREAKS.sub("\n", _ANSI.sub("", text)).translate(_MESSAGE)


def visible(text: str) -> str:
    """Return the text as a page may show it: as `plain`, with the joiners that some scripts need."""
    return _ANSI.sub("", text.replace("\r\n", "\n")).translate(_PAGE)


class _Strip:
    """A translation table that looks characters up as they come, rather than listing a million of them."""

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
