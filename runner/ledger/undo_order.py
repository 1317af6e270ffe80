"""Calls a journey's `undo` for one order, in a process of its own: `python -m runner.ledger.undo_order`, the order on standard input.

It is somebody's code: it may hang, crash or leave processes behind, so `runner/ledger/own_undo.py`, which starts it, limits its
time. The answer is one line of JSON on standard output, `{"error": null}` or `{"error": "why it is not undone"}`; no answer is no
success.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from facts import from_wire
from journeys.placed_order import PlacedOrder
from journeys.registry import JourneyError, load_journey, place_in
from redact import Scrubber
from runner.attempt.descendants import die_with_parent

NO_UNDO = "no undo"
"""The error for an order whose journey has no `undo` function. It is permanent: there is no retry."""
_LONGEST = 300


def why_not_undone(order: PlacedOrder, journeys_dir: str | None) -> str | None:
    """Call the `undo` of the order's journey; None where it returned, else why the order is not undone."""
    try:
        journey = load_journey(order.journey, journeys_dir)
    except JourneyError as error:
        return f"its journey does not load: {error}"
    if journey.undo is None:
        return NO_UNDO
    try:
        answer = journey.undo(order)
    except Exception as error:  # noqa: BLE001 - a journey is somebody's code: whatever it raises is why it is not undone
        where = Path(place_in(Path(journey.file), error)).name
        why = f"its undo raised {type(error).__name__} at {where}: {' '.join(str(error).split())}"
    else:
        if answer is None or answer is True:
            return None
        why = f"its undo returned {answer!r}; it returns nothing, or True, where the order is undone"
    return Scrubber(order.secrets).mask(why)[0][:_LONGEST]


def main() -> None:
    """Read the order, call the function, tell what came of it."""
    die_with_parent()
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    # What the function prints may hold anything: it is no answer, and stands in no log.
    answer_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ.update(told["proxies"])
    error = why_not_undone(from_wire(PlacedOrder, told["order"]), told["journeys_dir"])
    os.write(answer_to, json.dumps({"error": error}).encode() + b"\n")
    os._exit(0)  # threads that it has left running keep nobody waiting


if __name__ == "__main__":
    main()
