"""Undoes an order of a custom journey through the journey's `undo` function, each call in its own process with a timeout."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from facts import to_wire
from journeys.placed_order import PlacedOrder
from runner.attempt.environment import bare_environment
from runner.ledger.entries import NOBODY_UNDOES, Entry, State
from runner.ledger.undo import UndoError, Undone
from runner.ledger.undo_order import NO_UNDO

LIMIT_S = 20.0
"""The timeout of one `undo` call, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUndo:
    """Holds the settings for calling a journey's `undo` function.

    `journeys_dir` is the folder that journeys are loaded from. The function gets the environment variables that a
    journey gets, and the proxy variables in `proxies`. `limit_s` is its timeout in seconds.
    """

    journeys_dir: str | None
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    limit_s: float = LIMIT_S

    def __call__(self, entry: Entry) -> Undone:
        """Undo one order. Raises UndoError if its journey did not."""
        error = self._ask(_placed(entry))
        if error == NO_UNDO:
            return Undone(state=State.ORDERED, note=NOBODY_UNDOES)
        if error is not None:
            raise UndoError(error)
        return Undone(state=State.UNDONE)

    def _ask(self, order: PlacedOrder) -> str | None:
        wire = {name: value for name, value in to_wire(order).items() if not name.startswith("_")}
        told = json.dumps({"order": wire, "journeys_dir": self.journeys_dir, "proxies": dict(self.proxies)})
        with tempfile.TemporaryDirectory(prefix="sixfb-undo-", ignore_cleanup_errors=True) as folder:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "runner.ledger.undo_order"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=bare_environment(folder),
                # A session of its own, so that its whole process group can be killed.
                start_new_session=True,
            )
            try:
                said, errors = child.communicate(told.encode() + b"\n", timeout=self.limit_s)
            except subprocess.TimeoutExpired:
                return f"its undo took longer than {self.limit_s:g} s and was ended"
            finally:
                # Kills the whole process group, which includes a browser that the function has started.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                for pipe in (child.stdin, child.stdout, child.stderr):
                    if pipe is not None:
                        with contextlib.suppress(OSError):
                            pipe.close()
        try:
            error = json.loads(said)["error"]
        except (ValueError, KeyError, TypeError):
            last = errors.decode(errors="replace").strip().splitlines()[-1:]
            return f"the process of its undo ended with {child.returncode} and no answer{f': {last[0]:.200}' if last else ''}"
        return None if error is None else str(error)


def _placed(entry: Entry) -> PlacedOrder:
    return PlacedOrder(
        order_id=entry.order_id or "",
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        run_id=entry.run_id,
        journey=entry.journey,
        location=entry.location,
        placed_at=entry.noted_at,
        base_url=entry.base_url or "",
    )


Undo = Callable[[Entry], Undone]
