"""Keeps every result on disk and then sends it to the hub; while the disk is full, results wait in memory."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import datetime

from facts import Run, Status, to_wire
from process.logs import get_logger
from runner.attempt.evidence import delist
from runner.health import RunnerHealth
from runner.metrics import Measures
from runner.settings import RunnerSettings
from runner.spool.sender import Sender
from runner.spool.spool import Spool

_log = get_logger("sixfb.runner")


class Results:
    """Keeps the results of one runner. Thread-safe."""

    def __init__(
        self, settings: RunnerSettings, *, spool: Spool, sender: Sender, measures: Measures, troubles: RunnerHealth
    ) -> None:
        self._store, self._evidence_bytes = settings.evidence, settings.evidence_bytes
        self._spool, self._sender, self._measures, self._health = spool, sender, measures, troubles
        self._unkept: dict[tuple[str, datetime | None], Run] = {}

    def keep(self, run: Run) -> None:
        """Keep a result on disk, or in memory until the disk has space."""
        key, store = (run.journey, run.slot), self._store
        try:
            self._spool.keep(run, store)
        except sqlite3.Error as error:
            if key not in self._unkept:
                _log.exception("run_not_written", run_id=run.id, journey=run.journey)
            self._unkept[key] = run
            self._health.report("disk", f"its disk takes nothing ({error}); {len(self._unkept)} results wait in memory")
            return
        self._unkept.pop(key, None)
        if not self._unkept:
            self._health.clear("disk")
        delist(run.id, store=store)
        gone = self._spool.make_room(self._evidence_bytes)
        if gone:
            _log.warning("evidence_let_go", files=gone)
        self._measures.ended(run)
        _tell(run)
        self._sender.wake()

    def keep_what_waits(self) -> None:
        """Try again to write to disk the results that wait in memory."""
        with suppress(RuntimeError):  # another thread has changed the results meanwhile: the next call handles them
            for run in list(self._unkept.values()):
                self.keep(run)


def _tell(run: Run) -> None:
    about = {"run_id": run.id, "journey": run.journey, "slot": to_wire(run.slot), "status": run.status}
    if run.status is Status.MISSED:
        _log.warning("slot_missed", **about, reason=run.error)
        return
    said = {"blame": run.blame, "failed_step": run.failed_step, "error": run.error} if run.error else {}
    tell = _log.error if run.status is Status.ERRORED else _log.info
    tell("run_ended", **about, duration_ms=round(run.duration_ms), attempts=len(run.attempts), **said)
