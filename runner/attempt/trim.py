"""Shortens a run to the size that the hub accepts, 128 KiB of JSON; everything that is left out is counted."""

from __future__ import annotations

import json
from dataclasses import replace

from facts import Attempt, Request, Run, to_wire

AT_MOST = 128 * 1024


def trimmed(run: Run) -> Run:
    """Return the run, unchanged if it fits, else with fewer ordinary requests and console lines; failed requests are kept longest."""
    keep = 400
    left_out = _left_out(run)
    cut = replace(run, cut=left_out) if left_out else run
    while len(json.dumps(to_wire(cut)).encode()) > AT_MOST and keep > 0:
        keep //= 2
        attempts = tuple(_shorter(attempt, keep) for attempt in run.attempts)
        counts = {
            kind: _size(run.attempts, kind) - _size(attempts, kind)
            for kind in ("requests", "console", "vitals", "dialogs")
        }
        counts = {kind: counts.get(kind, 0) + left_out.get(kind, 0) for kind in {**counts, **left_out}}
        counted = next((a for a in attempts if a.number == run.counts), None)
        vitals = counted.vitals if counted else ()
        cut = replace(run, attempts=attempts, vitals=vitals, cut={kind: n for kind, n in counts.items() if n})
    return cut


def _shorter(attempt: Attempt, keep: int) -> Attempt:
    return replace(
        attempt,
        requests=_worth_most(attempt.requests, keep),
        console=attempt.console[:keep],
        dialogs=attempt.dialogs[: max(20, keep)],
        vitals=attempt.vitals[: max(42, keep)],
        page_text=attempt.page_text[: max(500, keep * 10)] if attempt.page_text else None,
    )


def _left_out(run: Run) -> dict[str, int]:
    """Return the number of items that the attempts themselves left out, by kind."""
    kinds = [kind for attempt in run.attempts for kind in attempt.left_out]
    return {kind: sum(attempt.left_out.get(kind, 0) for attempt in run.attempts) for kind in kinds}


def _worth_most(requests: tuple[Request, ...], keep: int) -> tuple[Request, ...]:
    telling = [r for r in requests if r.failure or (r.status or 0) >= 400 or r.kind in ("document", "fetch", "xhr")]
    rest = [r for r in requests if r not in telling]
    chosen = {id(r) for r in (telling + rest)[:keep]}
    return tuple(r for r in requests if id(r) in chosen)


def _size(attempts: tuple[Attempt, ...], kind: str) -> int:
    return sum(len(getattr(attempt, kind)) for attempt in attempts)
