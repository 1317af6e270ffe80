"""Finds secrets in every encoding except the escapes, which `redact.unescape` undoes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

SHORTEST = 4
"""The minimum length in characters; a shorter secret would match inside ordinary words."""

_BASE64_SHORTEST = 6
_TELLING = 8
_HALF_AN_ESCAPE = re.compile(rb"[%\\&][#\w%\\]{0,9}\Z")
# Separators between the digits of a grouped number. A short number allows a single separator only, because otherwise
# every list of small numbers could match. A phone number also allows brackets, other dashes and spaces, and HTML tags.
_SEPARATOR = rb"[ +\-]|\xc2\xa0"
_SEPARATORS = rb"(?:[\s+\-./()_]|\xc2[\xa0\xad\xb7]|\xe2\x80[\x80-\xaf]|\xe2\x88\x92|<[^<>]{1,200}>)"
_NUMBER_SHORTEST = 7
_NUMBER = re.compile(r"[\d\s+\-./()]+")
_PHONE_LONGEST = 17
"""The maximum number of digits: 15 by E.164, plus a leading 00."""

Span = tuple[int, int]


class Forms:
    """Finds secrets of at least four characters: raw in any case, base64 at any offset, hexadecimal, UTF-16, and grouped numbers.

    Grouped numbers are found with and without their country code.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        wanted = {secret for secret in secrets if len(secret) >= SHORTEST}
        self._literals = sorted({form for secret in wanted for form in _literals(secret)}, key=len, reverse=True)
        self._lowered = {secret.encode("utf-8", "surrogatepass").lower() for secret in wanted}
        loose = sorted({form for secret in wanted for form in _loose(secret)}, key=len, reverse=True)
        self._loose = re.compile(b"|".join(loose), re.IGNORECASE) if loose else None
        self._all = re.compile(b"|".join(map(re.escape, self._literals))) if self._literals else None
        self.longest = max(map(len, self._literals), default=0)
        """The length of the longest form, in bytes."""

    def within(self, data: bytes) -> bool:
        """Return whether any secret is in the data."""
        if any(form in data for form in self._literals):
            return True
        lowered = data.lower()
        return any(form in lowered for form in self._lowered) or bool(self._loose and self._loose.search(data))

    def spans(self, data: bytes) -> Iterator[Span]:
        """Yield the positions of all secrets."""
        for pattern in (self._all, self._loose):
            if pattern is not None:
                yield from (match.span() for match in pattern.finditer(data))

    def cut_off(self, data: bytes) -> Iterator[Span]:
        """Yield the positions where only the beginning of a secret is left at the end, because excerpts are cut at a fixed length."""
        whole = len(data)
        half = _HALF_AN_ESCAPE.search(data)
        for end in {whole, half.start() if half else whole}:
            tail = data[max(0, end - self.longest) : end]
            for form in self._literals:
                begin = _beginning_at_end(tail, form)
                if begin is not None:
                    yield end - len(tail) + begin, whole


def _beginning_at_end(tail: bytes, form: bytes) -> int | None:
    sure = form[: min(_TELLING, max(SHORTEST, len(form) // 2))]
    begin = tail.rfind(sure)
    while begin >= 0:
        if form.startswith(tail[begin:]):
            return begin
        begin = tail.rfind(sure, 0, begin + len(sure) - 1)
    return None


def _literals(secret: str) -> Iterator[bytes]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for codec in ("utf-16-le", "utf-16-be"):
        yield secret.encode(codec, "surrogatepass")
    # Inside a longer text the secret begins at one of three offsets; only the characters that do not depend on its
    # neighbours are searched for.
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw)
        middle = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(middle) >= _BASE64_SHORTEST:
            yield middle
            yield middle.translate(bytes.maketrans(b"+/", b"-_"))


def _loose(secret: str) -> Iterator[bytes]:
    """Yield patterns for what pages and excerpts change: letter case, the grouping of numbers, and white space."""
    digits = re.sub(r"\D", "", secret)
    if secret.isdigit() and len(secret) < _NUMBER_SHORTEST:
        yield _joined(digits, rb"(?:" + _SEPARATOR + rb")?")
    elif _NUMBER.fullmatch(secret) and len(digits) >= _NUMBER_SHORTEST:
        for form in _endings(digits):
            yield _joined(form, _SEPARATORS + rb"{0,6}")
    words = secret.split()
    if words:
        yield rb"(?:\s+|\++)".join(re.escape(word.encode("utf-8", "surrogatepass")) for word in words)


def _endings(digits: str) -> Iterator[str]:
    """Yield a number's digits, and for a phone number also its endings without country code, area code or leading zero."""
    yield digits
    if len(digits) <= _PHONE_LONGEST:
        yield from (digits[begin:] for begin in range(1, len(digits) - _NUMBER_SHORTEST + 1))


def _joined(digits: str, between: bytes) -> bytes:
    return between.join(digit.encode() for digit in digits)
