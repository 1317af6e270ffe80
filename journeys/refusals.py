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
_BAD_STATUS = frozenset(
    {
        "error",
        "err",
        "fail",
        "failed",
        "failure",
        "rejected",
        "denied",
        "declined",
        "refused",
        "nok",
        "ko",
        "not_ok",
        "unsuccessful",
    }
)
_NO = ("false", "0", "no")
_OUTCOMES = ("status", "state", "result", "outcome")
_STATUS_NUMBERS = ("status", "statuscode", "status_code", "code", "errorcode", "error_code")
# Inside an answer a flag such as `available` may be about one of many products: only these are about the request itself.
_FLAGS_INSIDE = ("success", "succeeded", "successful", "ok")
_ERRORS = re.compile(r"(\w*user_?)?errors?", re.IGNORECASE)
_DEEPEST = 3
_XML = re.compile(r"\s*<(\?xml|(\w+:)?(Envelope|error|errors|fault|response|result)\b)", re.IGNORECASE)
_XML_ERROR = re.compile(
    r"<(?:\w+:)?(error|errors|errormessage|fault|faultstring|exception|Reason)\b[^>]*>(.*?)</(?:\w+:)?\1>",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")
_WAITS = re.compile(
    r"(pending|awaiting|waiting|processing|queued|running|initiated|in[ _-]?progress|in[ _-]?process)(?![a-z]).*",
    re.IGNORECASE,
)
_STATE = re.compile(r"\w*(status|state)", re.IGNORECASE)
_NOT_YET = re.compile(r"(is_?)?(ready|done|completed?|finished|paid|confirmed)", re.IGNORECASE)
_PLEASE_WAIT = re.compile(
    r"((loading|processing)( (your|the|this) [\w ]{1,40})?"
    r"|(please wait|one moment|just a (moment|second)|hang on|bitte warten|einen moment|veuillez patienter|por favor espere)\b.{0,80}"
    r"|(we are|we['’´]re) (still )?(processing|confirming|checking) (your|the) .{1,80}"
    r"|wird geladen|chargement|cargando|procesando)[ .…!]*",
    re.IGNORECASE,
)


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


def please_wait(text: str) -> str | None:
    """Return the line of a page that asks the buyer to wait ("Processing your payment..."); None where there is none."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line for line in lines if _PLEASE_WAIT.fullmatch(line)), None)


def refusal_in(body: str) -> str | None:
    """Return the message of an answer that says no, whatever its status ("Dallas is sold out"); None for any other body.

    A no in JSON is a flag such as `success` or `ok` that is false, 0 or "no", a `status` such as "error", a number of 400 or more
    or a code in capitals beside a message, or an `error` or `errors` that holds something, also one to three levels inside. Without
    a message the flag itself is told. A no in XML is an `error` or a `fault` with words in it.
    """
    if _XML.match(body):
        found = _XML_ERROR.search(body)
        words = " ".join(_TAG.sub(" ", found[2]).split()) if found else ""
        return words or None
    answer = _json_of(body)
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    return _refusal_of(answer, _FLAGS) or _refusal_inside(answer, _DEEPEST)


def pending_in(body: str) -> str | None:
    """Return what a JSON answer says that is not decided yet ("status: pending", "paid: false"); None for any other body."""
    answer = _json_of(body)
    if not isinstance(answer, dict):
        return None
    for part in (answer, *(value for value in answer.values() if isinstance(value, dict))):
        for name, value in part.items():
            if isinstance(value, str) and _STATE.fullmatch(name) and _WAITS.fullmatch(value):
                return f"{name}: {value}"
            if value is False and _NOT_YET.fullmatch(name):
                return f"{name}: false"
    return None


def _json_of(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _refusal_inside(answer: dict[str, Any], levels: int) -> str | None:
    inside = [value for value in answer.values() if isinstance(value, dict)] if levels else []
    for value in inside:
        found = _refusal_of(value, _FLAGS_INSIDE) or _refusal_inside(value, levels - 1)
        if found:
            return found
    return None


def _refusal_of(answer: dict[str, Any], flags: tuple[str, ...]) -> str | None:
    """What one JSON object says where it says no itself."""
    worded = [name for name in answer if _WORDED.fullmatch(name)]
    message = next(filter(None, (_message(answer.get(name)) for name in (*_WORDS, *worded))), None)
    found = {name: value for name, value in answer.items() if name.lower() in flags and str(value).lower() in _NO}
    for name, value in answer.items():
        is_outcome = name.lower() in _OUTCOMES and isinstance(value, str) and value.lower() in _BAD_STATUS
        if is_outcome or (message and _is_code_of_an_error(name, value, message)):
            found[name] = value
    found |= {name: value for name, value in answer.items() if value and _ERRORS.fullmatch(name)}
    if not found:
        return None
    told = next(filter(None, (_message(value) for name, value in found.items() if _ERRORS.fullmatch(name))), None)
    if message or told:
        return message or told
    name, value = next(iter(found.items()))
    return f"{name}: {json.dumps(value)}"


def _is_code_of_an_error(name: str, value: Any, message: str) -> bool:
    """Whether a field beside a message is the number or the word by which an API names an error."""
    if name.lower() not in _STATUS_NUMBERS:
        return False
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
        return _FIRST_ERROR <= int(value) <= _LAST_ERROR
    return isinstance(value, str) and value.isupper() and refuses(message)


_FIRST_ERROR, _LAST_ERROR = 400, 599


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
