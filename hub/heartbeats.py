"""What runners say of themselves: kept by location and runner, and their clocks held against ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from config.logs import get_logger
from facts import Attempt, Heartbeat, Run, RunnerState, WireError, from_wire
from hub.records import UnfitError, storable, tidied
from store import Store, runners

_log = get_logger("sixfb.hub")
_LONGEST_ID, _LONGEST_VERSION, _LONGEST_TROUBLE = 100, 40, 300
_MOST = 1_000_000_000
_FARTHEST = timedelta(days=3650)


def read(told: Any) -> Heartbeat | None:
    """What an envelope says of its runner; None where it says nothing that can be read, which costs no run."""
    if told is None:
        return None
    try:
        beat = from_wire(Heartbeat, tidied(told))
    except (UnfitError, WireError) as error:
        _log.warning("heartbeat_unreadable", error=storable(str(error))[:200])
        return None
    return replace(
        beat,
        id=beat.id[:_LONGEST_ID],
        version=beat.version[:_LONGEST_VERSION],
        spool=min(max(beat.spool, 0), _MOST),
        rejected=min(max(beat.rejected, 0), _MOST),
        trouble=beat.trouble[:_LONGEST_TROUBLE] if beat.trouble else None,
    )


def note(store: Store, location: str, beat: Heartbeat, *, now: datetime) -> RunnerState:
    """Keep it; what is known of this runner now. A clock that is years off tells of itself, but is no number to keep."""
    if beat.sent_at is not None and abs(beat.sent_at - now) > _FARTHEST:
        beat = replace(beat, sent_at=now + (_FARTHEST if beat.sent_at > now else -_FARTHEST))
    with store.write() as connection:
        return runners.note(connection, location, beat, now=now)


def set_right(run: Run, ahead_s: float) -> Run:
    """The run with the hub's times instead of those of a clock that is so far ahead (negative: behind). Its slot stays:
    which of the planned moments it was is what runner and hub agree on."""
    ahead = timedelta(seconds=ahead_s)
    way = "ahead of" if ahead_s > 0 else "behind"
    return replace(
        run,
        started_at=run.started_at - ahead,
        finished_at=run.finished_at - ahead,
        attempts=tuple(_moved(attempt, ahead) for attempt in run.attempts),
        notes=(*run.notes, f"The runner's clock was {abs(ahead_s):.0f} s {way} the hub's; its times were set right."),
    )


def _moved(attempt: Attempt, ahead: timedelta) -> Attempt:
    return replace(attempt, started_at=attempt.started_at - ahead)
