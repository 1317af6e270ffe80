"""What a stranger wrote, made safe to show: no control or bidi characters, never longer than 4 KB, links only to http(s)."""

from __future__ import annotations

from urllib.parse import urlsplit

from redact.plain_text import visible

TEXT_LIMIT = 4096
"""Bytes of UTF-8 that one text from a page or a console may take on a page of ours."""

_NOTE = 64
"""Bytes kept free for the note of a cut, so that a cleaned text is left alone when it is cleaned again."""


def clean(text: str, *, limit: int = TEXT_LIMIT) -> str:
    """The text without control, bidi, surrogate and non-characters, cut to `limit` bytes with a note of its real size."""
    # A megabyte need not be walked through for the sake of its first 4 KB.
    kept = visible(text[: limit * 4])
    encoded = kept.encode()
    if len(encoded) <= limit and len(text) <= limit * 4:
        return kept
    head = encoded[: limit - _NOTE].decode(errors="ignore")
    return f"{head}… (cut, it has {len(text):,} characters)"


def one_line(text: str, *, most: int = TEXT_LIMIT) -> str:
    """Cleaned text on one line of at most `most` characters, cut at a word where there is one."""
    line = " ".join(clean(text).split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    at_word = head.rsplit(" ", 1)[0]
    return f"{at_word if len(at_word) > most // 2 else head}…"


def is_linkable(url: str) -> bool:
    """Whether an address may stand in a link: http or https with a host, and nothing hidden in it."""
    if clean(url) != url or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
