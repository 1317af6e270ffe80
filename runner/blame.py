"""From the kind of a failure to its status and blame. Facts only: what answered, what did not, whose page it was."""

from __future__ import annotations

import re

from facts import Blame, Status
from journeys.failure import Kind

VERDICTS: dict[Kind, tuple[Status, Blame]] = {
    Kind.ANSWERED: (Status.FAILED, Blame.SITE),
    Kind.SILENT: (Status.FAILED, Blame.SITE),
    Kind.SHOWN: (Status.FAILED, Blame.SITE),
    Kind.CRASHED: (Status.FAILED, Blame.SITE),
    Kind.DEADLINE: (Status.TIMED_OUT, Blame.SITE),
    Kind.UNREACHED: (Status.FAILED, Blame.NETWORK),
    Kind.THIRD_PARTY: (Status.FAILED, Blame.THIRD_PARTY),
    # A vanished Buy button looks like a stale script: it counts until a person says otherwise.
    Kind.MISSING: (Status.FAILED, Blame.JOURNEY),
    Kind.SCRIPT: (Status.FAILED, Blame.JOURNEY),
    Kind.LIMITED: (Status.ERRORED, Blame.RUNNER),
    Kind.UNBOOKED: (Status.ERRORED, Blame.RUNNER),
    Kind.BROWSER_GONE: (Status.ERRORED, Blame.RUNNER),
    Kind.WALLED: (Status.BLOCKED, Blame.SITE),
}


def judge(kind: Kind, *, http_answers: int, canaries: list[bool]) -> tuple[Status, Blame]:
    """Status and blame of a failed attempt.

    `http_answers` counts the site's answers in the attempt; `canaries` says of each configured canary whether it answered.
    Our own network is at fault only where the site gave no answer at all and every canary failed too.
    """
    if kind is Kind.UNREACHED and not http_answers and canaries and not any(canaries):
        return Status.ERRORED, Blame.RUNNER
    return VERDICTS[kind]


_FOLDS = (
    (re.compile(r"\b(?:cs|pi|ch|re|evt)_(?:test_|live_)?\w{6,}"), "{id}"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b"), "{id}"),
    (re.compile(r"https?://[\w.\-\[\]:]+"), "{origin}"),
    (re.compile(r"\b(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "{id}"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "{n}"),
)


def group_of(error: str) -> str:
    """The error with addresses, ids and numbers folded, so that equal failures have equal words. HTTP statuses stay."""
    kept = re.sub(r"\banswered (\d{3})\b", lambda m: "answered " + _spell(m[1]), error)
    for pattern, fold in _FOLDS:
        kept = pattern.sub(fold, kept)
    return re.sub(r"<(\w{3})>", lambda m: _unspell(m[1]), kept)[:300]


# Digits as letters, so that the folding of numbers passes them by.
def _spell(digits: str) -> str:
    return "<" + "".join(chr(ord("a") + int(d)) for d in digits) + ">"


def _unspell(letters: str) -> str:
    return "".join(str(ord(c) - ord("a")) for c in letters)
