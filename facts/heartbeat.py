"""Defines a runner's report about itself, and the hub's state of a runner."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime

SKEWS_KEPT = 5
SANDBOX_OFF = "browser sandbox off"
SANDBOX_HINT = (
    "what a page breaks out of, nothing in the browser holds: run it as another user than root, in a container with "
    "deploy/seccomp.json, and without SIXFB_SANDBOX=off (docs/deploy.md)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Holds the field `"runner": {...}` of a batch's envelope; it is sent at least once a minute, even without runs.

    `id` identifies the runner among those of its location. `spool` is how many more results wait on its disk,
    `rejected` how many the hub finally refused, and `refusal` why it refused the last of those. `sent_at` is the time
    by its own clock. `trouble` is a sentence on what keeps it from measuring. `sandbox` is whether its browser runs in
    Chromium's sandbox; None if an older runner does not report it.
    """

    id: str = ""
    version: str = ""
    spool: int = 0
    rejected: int = 0
    sent_at: datetime | None = None
    trouble: str | None = None
    sandbox: bool | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerState:
    """Holds one runner as the hub last heard it.

    `skews` are the seconds by which its clock was ahead of the hub's in its last five messages, the newest last.
    """

    location: str
    id: str
    heard_at: datetime
    version: str = ""
    spool: int = 0
    rejected: int = 0
    sent_at: datetime | None = None
    trouble: str | None = None
    sandbox: bool | None = None
    refusal: str | None = None
    skews: tuple[float, ...] = ()

    @property
    def skew_s(self) -> float | None:
        """The seconds by which its clock is ahead (negative: behind): the median of five messages, None while there are fewer.

        One slow message looks like a clock that is behind; three slow ones of five are unlikely.
        """
        return statistics.median(self.skews) if len(self.skews) >= SKEWS_KEPT else None
