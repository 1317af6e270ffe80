"""Maps the kind of a failure to its status and blame, from facts only.

`docs/blame.md` has the complete decision as a table, and its results on a labelled set of faults.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from facts import Blame, Status
from journeys.failure import Kind

VERDICTS: dict[Kind, tuple[Status, Blame]] = {
    Kind.ANSWERED: (Status.FAILED, Blame.SITE),
    Kind.SILENT: (Status.FAILED, Blame.SITE),
    Kind.SHOWN: (Status.FAILED, Blame.SITE),
    Kind.THREW: (Status.FAILED, Blame.SITE),
    Kind.CRASHED: (Status.FAILED, Blame.SITE),
    Kind.DEADLINE: (Status.TIMED_OUT, Blame.SITE),
    Kind.UNREACHED: (Status.FAILED, Blame.NETWORK),
    Kind.THIRD_PARTY: (Status.FAILED, Blame.THIRD_PARTY),
    # A vanished Buy button looks like an outdated script; it counts as a failure until a person decides otherwise.
    Kind.MISSING: (Status.FAILED, Blame.JOURNEY),
    Kind.SCRIPT: (Status.FAILED, Blame.JOURNEY),
    Kind.LIMITED: (Status.ERRORED, Blame.RUNNER),
    Kind.UNBOOKED: (Status.ERRORED, Blame.RUNNER),
    Kind.BROWSER_GONE: (Status.ERRORED, Blame.RUNNER),
    Kind.SETUP: (Status.ERRORED, Blame.RUNNER),
    Kind.WALLED: (Status.BLOCKED, Blame.SITE),
}
# Failures that a lost network looks like, at this machine or further on.
_NO_ANSWER = frozenset({Kind.UNREACHED, Kind.SILENT, Kind.THIRD_PARTY})
# Failures that a machine short of some resource looks like.
_MAY_BE_OURS = _NO_ANSWER | {Kind.CRASHED, Kind.MISSING, Kind.THREW, Kind.DEADLINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Holds the runner's own checks right after an attempt failed.

    `canaries` holds each configured canary with whether it answered. `site_accepts_connections` is whether the site's address accepts
    a TCP connection from this machine, None if that was not checked. `short_of` names the resource that this machine
    has run short of, None if there is none.
    """

    canaries: tuple[tuple[str, bool], ...] = ()
    site_accepts_connections: bool | None = None
    short_of: str | None = None

    @property
    def cut_off(self) -> bool:
        """Whether this machine's network is down: every canary failed, and there is at least one."""
        return bool(self.canaries) and not any(answered for _, answered in self.canaries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Holds the status and blame of an attempt, and in `because` the reason if something other than the failure itself decided."""

    status: Status
    blame: Blame
    because: str | None = None


def wants_a_look(kind: Kind, *, site_answered: bool) -> bool:
    """Return whether the canaries and the site's TCP port can explain a failure of this kind."""
    return kind in _NO_ANSWER or (not site_answered and kind in _MAY_BE_OURS)


def judge(kind: Kind, *, site_answered: bool, late: bool = False, around: Surroundings | None = None) -> Judgement:
    """Return the status and blame of a failed attempt.

    `site_answered` means that the site sent at least one HTTP response in the attempt. `late` means that the journey's
    deadline had passed. This machine's network is blamed only if the site sent no response at all and every canary
    failed too.
    """
    around = around or Surroundings()
    status, blame = VERDICTS[kind]
    if late and status is Status.FAILED:
        status = Status.TIMED_OUT
    # A resource shortage of this machine takes precedence: it makes a healthy site look broken.
    if around.short_of and kind in _MAY_BE_OURS:
        return Judgement(status=Status.ERRORED, blame=Blame.RUNNER, because=around.short_of)
    if around.cut_off and wants_a_look(kind, site_answered=site_answered):
        said = f"no canary answers either ({', '.join(name for name, _ in around.canaries)})"
        if site_answered:
            return Judgement(status=status, blame=Blame.NETWORK, because=said)
        return Judgement(status=Status.ERRORED, blame=Blame.RUNNER, because=said)
    if kind is Kind.SILENT and around.site_accepts_connections is False:
        return Judgement(status=status, blame=Blame.NETWORK, because="the site takes no connection from here")
    return Judgement(status=status, blame=blame)


_FOLDS = (
    (re.compile(r"\b(?:cs|pi|ch|re|evt)_(?:test_|live_)?\w{6,}"), "{id}"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b"), "{id}"),
    (re.compile(r"https?://[\w.\-\[\]:]+"), "{origin}"),
    (re.compile(r"\b(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "{id}"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "{n}"),
)


def group_of(error: str) -> str:
    """Return the error with addresses, ids and numbers replaced, so that equal failures have equal text. HTTP statuses stay."""
    kept = re.sub(r"\banswered (\d{3})\b", lambda m: "answered " + _spell(m[1]), error)
    for pattern, fold in _FOLDS:
        kept = pattern.sub(fold, kept)
    return re.sub(r"<(\w{3})>", lambda m: _unspell(m[1]), kept)[:300]


# Statuses are written as letters for a moment, so that the replacement of numbers does not touch them.
def _spell(digits: str) -> str:
    return "<" + "".join(chr(ord("a") + int(d)) for d in digits) + ">"


def _unspell(letters: str) -> str:
    return "".join(str(ord(c) - ord("a")) for c in letters)
