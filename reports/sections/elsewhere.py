"""Builds the section on the same error at other times, at other locations and in other journeys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Run, Status
from reports import words

WINDOWS = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7))
"""The periods that are counted, each of which ends at the same moment."""
_ANSWERED = re.compile(r"\b([A-Z]{3,7} \S+) answered (\d{3})\b")
_VARYING = re.compile(r"\b\d+(?:[.,]\d+)*(?![\w-])|\b(?=[\w-]*\d)[\w-]+")
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """Holds how often one error ended a run of a journey at a location: `counts` has a number for each of `WINDOWS`.

    `last_run` is the id of the last of these runs.
    """

    journey: str
    location: str
    failed_step: str | None
    error: str | None
    counts: tuple[int, ...]
    first_at: datetime
    last_at: datetime
    last_run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElsewhereRow:
    """Holds a location: the number of runs in each window, the journeys, and the last of the runs."""

    location: str
    counts: tuple[str, ...]
    journeys: str
    last_run: str
    last_at: str
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Holds the section. `signature` is what makes errors the same; `until` is when the windows end, None for now."""

    signature: str
    sentence: str
    rows: tuple[ElsewhereRow, ...]
    until: str | None


def signature_of(failed_step: str | None, error: str | None) -> str | None:
    """Return what makes two errors the same: the request and its status, or the step and the message without its numbers.

    None for a run without an error.
    """
    if not error:
        return None
    answered = _ANSWERED.search(error)
    if answered is not None:
        return f"{answered[1]} answered {answered[2]}"
    message = error.removeprefix(f"{failed_step}: ").partition("; ")[0]
    plain = _VARYING.sub("…", message)[:_LONGEST]
    return f"{failed_step}: {plain}" if failed_step else plain


def elsewhere_section(run: Run, counts: Sequence[ErrorCount], *, until: datetime, is_past: bool) -> Elsewhere | None:
    """Return the section of a run that did not pass; None for any other.

    `counts` may hold other errors, which are left out. `until` is when the windows end; `is_past` says that this is not now.
    """
    signature = signature_of(run.failed_step, run.error)
    if signature is None or run.status in (Status.PASSED, Status.MISSED, Status.SKIPPED):
        return None
    same = [one for one in counts if signature_of(one.failed_step, one.error) == signature]
    places = sorted({one.location for one in same}, key=lambda name: (name != run.location, name))
    return Elsewhere(
        signature=signature,
        sentence=_sentence(same),
        rows=tuple(_row(name, [one for one in same if one.location == name], run.location) for name in places),
        until=words.utc(until) if is_past else None,
    )


def _sentence(same: Sequence[ErrorCount]) -> str:
    total = sum(one.counts[-1] for one in same)
    if total <= 1:
        return "No other run of these 7 days ended like this."
    parts = [words.count(total, "run")]
    parts.append(words.count(len({one.location for one in same}), "location"))
    parts.append(words.count(len({one.journey for one in same}), "journey"))
    return f"{words.listed(parts)} in 7 days, first at {words.utc(min(one.first_at for one in same))}."


def _row(location: str, same: Sequence[ErrorCount], here: str) -> ElsewhereRow:
    last = max(same, key=lambda one: one.last_at)
    return ElsewhereRow(
        location=location,
        counts=tuple(f"{sum(one.counts[n] for one in same):,}" for n in range(len(WINDOWS))),
        journeys=", ".join(sorted({one.journey for one in same})),
        last_run=last.last_run,
        last_at=words.utc(last.last_at),
        is_here=location == here,
    )
