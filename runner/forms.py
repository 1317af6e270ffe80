"""Every form a secret may take beside the escapes that `runner.escapes` undoes."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

SHORTEST = 4
"""Characters; a shorter secret would be found in every other word."""

_BASE64_SHORTEST = 6
_TELLING = 8
_HALF_AN_ESCAPE = re.compile(rb"[%\\&][#\w%\\]{0,9}\Z")
# What may stand between the digits of a number that is shown in groups.
_GROUPED = rb"(?:[ +\-]|\xc2\xa0)?"

Span = tuple[int, int]


class Forms:
    """Looks for secrets of at least four characters: raw, base64 at any offset, hexadecimal, UTF-16, digits in groups."""

    def __init__(self, secrets: Iterable[str]) -> None:
        wanted = {secret for secret in secrets if len(secret) >= SHORTEST}
        self._literals = sorted({form for secret in wanted for form in _literals(secret)}, key=len, reverse=True)
        loose = [_loose(secret) for secret in wanted if secret.isdigit() or re.search(r"\s", secret)]
        self._loose = re.compile(b"|".join(loose)) if loose else None
        self._all = re.compile(b"|".join(map(re.escape, self._literals))) if self._literals else None
        self.longest = max(map(len, self._literals), default=0)
        """Bytes."""

    def within(self, data: bytes) -> bool:
        """Whether one of them is in there."""
        return any(form in data for form in self._literals) or bool(self._loose and self._loose.search(data))

    def spans(self, data: bytes) -> Iterator[Span]:
        """Where they stand."""
        for pattern in (self._all, self._loose):
            if pattern is not None:
                yield from (match.span() for match in pattern.finditer(data))

    def cut_off(self, data: bytes) -> Iterator[Span]:
        """Where the beginning of one is all that is left before the end: excerpts are cut at a length, not at a word."""
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
    # Inside a longer text it begins at one of three offsets; only what does not depend on its neighbours is looked for.
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw)
        middle = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(middle) >= _BASE64_SHORTEST:
            yield middle
            yield middle.translate(bytes.maketrans(b"+/", b"-_"))


def _loose(secret: str) -> bytes:
    """Digits in groups, and white space of any kind and width, which pages and excerpts change."""
    if secret.isdigit():
        return _GROUPED.join(digit.encode() for digit in secret)
    return rb"(?:\s+|\++)".join(re.escape(word.encode("utf-8", "surrogatepass")) for word in secret.split())
