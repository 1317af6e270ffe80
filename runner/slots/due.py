"""Which slots are due now, and which nobody ran and why: a pure look at the grid, whatever woke us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Grid

LOOKS_BACK = timedelta(hours=24)
OVERLAP = "the previous run was still under way"
DOWN = "the runner was not running"
LEFT = "another runner of this location had claimed it, and was heard no more"
STOPPED = "the runner was stopped before the run had ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A slot that nobody ran, with the reason."""

    slot: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a look at the grid came to: the slot to run now (None: none), and those that were missed."""

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
    """The slots after the last one `handled`, up to now.

    `under_way_since` is the slot of the run that is still under way; `began_at` is when this runner started: what lies
    before that was missed because it was down. `jumped_s` is by how much the clock was set forward since the last look; one
    that was set back makes nothing due twice: `handled` only grows.
    """
    slots = list(grid.between(max(handled, now - LOOKS_BACK), now))
    if not slots:
        return Due(run=None)
    last = slots[-1]
    late = (now - last).total_seconds()
    runs_now = under_way_since is None and late <= late_s
    skipped = slots[:-1] if runs_now else slots
    # What the clock has jumped over never came.
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
