"""Decides which slots are due now, and which were missed and why: a pure function of the grid and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Grid

LOOKS_BACK = timedelta(hours=24)
"""The age of the oldest slots that are still recorded as missed after a longer outage."""
OVERLAP = "the previous run was still under way"
DOWN = "the runner was not running"
LEFT = "another runner of this location had claimed it, and was heard no more"
STOPPED = "the runner was stopped before the run had ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Holds a slot that was not run, with the reason."""

    slot: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Holds the result of one check: the slot to run now (None for none), and the missed ones."""

    run: datetime | None
    missed: tuple[Missed, ...] = ()


def due(
    grid: Grid,
    *,
    handled: datetime,
    now: datetime,
    under_way_since: datetime | None,
    began_at: datetime,
    late_s: float,
    jumped_s: float = 0.0,
) -> Due:
    """Return which slots between `handled` and `now` are to be run or were missed.

    `handled` is the last slot that has been dealt with. `under_way_since` is the slot of the current run, None if there
    is none. `began_at` is the start of this runner: earlier slots were missed because it was not running. `late_s` is
    the number of seconds after its slot that a run may still start. `jumped_s` is by how many seconds the clock was set
    forward since the last check. A clock that was set back makes no slot due twice, because `handled` only grows.
    """
    slots = list(grid.between(max(handled, now - LOOKS_BACK), now))
    if not slots:
        # Only the newest slot is run: an older one would measure the present and be recorded as the past.
        return Due(run=None)
    last = slots[-1]
    late = (now - last).total_seconds()
    runs_now = under_way_since is None and late <= late_s
    skipped = slots[:-1] if runs_now else slots
    # Slots that the clock jumped over never took place.
    jumped_from = now - timedelta(seconds=jumped_s) if jumped_s else None
    reasons = (_reason(slot, now, under_way_since, began_at, late_s, jumped_from) for slot in skipped)
    missed = tuple(Missed(slot=slot, reason=reason) for slot, reason in zip(skipped, reasons, strict=True))
    return Due(run=last if runs_now else None, missed=missed)


def _reason(
    slot: datetime,
    now: datetime,
    under_way_since: datetime | None,
    began_at: datetime,
    late_s: float,
    jumped_from: datetime | None,
) -> str:
    if slot < began_at:
        return DOWN
    if jumped_from is not None and slot > jumped_from:
        return f"the clock was set forward by {(now - jumped_from).total_seconds():.0f} s, or the machine slept"
    if under_way_since is not None and slot > under_way_since:
        return OVERLAP
    return f"the runner could have started it {(now - slot).total_seconds():.0f} s late only (limit {late_s:g} s)"
