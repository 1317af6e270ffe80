"""Reads refusals: what a page or an API says when it says no, with whatever status."""

from __future__ import annotations

import json
import re
from typing import Any

# Words of a refusal, in the languages that a buyer of this shop may see. They decide only how long a step waits in vain.
REFUSES = re.compile(
    r"\b(errors?|fail(ed|ure|s)?|invalid|expired|denied|declined|rejected|refused|unable|sorry|oops|wrong|problem|unavailable"
    r"|unsuccessful|incorrect|missing|sold out|out of stock|try again|not (be )?(found|available|allowed|valid|possible|processed)"
    r"|can(no|['’´])t|could( not|n['’´]t)|fehler|fehlgeschlagen|leider|erreur|échou\w+|impossible|désolé|error al|lo sentimos|falló"
    r"|errore|impossibile|spiacenti|non (è )?(disponibile|valid[oa])|erro|não foi possível|desculpe|fout|mislukt|helaas"
    r"|błąd|nie (można|udało|powiodło)|przepraszamy|tyvärr|beklager|desværre)\b",
    re.IGNORECASE,
)
"""What a text says that tells a buyer of something gone wrong."""
_WELCOMES = re.compile(
    r"\b(added|success(ful(ly)?)?|thank(s| you)|saved|welcome|copied|updated|done|confirmed|completed?|sent|applied|reserved"
    r"|congratulations|hinzugefügt|danke|gracias|merci|ajouté|añadido|aggiunto|grazie|adicionado|obrigad[oa]|toegevoegd|bedankt"
    r"|dodano|dziękujemy|tack|takk|tak for)\b",
    re.IGNORECASE,
)
# What a shop promises in words of failure.
_PROMISES = re.compile(
    r"\b(no (problems?|worries|errors?)|problem[- ]free|error[- ]free|without (any )?(problems?|errors?)"
    r"|(can(no|['’´])t|won['’´]t|never|nothing can) (go wrong|be wrong|lose|fail)"
    r"|(don['’´]t|not to be|can(no|['’´])t) (miss|be missed|wait)"
    r"|(you )?can(no|['’´])t beat)\b",
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
# What a shop says when it could not do what it was asked for; not what it says of a field that was filled in wrongly.
_WENT_WRONG = re.compile(
    r"\b(went wrong|(an|unexpected|internal|server|network) error\b|error (has )?occurred"
    r"|(could|can|was|were|did)( ?not|n['’´]t) (be )?(process|complet|plac|load|submit|sav|creat|start|reach|connect)\w*"
    r"|unable to (process|complete|place|load|submit|save|create|start|reach|connect)"
    r"|(order|payment|checkout|request|transaction|booking|sign-?up|registration) (has )?(failed|was (declined|rejected|refused))"
    r"|(failed|failure) to \w+|temporarily unavailable|try again later|schiefgelaufen|fehlgeschlagen|une erreur|a échoué"
    r"|ha ocurrido un error|algo salió mal)",
    re.IGNORECASE,
)
_LONGEST_SENTENCE = 160
_FLAGS = ("success", "succeeded", "successful", "ok", "valid", "available", "accepted")
_WORDS = ("error", "errors", "message", "detail", "details", "reason", "description", "title")
# errorMessage, error_description, err_msg: an error's words under a name that says so.
_WORDED = re.compile(
    r"err\w*(msg|message|text|reason|detail|description)s?|(msg|failure_?reason|user_?message)", re.IGNORECASE
)
_BAD_STATUS = frozenset({"error", "fail", "failed", "failure", "rejected", "denied"})
_NO = ("false", "0", "no")


def refuses(text: str) -> bool:
    """Return whether a text a buyer sees says that something went wrong."""
    return bool(REFUSES.search(_PROMISES.sub("", text)))


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


def went_wrong(text: str) -> str | None:
    """Return the line of a page that says that the shop could not do something ("We couldn't process your order"); None for none.

    What only asks a buyer to correct a field is none of these.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line for line in lines if len(line) <= _LONGEST_SENTENCE and _WENT_WRONG.search(line)), None)


def refusal_in(body: str) -> str | None:
    """Return the message of a JSON answer that says no, whatever its status ("Dallas is sold out"); None for any other body.

    A no is a flag such as `success` or `ok` that is false, 0 or "no", a `status` such as "error", or an `error` or `errors`
    that holds something. Without a message the flag itself is told.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    found = {name: value for name, value in answer.items() if name.lower() in _FLAGS and str(value).lower() in _NO}
    status = answer.get("status")
    if isinstance(status, str) and status.lower() in _BAD_STATUS:
        found["status"] = status
    found |= {name: answer[name] for name in ("error", "errors") if answer.get(name)}
    if not found:
        return None
    worded = [name for name in answer if _WORDED.fullmatch(name)]
    message = next(filter(None, (_message(answer.get(name)) for name in (*_WORDS, *worded))), None)
    if message:
        return message
    name, value = next(iter(found.items()))
    return f"{name}: {json.dumps(value)}"


def _message(value: Any) -> str | None:
    """The words inside an error, however deep it is wrapped."""
    if isinstance(value, str):
        return " ".join(value.split()) or None
    if isinstance(value, list):
        return next(filter(None, map(_message, value)), None)
    if isinstance(value, dict):
        names = (*_WORDS, *(name for name in value if _WORDED.fullmatch(name)), "code")
        return next(filter(None, (_message(value.get(name)) for name in names)), None)
    return None
