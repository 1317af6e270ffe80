"""Makes foreign text safe to show: no control or bidi characters, at most 4 KB, links only to http(s)."""

from __future__ import annotations

from urllib.parse import urlsplit

from redact.plain_text import visible

TEXT_LIMIT = 4096
"""The maximum size of one text from a page or a console, in bytes of UTF-8."""

_NOTE = 64
"""The bytes kept free for the note of a cut, so that cleaning a cleaned text again changes nothing."""


def clean(text: str, *, limit: int = TEXT_LIMIT) -> str:
    """Return the text without control, bidi, surrogate and non-characters, cut to `limit` bytes with a note of its real length."""
    # Only the beginning of a long text is processed, because only its first 4 KB can be shown.
    kept = visible(text[: limit * 4])
    encoded = kept.encode()
    if len(encoded) <= limit and len(text) <= limit * 4:
        return kept
    head = encoded[: limit - _NOTE].decode(errors="ignore")
    return f"{head}… (cut, it has {len(text):,} characters)"


def one_line(text: str, *, most: int = TEXT_LIMIT) -> str:
    """Return the cleaned text on one line of at most `most` characters, cut at a word if possible."""
    line = " ".join(clean(text).split())
    if len(line) <= most:
        return line
    head = line[: most - 1]
    at_word = head.rsplit(" ", 1)[0]
    return f"{at_word if len(at_word) > most // 2 else head}…"


def is_linkable(url: str) -> bool:
    """Return whether a URL may be linked: http or https with a host, and no hidden characters."""
    if clean(url) != url or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
