"""Defines the verdict on one target."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from facts.traits import Traits


class VerdictStatus(StrEnum):
    """The status of a verdict. `off`, `no_data`, `insufficient` and `unproven` are never green."""

    MET = "met"
    OFF_TARGET = "off_target"
    """Worse than the target, better than the warning; shown on pages and in reports, without an alert."""
    WARNING = "warning"
    CRITICAL = "critical"
    UNPROVEN = "unproven"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"
    ERROR = "error"
    OFF = "off"


class Severity(StrEnum):
    """The urgency of an alert."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The position by urgency; 0 is the most urgent."""
        return list(Severity).index(self)


_LONGEST_KEY = 80
"""The longest key: the id of an alert's message contains the key, a destination and more, and is limited to 200 characters."""


def digest_of(text: str) -> str:
    """Return a short digest of a text that is very unlikely to collide."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Holds the verdict of one rule on one journey and subject at one time.

    `breached` is the rule's own firing condition, `clear` its recovery condition; both false means: keep what stands.
    `for_s` is how long a breach must hold, `clear_for_s` how long the clear level must. `severity` is that of an alert which
    fires on it now. `value`, `limit`, `low` and `high` (bounds of the interval the value lies in with 95 %) are in `unit`.
    `n` counts samples; `samples` names the distinct ones that a breach rests on, newest last (run ids, or times where
    `samples_are_runs` is false);
    `data_at` is the age of the newest. `counted` and `left_out` name locations, the latter with the reason. `summary` is the
    sentence a person reads: value beside limit, n, window. `coverage` is 0 to 1. `traits` say what it is about; judging fills them in
    from its rule. `cause` is the newest failure in the words of its run, where runs failed.
    """

    rule: str
    verdict: VerdictStatus
    summary: str
    journey: str | None = None
    subject: str | None = None
    severity: Severity | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0
    coverage: float | None = None
    window: str = ""
    breached: bool = False
    clear: bool = False
    for_s: float = 0.0
    clear_for_s: float = 0.0
    counted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    samples_are_runs: bool = True
    data_at: datetime | None = None
    title: str = ""
    runbook: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    title_past: str = ""
    summary_past: str = ""
    traits: Traits | None = None
    cause: str = ""

    @property
    def key(self) -> str:
        """The key of this verdict's alert: rule, journey and subject; a long one, such as one with a page's name, is shortened."""
        whole = "/".join(part for part in (self.rule, self.journey, self.subject) if part)
        return whole if len(whole) <= _LONGEST_KEY else f"{whole[: _LONGEST_KEY - 13]}~{digest_of(whole)}"
