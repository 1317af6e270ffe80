"""Finds secrets in every encoding except the escapes, which `redact.unescape` undoes."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from redact.dates import dates_in, forms_of

SHORTEST = 4
"""The minimum length in characters; a shorter secret would match inside ordinary words."""

_BASE64_SHORTEST = 6
_TELLING = 8
_HALF_AN_ESCAPE = re.compile(rb"[%\\&][#\w%\\]{0,9}\Z")
# Separators between the digits of a grouped number. A short number allows a single separator only, because otherwise
# every list of small numbers could match. A phone number also allows brackets, other dashes and spaces, and HTML tags.
_DASHES = rb"\xe2\x80[\x90-\x95]|\xe2\x88\x92|\xef\xb9\xa3|\xef\xbc\x8d"
_SPACES = rb"\xc2\xa0|\xe2\x80[\x80-\x8b\xaf]|\xe3\x80\x80"
_SEPARATOR = rb"[ +\-.]|" + _SPACES + rb"|" + _DASHES
_SEPARATORS = rb"(?:[\s+\-./()_,:|*~]|\xc2[\xa0\xad\xb7]|\xe2\x80[\x80-\xaf]|\xe2\x88\x92|<[^<>]{1,200}>)"
# Between the characters of a code such as an IBAN, a voucher or a licence key.
_BETWEEN_CODE = rb"(?:[\s\-._/]|" + _SPACES + rb"|" + _DASHES + rb"|<[^<>]{1,200}>){0,2}"
# What nobody sees between the letters of a word: a soft hyphen, a zero-width space or joiner.
_UNSEEN = rb"(?:\xc2\xad|\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0)?"
# Between letters of which each stands apart, as in a field for each or in an element of its own.
_BETWEEN_LETTERS = rb"(?:[\s\-._|/]|\xc2[\xa0\xb7]|" + _SPACES + rb"|" + _DASHES + rb"|<[^<>]{1,200}>){1,8}"
_LONGEST_APART = 64
_CODE = re.compile(r"[A-Za-z0-9]+(?:[ \-./][A-Za-z0-9]+)*")
_CODE_SHORTEST = 8
# What pages and typesetting write in place of a character of the keyboard.
_TYPESET = {"-": "-‐‑‒–—−﹣－", "'": "'’‘ʼ´`", '"': '"“”„«»'}
_NUMBER_SHORTEST = 7
_NUMBER = re.compile(r"[\d\s+\-./()]+")
_PHONE_LONGEST = 17
"""The maximum number of digits: 15 by E.164, plus a leading 00."""

Span = tuple[int, int]


class Forms:
    """Finds secrets of at least four characters: raw in any case, base64 at any offset, hexadecimal, UTF-16, and grouped numbers.

    Grouped numbers are found with and without their country code, dates in any order and with the month's name.
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
    """Yield patterns for what pages change: letter case, accents, dashes, white space, the grouping of numbers and codes, dates."""
    for day in dates_in(secret):
        yield from forms_of(day)
    yield from _letters_apart(secret)
    digits = re.sub(r"\D", "", secret)
    if secret.isdigit() and len(secret) < _NUMBER_SHORTEST:
        yield _joined(digits, rb"(?:" + _SEPARATOR + rb")?")
    elif _NUMBER.fullmatch(secret) and len(digits) >= _NUMBER_SHORTEST:
        for form in _endings(digits):
            yield _joined(form, _SEPARATORS + rb"{0,6}")
    if _is_code(secret):
        yield _BETWEEN_CODE.join(character.encode() for character in re.sub(r"[ \-./]", "", secret))
        return
    words = unicodedata.normalize("NFC", secret).split()
    if words:
        between = rb"(?:(?:\s|" + _SPACES + rb")+|\++)"
        yield between.join(_UNSEEN.join(map(_written, word)) for word in words)


def _letters_apart(secret: str) -> Iterator[bytes]:
    """Yield a pattern for a secret of which every letter stands apart from the next: `4 2 4 2`."""
    letters = "".join(unicodedata.normalize("NFC", secret).split())
    if SHORTEST <= len(letters) <= _LONGEST_APART:
        yield rb"(?<![0-9A-Za-z])" + _BETWEEN_LETTERS.join(map(_written, letters)) + rb"(?![0-9A-Za-z])"


def _is_code(secret: str) -> bool:
    """Return whether a secret is one of letters and digits that people write in groups, as the groups come."""
    plain = re.sub(r"[ \-./]", "", secret)
    has_both = re.search(r"[0-9]", plain) and re.search(r"[A-Za-z]", plain)
    return bool(_CODE.fullmatch(secret) and len(plain) >= _CODE_SHORTEST and has_both)


@lru_cache(maxsize=1 << 10)
def _written(character: str) -> bytes:
    """Return a pattern for a character in either case, composed or not, without its accent, and as typesetting writes it."""
    if character.isalnum() and character.isascii():
        return character.encode()  # the pattern ignores the case of these by itself
    forms = {character, *_TYPESET.get(character, "")}
    forms |= {change(character) for change in (str.lower, str.upper, str.casefold)}
    forms |= {unicodedata.normalize("NFD", form) for form in forms}
    forms |= {bare for form in forms if (bare := _without_marks(form))}
    return b"(?:" + b"|".join(re.escape(form.encode("utf-8", "surrogatepass")) for form in sorted(forms)) + b")"


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _endings(digits: str) -> Iterator[str]:
    """Yield a number's digits, and for a phone number also its endings without country code, area code or leading zero."""
    yield digits
    if len(digits) <= _PHONE_LONGEST:
        yield from (digits[begin:] for begin in range(1, len(digits) - _NUMBER_SHORTEST + 1))


def _joined(digits: str, between: bytes) -> bytes:
    return between.join(digit.encode() for digit in digits)
