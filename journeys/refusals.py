"""Reads refusals: what a page or an API says when it says no, with whatever status."""

from __future__ import annotations

import json
import re
from typing import Any

# Words of a refusal, in the languages that a buyer of this shop may see. They decide only how long a step waits in vain.
REFUSES = re.compile(
    r"\b(errors?|fail(ed|ure|s)?|invalid|expired|denied|declined|rejected|refused|unable|sorry|oops|wrong|problem|unavailable"
    r"|unsuccessful|incorrect|missing|sold out|out of stock|try again|not (be )?(found|available|allowed|valid|possible|processed)"
    r"|can(no|')t|could( not|n't)|fehler|fehlgeschlagen|leider|erreur|échou\w+|impossible|désolé|error al|lo sentimos|falló)\b",
    re.IGNORECASE,
)
"""What a text says that tells a buyer of something gone wrong."""
_WELCOMES = re.compile(
    r"\b(added|success(ful(ly)?)?|thank(s| you)|saved|welcome|copied|updated|done|confirmed|completed?|sent|applied|reserved"
    r"|congratulations|hinzugefügt|danke|gracias|merci|ajouté|añadido)\b",
    re.IGNORECASE,
)
_SOLD_OUT = re.compile(
    r"\b(sold[ -]?out|out of stock|fully booked|no longer available|no (tickets?|seats?|places?) (are )?(left|available)"
    r"|0 (tickets?|seats?|spots?|places?) (left|available)|ausverkauft|ausgebucht|vergriffen|nicht mehr verfügbar|épuisée?s?|complet"
    r"|rupture de stock|agotad[oa]s?)\b",
    re.IGNORECASE,
)
# What was sold out once says nothing of today.
_PAST = re.compile(r"\b(was|were|had|last)\b", re.IGNORECASE)
_SELLS = re.compile(
    r"\b(add to|put in|buy|order|reserve|book now|get tickets?|in den (waren|einkaufs)\w+)\b", re.IGNORECASE
)
_LONGEST_LABEL = 60
_FLAGS = ("success", "ok", "valid", "available", "accepted")
_WORDS = ("error", "errors", "message", "detail", "details", "reason", "description", "title", "error_description")
_BAD_STATUS = frozenset({"error", "fail", "failed", "failure", "rejected", "denied"})


def refuses(text: str) -> bool:
    """Return whether a text a buyer sees says that something went wrong."""
    return bool(REFUSES.search(text))


def welcomes(text: str) -> bool:
    """Return whether a text a buyer sees says that all went well, and nothing to the contrary."""
    return bool(_WELCOMES.search(text)) and not refuses(text)


def sold_out(text: str) -> str | None:
    """Return the line of a page that says that what is looked at is not for sale any more ("Sold Out"); None where there is none.

    Only short lines count, as labels and buttons have them: a sentence may speak of last year.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    labels = (line for line in lines if len(line) <= _LONGEST_LABEL and not _PAST.search(line))
    return next((label for label in labels if _SOLD_OUT.search(label)), None)


def sells(label: str) -> bool:
    """Return whether a button or link offers something for sale ("Add to cart")."""
    return _SELLS.search(label) is not None


def refusal_in(body: str) -> str | None:
    """Return the message of a JSON answer that says no, whatever its status ("Dallas is sold out"); None for any other body.

    A no is `success`, `ok`, `valid`, `available` or `accepted` that is false, a `status` such as "error", or an `error` or `errors`
    that holds something. Without a message the flag itself is told.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    flag = next((name for name in _FLAGS if answer.get(name) is False), None)
    status = answer.get("status")
    bad = isinstance(status, str) and status.lower() in _BAD_STATUS
    if not (flag or bad or answer.get("error") or answer.get("errors")):
        return None
    message = next(filter(None, (_message(answer.get(name)) for name in _WORDS)), None)
    return message or (f"{flag}: false" if flag else f"status: {status}")


def _message(value: Any) -> str | None:
    """The words inside an error, however deep it is wrapped."""
    if isinstance(value, str):
        return " ".join(value.split()) or None
    if isinstance(value, list):
        return next(filter(None, map(_message, value)), None)
    if isinstance(value, dict):
        return next(filter(None, (_message(value.get(name)) for name in (*_WORDS, "code"))), None)
    return None
