"""Defines the hub's named jobs: the results of their last runs, and when they run next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobOutcome(StrEnum):
    """The outcome of one run of a job."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CUT_OFF = "cut off"
    """The hub that ran it ended, or lost its lease, in the middle of it."""
    SKIPPED = "skipped"
    """Its time passed while no hub could run it, and the job does not catch up."""

    @property
    def bad(self) -> bool:
        """Return whether the work was begun and not done."""
        return self in (JobOutcome.FAILED, JobOutcome.TIMED_OUT, JobOutcome.CUT_OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a job.

    `key` names its slot, once for ever: the local date of a job at a local time, the moment of one at an interval. `slot` is
    when it was to start. `tries` counts how often the slot was tried. `result` is one sentence. `late` is true where the slot was
    missed and caught up. `requested_by` is the person who asked for it; None where the schedule did.
    """

    job: str
    key: str
    slot: datetime
    outcome: JobOutcome
    tries: int
    started_at: datetime
    ended_at: datetime | None = None
    duration_s: float | None = None
    result: str = ""
    late: bool = False
    requested_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Holds the state of a job.

    `last_key` to `slot_first_at` are of the newest slot that was claimed, `last_outcome` to `last_by` of the newest run, which a
    person may have asked for. `failures` counts those in a row. Until `not_before` nothing is tried; where the failure was
    `permanent`, that holds for the process `refused_by` alone: another one may have other settings. `succeeded` and `failed`
    only grow.
    """

    job: str
    known_since: datetime
    last_key: str | None = None
    last_slot: datetime | None = None
    claimed_at: datetime | None = None
    slot_outcome: JobOutcome | None = None
    slot_first_at: datetime | None = None
    last_outcome: JobOutcome | None = None
    last_started_at: datetime | None = None
    last_ended_at: datetime | None = None
    last_duration_s: float | None = None
    last_result: str = ""
    last_by: str | None = None
    last_success_at: datetime | None = None
    failures: int = 0
    not_before: datetime | None = None
    permanent: bool = False
    refused_by: str | None = None
    requested_at: datetime | None = None
    requested_by: str | None = None
    next_at: datetime | None = None
    succeeded: int = 0
    failed: int = 0
