"""Validates the content of a run: it must be of this hub's locations, with valid names and plausible times."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from facts import Run, Status

_AHEAD = timedelta(minutes=5)
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
_LONGEST_MS = 24 * 3600 * 1000.0
# It starts and ends with characters that no shell, file system, browser or chat interprets: `..` is not a run's page.
_ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._:-]{0,198}[A-Za-z0-9_])?")
_LONGEST_NAME = {"journey": 100, "location": 64, "failed_step": 100}
ID_RULE = (
    "1 to 200 letters, digits, dots, colons, hyphens or underscores, without a slash, "
    "and a letter, digit or underscore at both ends"
)


def is_run_id(text: str) -> bool:
    """Return whether a text can be the id of a run, and so the end of a URL and the name of a file."""
    return _ID.fullmatch(text) is not None


def validate_run(run: Run, *, sent_from: str | None, locations: Collection[str], now: datetime) -> str | None:
    """Return why a run must be rejected, with the key; None if it is valid. `sent_from` is the location of its batch."""
    return _wrong_place(run, sent_from, locations) or _wrong_name(run) or _wrong_time(run, now)


def _wrong_place(run: Run, sent_from: str | None, locations: Collection[str]) -> str | None:
    if sent_from is not None and run.location != sent_from:
        return f"location: the run is of {run.location}, the batch of {sent_from}"
    if run.slot is not None and run.location not in locations:
        return f"location: {run.location!r} is not in the hub's locations.yaml ({', '.join(sorted(locations))})"
    return None


def _wrong_name(run: Run) -> str | None:
    if not is_run_id(run.id):
        return f"id: {ID_RULE}"
    for name, most in _LONGEST_NAME.items():
        value = getattr(run, name)
        if value is not None and not 1 <= len(value) <= most:
            return f"{name}: 1 to {most} characters, this has {len(value)}"
    first = run.attempts[0].failed_step if run.attempts else None
    if first is not None and len(first) > _LONGEST_NAME["failed_step"]:
        return f"attempts[0].failed_step: at most {_LONGEST_NAME['failed_step']} characters"
    return None


def is_of_the_future(run: Run, now: datetime) -> bool:
    """Return whether a run's slot or start is in the hub's future by more than the tolerated clock difference."""
    return max(m for m in (run.slot, run.started_at) if m is not None) > now + _AHEAD


def _wrong_time(run: Run, now: datetime) -> str | None:
    moments = [m for m in (run.slot, run.started_at) if m is not None]
    if is_of_the_future(run, now):
        return f"slot: {max(moments):%Y-%m-%dT%H:%M:%SZ} is in the hub's future; set the runner's clock"
    if min(moments) < _EARLIEST:
        return f"slot: {min(moments).isoformat()} is before {_EARLIEST:%Y}; set the runner's clock"
    if run.finished_at < run.started_at:
        return "finished_at: before started_at"
    if run.slot is None and run.status in (Status.MISSED, Status.SKIPPED):
        return f"slot: a {run.status} run is a slot's, and names none"
    if not 0 <= run.duration_ms <= _LONGEST_MS:
        return f"duration_ms: {run.duration_ms:g} is not between 0 and a day"
    return None
