"""Writes out characters that a terminal would execute.

Titles, error texts and names come from pages, users and other programs. A terminal obeys the control characters in
them: it clears the screen, writes to the clipboard, or reverses a line so that it reads differently.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Control, format (bidi, zero-width, tags), surrogate, line and paragraph separator.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str, *, keep: str = "") -> str:
    r"""Return the text with control, bidi, invisible and surrogate characters written out: `\x1b`, `\n`, `\u202e`.

    `keep` are characters that stay unchanged, such as the line feeds of a text with several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character in keep else _shown(character) for character in text)


def visible_json(document: str) -> str:
    r"""Return a JSON document with the same characters as `\u` escapes; its value stays the same.

    `json.dumps` escapes only U+0000 to U+001F, and with `ensure_ascii` all but DEL. Outside of strings JSON contains
    none of them except line feeds.
    """
    return "".join(c if c == "\n" or _shown(c) == c else _json_escape(c) for c in document)


@cache
def _shown(character: str) -> str:
    point = ord(character)
    is_noncharacter = (point & 0xFFFE) == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    if not is_noncharacter and unicodedata.category(character) not in _ACTING:
        return character
    if character in _SHORT:
        return _SHORT[character]
    if point < 0x100:
        return f"\\x{point:02x}"
    if point < 0x10000:
        return f"\\u{point:04x}"
    return f"\\U{point:08x}"


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
