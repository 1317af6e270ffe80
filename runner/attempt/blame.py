"""From the kind of a failure to its status and blame. Facts only: what answered, what did not, whose page it was.

`docs/blame.md` has the whole decision as a table, and what it said of each of a labelled set of faults.
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
    # A vanished Buy button looks like a stale script: it counts until a person says otherwise.
    Kind.MISSING: (Status.FAILED, Blame.JOURNEY),
    Kind.SCRIPT: (Status.FAILED, Blame.JOURNEY),
    Kind.LIMITED: (Status.ERRORED, Blame.RUNNER),
    Kind.UNBOOKED: (Status.ERRORED, Blame.RUNNER),
    Kind.BROWSER_GONE: (Status.ERRORED, Blame.RUNNER),
    Kind.SETUP: (Status.ERRORED, Blame.RUNNER),
    Kind.WALLED: (Status.BLOCKED, Blame.SITE),
}
# What a network that is gone looks like, ours or the one between.
_NO_ANSWER = frozenset({Kind.UNREACHED, Kind.SILENT, Kind.THIRD_PARTY})
# What a machine that has run short of something looks like.
_MAY_BE_OURS = _NO_ANSWER | {Kind.CRASHED, Kind.MISSING, Kind.THREW, Kind.DEADLINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the runner itself saw right after an attempt failed.

    `canaries` says of each configured canary whether it answered. `door_opens` is whether the site's address takes a TCP
    connection from here, None where nobody looked. `short_of` says what this machine has run short of.
    """

    canaries: tuple[tuple[str, bool], ...] = ()
    door_opens: bool | None = None
    short_of: str | None = None

    @property
    def cut_off(self) -> bool:
        """Whether our own network is gone: every canary failed, and there is at least one."""
        return bool(self.canaries) and not any(answered for _, answered in self.canaries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Status and blame, and where something else than the failure itself decided, what that was."""

    status: Status
    blame: Blame
    because: str | None = None


def wants_a_look(kind: Kind, *, site_answered: bool) -> bool:
    """Whether the canaries and the site's door have something to say about a failure of this kind."""
    return kind in _NO_ANSWER or (not site_answered and kind in _MAY_BE_OURS)


def judge(kind: Kind, *, site_answered: bool, late: bool = False, around: Surroundings | None = None) -> Judgement:
    """Status and blame of a failed attempt.

    `site_answered`: the site gave at least one HTTP answer in the attempt. `late`: the journey's time had run out. Our own
    network is at fault only where the site gave no answer at all and every canary failed too.
    """
    around = around or Surroundings()
    status, blame = VERDICTS[kind]
    if late and status is Status.FAILED:
        status = Status.TIMED_OUT
    if around.short_of and kind in _MAY_BE_OURS:
        return Judgement(status=Status.ERRORED, blame=Blame.RUNNER, because=around.short_of)
    if around.cut_off and wants_a_look(kind, site_answered=site_answered):
        said = f"no canary answers either ({', '.join(name for name, _ in around.canaries)})"
        if site_answered:
            return Judgement(status=status, blame=Blame.NETWORK, because=said)
        return Judgement(status=Status.ERRORED, blame=Blame.RUNNER, because=said)
    if kind is Kind.SILENT and around.door_opens is False:
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
