"""What a runner says of itself, and what the hub knows of it."""

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
    """The envelope of a batch, `"runner": {...}`; at least once a minute, also where there is nothing to send.

    `id` names this very runner among those of its location. `spool` is how many results wait on its disk beside those that
    come with it, `rejected` how many the hub refused for good. `sent_at` is its own clock. `trouble` says in a sentence what
    keeps it from measuring. `sandbox` is whether its browser runs in Chromium's sandbox; None: an older runner, which does not say.
    `refusal` is why the hub refused the last of the `rejected`.
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
    """One runner as the hub last heard it.

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
        """By how much its clock is ahead (negative: behind): the median of five messages, None while there are fewer.

        One slow message looks like a clock that is behind; three of five do not come slowly.
        """
        return statistics.median(self.skews) if len(self.skews) >= SKEWS_KEPT else None
