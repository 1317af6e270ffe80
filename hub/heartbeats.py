"""Reads the heartbeats of runners, and converts runs to the hub's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from facts import Attempt, Heartbeat, Run, WireError, from_wire
from hub.records import storable
from process.logs import get_logger

_log = get_logger("sixfb.hub")
_LONGEST_ID, _LONGEST_VERSION, _LONGEST_TROUBLE = 100, 40, 300
_MOST = 1_000_000_000
_FARTHEST = timedelta(days=3650)


def read(told: Any, *, now: datetime) -> Heartbeat | None:
    """Return the heartbeat in an envelope; None if it has none that can be read, which does not affect the runs.

    The skew of a clock that is years off is limited, so that it can be stored.
    """
    if told is None:
        return None
    try:
        beat = from_wire(Heartbeat, told)
    except WireError as error:
        _log.warning("heartbeat_unreadable", error=storable(str(error))[:200])
        return None
    sent_at = beat.sent_at
    if sent_at is not None and abs(sent_at - now) > _FARTHEST:
        sent_at = now + (_FARTHEST if sent_at > now else -_FARTHEST)
    return replace(
        beat,
        sent_at=sent_at,
        id=beat.id[:_LONGEST_ID],
        version=beat.version[:_LONGEST_VERSION],
        spool=min(max(beat.spool, 0), _MOST),
        rejected=min(max(beat.rejected, 0), _MOST),
        trouble=beat.trouble[:_LONGEST_TROUBLE] if beat.trouble else None,
        refusal=beat.refusal[:_LONGEST_TROUBLE] if beat.refusal else None,
    )


def set_right(run: Run, ahead_s: float) -> Run:
    """Return the run with its times moved from a clock that is `ahead_s` seconds ahead of the hub's (negative: behind).

    Its slot stays, because runner and hub agree on the planned slot.
    """
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
