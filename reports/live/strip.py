"""Renders a strip of slots: one box for each slot, the newest on the right, each linked to its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Grid, Outcome, Status
from reports.words import STATUSES, duration

SLOTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Holds one slot. `kind` is its CSS class, `words` its text for screen readers; `run_id` is None if there is no record yet."""

    kind: str
    words: str
    run_id: str | None


def strip(
    grid: Grid, period_s: int, outcomes: Sequence[Outcome], now: datetime, *, slots: int = SLOTS
) -> tuple[Box, ...]:
    """Return the last slots of a journey at a location. A slot whose run may still be under way shows as waiting."""
    known = {outcome.slot: outcome for outcome in outcomes}
    since = grid.at_or_before(now) - timedelta(seconds=period_s * slots)
    return tuple(_box(slot, known.get(slot), now) for slot in grid.between(since, now))


def _box(slot: datetime, outcome: Outcome | None, now: datetime) -> Box:
    at = f"{slot:%H:%M:%S}"
    if outcome is None:
        waits = now - slot < timedelta(minutes=2)
        return Box(
            kind="waits" if waits else "unknown", words=f"{at} {'under way' if waits else 'no word yet'}", run_id=None
        )
    flags = [name for name, on in (("slow", outcome.slow), ("flaky", outcome.flaky)) if on]
    passed = outcome.status is Status.PASSED
    kind = (flags[-1] if flags else "passed") if passed else outcome.status.value
    took = f", {duration(outcome.duration_ms)}" if passed else f": {outcome.error}" if outcome.error else ""
    said = f"{at} {STATUSES[outcome.status]}{''.join(f', {flag}' for flag in flags)}{took}"
    return Box(kind=kind, words=said[:200], run_id=outcome.run_id)
