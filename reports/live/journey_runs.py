"""Lists the runs of a journey, those that failed first, as rows of its page and as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from facts import Outcome, Status
from reports.live.frame import Ago, ReaderZone, ago
from reports.live.incidents import as_csv, iso
from reports.states import WidgetState
from reports.text import one_line
from reports.words import STATUSES, duration

PAGE_SIZE = 25
_LONGEST_ERROR = 300
MOST_PAGES = 40
"""The pages of the list; whoever needs older runs than these takes the CSV, or a filter."""
COLUMNS = (
    "run_id",
    "slot",
    "location",
    "status",
    "blame",
    "failed_step",
    "error",
    "first_attempt",
    "slow",
    "flaky",
    "duration_ms",
    "started_at",
    "finished_at",
)
STATE_OF_STATUS = {
    Status.PASSED: WidgetState.OK,
    Status.FAILED: WidgetState.CRITICAL,
    Status.TIMED_OUT: WidgetState.CRITICAL,
    Status.ERRORED: WidgetState.WARNING,
    Status.BLOCKED: WidgetState.WARNING,
    Status.MISSED: WidgetState.NO_DATA,
    Status.SKIPPED: WidgetState.OFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Holds the filter that a reader requests: a range and which runs; an empty text is no condition. `page` counts from 1.

    `ranged` are the parts of the address that ask for the range.
    """

    ranged: Mapping[str, str]
    status: str = ""
    location: str = ""
    page: int = 1

    def query(self, **changed: str) -> str:
        """Return the query of the address of the same list with some changes."""
        asked = {**self.ranged, "status": self.status, "location": self.location, **changed}
        return urlencode({key: value for key, value in asked.items() if value}, safe=":")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """Holds one run in short form."""

    run_id: str
    started: str
    slot: str
    location: str
    status: str
    state: WidgetState
    is_failing: bool
    notes: tuple[str, ...]
    took: str
    age: Ago | None
    error: str


def run_rows(outcomes: Sequence[Outcome], zone: ReaderZone, now: datetime) -> tuple[RunRow, ...]:
    """Return the rows of some runs in the same order."""
    return tuple(
        RunRow(
            run_id=one.run_id,
            started=zone.clock(one.started_at, now),
            slot=f"slot {one.slot.astimezone(zone.zone):%H:%M:%S}" if one.slot else "ad hoc",
            location=one.location,
            status=STATUSES[one.status],
            state=STATE_OF_STATUS[one.status],
            is_failing=one.status in (Status.FAILED, Status.TIMED_OUT),
            notes=tuple(name for name, on in (("slow", one.slow), ("flaky", one.flaky)) if on),
            took=duration(one.duration_ms) if one.status is Status.PASSED else "–",
            age=ago(one.finished_at, now),
            error=one_line(one.error or "", most=_LONGEST_ERROR),
        )
        for one in outcomes
    )


def runs_csv(outcomes: Sequence[Outcome]) -> str:
    """Return runs as CSV in the same order; times are ISO 8601 in UTC."""
    return as_csv(
        COLUMNS,
        [
            {
                "run_id": one.run_id,
                "slot": iso(one.slot),
                "location": one.location,
                "status": one.status.value,
                "blame": one.blame.value if one.blame else "",
                "failed_step": one.failed_step or "",
                "error": one.error or "",
                "first_attempt": one.first_status.value if one.first_status else "",
                "slow": str(one.slow).lower(),
                "flaky": str(one.flaky).lower(),
                "duration_ms": round(one.duration_ms),
                "started_at": iso(one.started_at),
                "finished_at": iso(one.finished_at),
            }
            for one in outcomes
        ],
    )
