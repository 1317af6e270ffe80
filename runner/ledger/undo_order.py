"""Calls a journey's `undo` for one order in a process of its own: `python -m runner.ledger.undo_order`.

The order arrives on standard input. The function is foreign code: it may hang, crash or leave processes behind, so
`runner/ledger/own_undo.py`, which starts this process, limits its time. The result is one line of JSON on standard
output, `{"error": null}` or `{"error": "why it is not undone"}`; no result means no success.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from facts import from_wire
from journeys.import_path import importable_beside
from journeys.placed_order import PlacedOrder
from journeys.registry import JourneyError, load_journey, place_in
from redact import Scrubber
from runner.attempt.descendants import die_with_parent

NO_UNDO = "no undo"
"""The error for an order whose journey has no `undo` function. It is permanent: there is no retry."""
_LONGEST = 300


def why_not_undone(order: PlacedOrder, journeys_dir: str | None) -> str | None:
    """Call the `undo` of the order's journey; return None if it succeeded, else why the order is not undone."""
    try:
        journey = load_journey(order.journey, journeys_dir)
    except JourneyError as error:
        return f"its journey does not load: {error}"
    if journey.undo is None:
        return NO_UNDO
    try:
        with importable_beside(journey.file):
            answer = journey.undo(order)
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything
        where = Path(place_in(Path(journey.file), error)).name
        why = f"its undo raised {type(error).__name__} at {where}: {' '.join(str(error).split())}"
    else:
        if answer is None or answer is True:
            return None
        why = f"its undo returned {answer!r}; it returns nothing, or True, where the order is undone"
    return Scrubber(order.secrets).mask(why)[0][:_LONGEST]


def main() -> None:
    """Read the order, call the function, and write the result."""
    die_with_parent()
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    # The function's own output may hold anything: it is neither the result nor logged.
    answer_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ.update(told["proxies"])
    error = why_not_undone(from_wire(PlacedOrder, told["order"]), told["journeys_dir"])
    os.write(answer_to, json.dumps({"error": error}).encode() + b"\n")
    os._exit(0)  # without waiting for threads that the function left running


if __name__ == "__main__":
    main()
