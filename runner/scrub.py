"""Secrets out of everything that leaves: masked in text, and an artifact that cannot be masked is dropped."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from journeys.site import TEST_CARDS

MASK = "***"
_SHORTEST = 4
_CARD = re.compile(r"(?<![\w.])(?:\d[ -]?){12,18}\d(?!\w|\.\d)")

T = TypeVar("T")


class Scrubber:
    """Knows every secret of a run in all the forms it may take: raw, JSON-escaped, URL-encoded, base64, digit-grouped."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._bytes = re.compile(self._text.pattern.encode()) if self._text else None

    def mask(self, text: str) -> tuple[str, int]:
        """The text with every secret and every real card number masked, and how many there were."""
        masked, count = self._text.subn(MASK, text) if self._text else (text, 0)
        cards = [m for m in _CARD.finditer(masked) if _is_real_card(m[0])]
        for match in reversed(cards):
            masked = masked[: match.start()] + MASK + masked[match.end() :]
        return masked, count + len(cards)

    def mask_all(self, value: Any) -> tuple[Any, int]:
        """JSON-ready data with every string in it masked, and how many secrets there were."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            pairs = {key: self.mask_all(item) for key, item in value.items()}
            return {key: item for key, (item, _) in pairs.items()}, sum(n for _, n in pairs.values())
        if isinstance(value, list):
            items = [self.mask_all(item) for item in value]
            return [item for item, _ in items], sum(n for _, n in items)
        return value, 0

    def holds_secret(self, path: Path) -> bool:
        """Whether a file holds a secret, in a zip also inside its members."""
        import zipfile  # most runs have no trace

        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(self._in_bytes(archive.read(name)) for name in archive.namelist())
        return self._in_bytes(path.read_bytes())

    def _in_bytes(self, data: bytes) -> bool:
        return bool(self._bytes and self._bytes.search(data))


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    grouped = re.sub(r"(.{4})(?=.)", r"\1 ", secret) if secret.isdigit() else secret
    # A secret inside a longer base64 text starts at one of three bit offsets; the middle of each is the same in all of them.
    shifted = {base64.b64encode(b"\0" * pad + raw)[(pad * 8 + 5) // 6 : -4 or None].decode() for pad in range(3)}
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        grouped,
        grouped.replace(" ", "-"),
        *(form for form in shifted if len(form) >= 8),
    }


def _is_real_card(text: str) -> bool:
    """Whether digits are a card number: 13 to 19 of them, a card's first digit (a time in ms has another), Luhn holds, no test card."""
    digits = re.sub(r"\D", "", text)
    if digits in TEST_CARDS or not 13 <= len(digits) <= 19 or digits[0] not in "23456" or len(set(digits)) == 1:
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
