"""Finds card numbers in text, except the published test cards."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Test cards are public and charge no money, so they are not secret: https://docs.stripe.com/testing
TEST_CARDS = frozenset(
    {
        "4242424242424242",
        "4000056655665556",
        "5555555555554444",
        "2223003122003222",
        "5200828282828210",
        "5105105105105100",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "6011000990139424",
        "3056930009020004",
        "36227206271667",
        "3566002020360505",
        "6200000000000005",
        "4000000000000002",
        "4000000000009995",
        "4000000000009987",
        "4000000000009979",
        "4000000000000069",
        "4000000000000127",
        "4000000000000119",
    }
)

_BETWEEN = rb"([ +\-]|\xc2\xa0)"
# The groupings that people and forms use: https://en.wikipedia.org/wiki/Payment_card_number
_SHAPES = tuple(
    re.compile(rb"(?<![\w.])(?:" + shape + rb")(?!\w|\.\d)")
    for shape in (
        rb"\d{13,19}",
        rb"\d{4}" + _BETWEEN + rb"\d{4}\1\d{4}\1\d{1,7}",
        rb"\d{4}" + _BETWEEN + rb"\d{4}\1\d{4}\1\d{4}\1\d{1,3}",
        rb"\d{4}" + _BETWEEN + rb"\d{6}\1\d{4,5}",
    )
)
# Searching for digits first is several times faster than trying each shape at every byte.
_DIGITS = re.compile(rb"\d(?:[ +\-\xc2\xa0]{0,2}\d){11,}")


def real_cards(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the positions of card numbers that pass the Luhn check and are not published test cards."""
    for digits in _DIGITS.finditer(data):
        for shape in _SHAPES:
            yield from _of_shape(shape, data, *digits.span())


def _of_shape(shape: re.Pattern[bytes], data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while match := shape.search(data, begin, end + 2):
        found = _is_real(match[0])
        if found:
            yield match.span()
        begin = match.end() if found else match.start() + 1


def _is_real(text: bytes) -> bool:
    """Return whether digits are a card number: 13 to 19 digits, a card's first digit, a valid Luhn sum, and no test card.

    The first digit excludes times in ms.
    """
    digits = re.sub(rb"\D", b"", text).decode()
    if digits in TEST_CARDS or not 13 <= len(digits) <= 19 or digits[0] not in "23456" or len(set(digits)) == 1:
        return False
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
