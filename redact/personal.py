"""Masks personal data in text: e-mail addresses, phone numbers, card numbers and IP addresses, and values under telling keys."""

from __future__ import annotations

import re
from functools import lru_cache

from redact.cards import real_cards
from redact.masking import KNOWN, MASK

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+")
# Numbers without `+` and without separators are masked only as North America dials them, because times and ids are numbers
# too: a time in seconds begins with 1 and has 10 digits, one in milliseconds has 13.
_PHONES = tuple(
    re.compile(shape)
    for shape in (
        r"(?<![\w+])(?:\+|%2B|00(?=[1-9]))[ ]?\d(?:[ ().\-/\xa0]{0,2}\d){7,14}(?![\w])",
        r"(?<![\w.\-])(?:1[ .\-]?)?\(?[2-9]\d{2}\)?[ .\-]{0,2}[2-9]\d{2}[ .\-]?\d{4}(?![\w\-])",
        r"(?<![\w.\-])\(?0\d{1,4}\)?[ /\-]\d{3,4}[ \-]?\d{3,6}(?![\w\-])",
    )
)
_IPV4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])")
_IPV6 = re.compile(
    r"(?<![\w:])(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){7})(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE
)
_SUSPECT = re.compile(r"@|%40|\d{4}|\d[ ().\-/\xa0]{1,3}\d|:[0-9a-fA-F]{0,4}:|\.\d{1,3}\.")
"""What a text has that any of the patterns could match; most texts have none of it."""
_PERSONAL_KEY = re.compile(
    r"^(?:.*(?:email|e_?mail|phone|mobile|fax|password|passwd|secret|token|card_?number|cvc|cvv|iban|ssn|birth|postcode"
    r"|postal|zip_?code|address|street|surname)(?:_?(?:number|address|line\d?))?"
    r"|(?:first|last|full|given|family|middle|maiden|user|customer|billing|shipping|buyer|attendee|member|card_?holder"
    r"|contact|display|nick)_?names?"
    r"|(?:customer|buyer|attendee|contact|recipient|to|from)|tel|zip|ip|(?:.*_)?ip_?(?:addr.*)?|(?:.*_)?(?:user_?agent|cookies?"
    r"|authorization|lat|lng|latitude|longitude|dob))$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def mask_personal(text: str) -> str:
    """Return the text with e-mail addresses, phone numbers, card numbers, IP addresses and known secrets masked.

    A person's name in a sentence cannot be told from another word and stays; `is_personal_key` finds names by their key.
    """
    return _mask_shapes(KNOWN.mask(text))


# Names, cities and endpoints come again and again.
@lru_cache(maxsize=4096)
def _mask_shapes(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    text = _EMAIL.sub(MASK, text)
    text = _mask_cards(text)
    for shape in _PHONES:
        text = shape.sub(MASK, text)
    return _IPV6.sub(MASK, _IPV4.sub(MASK, text))


@lru_cache(maxsize=4096)
def is_personal_key(key: str) -> bool:
    """Return whether a value under this key is personal whatever it looks like: `email`, `firstName`, `customer_phone`."""
    return _PERSONAL_KEY.match(_CAMEL.sub("_", key).replace("-", "_").replace(".", "_").lower()) is not None


def _mask_cards(text: str) -> str:
    data = text.encode("utf-8", "replace")
    found = sorted(set(real_cards(data)))
    if not found:
        return text
    # From the back, so that the positions before stay right; one that overlaps the last is part of it.
    last = len(data)
    for begin, end in reversed(found):
        if begin < last:
            data = data[:begin] + MASK.encode() + data[min(end, last) :]
            last = begin
    return data.decode("utf-8", "replace")
