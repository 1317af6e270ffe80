"""Holds what an attempt has reported so far; it is the only source if the attempt dies before its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facts import Attempt, Evidence, Purchase, Request, Step
from journeys.failure import Failure
from runner.attempt.hang import StackLocation
from runner.attempt.limits import Finding

NO_BROWSER = "no browser"

_CALLS = ("document", "fetch", "xhr", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyLimits:
    """Holds the journey's facts as an attempt reports them: its steps in order, title, whether it may buy, and limits in seconds."""

    steps: tuple[str, ...] = ()
    title: str | None = None
    buys: bool = True
    slow_after_s: float | None = None
    deadline_s: float = 0.0
    step_s: float = 0.0


@dataclass(kw_only=True)
class AttemptObservation:
    """Holds one attempt as the supervisor observes it.

    `attempt` and `failure` are its own report at the end of its walk; `so_far` is the partial report that it gives when
    asked, together with `place`. `step_since` and `began` (its first step) are seconds of the monotonic clock. `unable`
    is why it could not walk. `finding` is why it had to be ended, None if it ended by itself.
    """

    number: int
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    folder: Path = field(default_factory=Path)
    attempt: Attempt | None = None
    failure: Failure | None = None
    browser: str = NO_BROWSER
    unable: str | None = None
    unable_journey: bool = False
    done: bool = False
    step: str | None = None
    step_since: float = 0.0
    began: float | None = None
    waited_s: float = 0.0
    steps: dict[str, Step] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    last_words: str = ""
    finding: Finding | None = None
    place: StackLocation | None = None
    so_far: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    page_never_rested: bool = False

    @property
    def pending(self) -> Request | None:
        """The oldest request of the current step that never got a response; None if there is none."""
        return next(
            (
                r
                for r in self.so_far.get("requests", ())
                if r.step == self.step and r.status is None and r.failure == "pending" and r.kind in _CALLS
            ),
            None,
        )
