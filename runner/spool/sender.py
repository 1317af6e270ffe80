"""Sends spooled results to the hub, oldest first, until it has them."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from facts import Failpoint, go_on, to_wire
from process.logs import get_logger
from runner.clock import utc_now
from runner.spool.hub_client import Answered, HubClient, HubError
from runner.spool.spool import Kept, Spool

_log = get_logger("sixfb.runner")
_FIRST_S, _LONGEST_S, _PAUSE_S = 1.0, 60.0, 60.0
_LONGEST_WAIT_S = 600.0
# The hub considers a runner silent after two and a half minutes; a heartbeat goes out several times in that period.
_BEAT_S = 20.0


class Sender:
    """Runs a thread that empties the spool, and sends heartbeats when the spool is empty.

    `trouble` describes why sending fails, None while it succeeds. `about` returns the fields about the runner that each
    batch carries (`facts.Heartbeat`, and more).
    """

    def __init__(
        self,
        spool: Spool,
        hub: HubClient,
        *,
        jitter: Callable[[], float] = random.random,
        at: Failpoint = go_on,
        longest_s: float = _LONGEST_S,
        about: Callable[[], Mapping[str, Any]] = dict,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool, self._hub, self._jitter, self._at, self._longest_s = spool, hub, jitter, at, longest_s
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._go, name="sender", daemon=True)
        self._failures = 0
        self._is_held = False
        self._about, self._clock, self._monotonic = about, clock, monotonic
        self._told_at: float | None = None
        self.trouble: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Wake the thread, because the spool has a new result."""
        self._wake.set()

    def stop(self, *, within_s: float = 5.0) -> None:
        """Stop the thread; unsent results stay in the spool."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _go(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            try:
                wait = self.send_all()
            except (sqlite3.Error, OSError) as error:
                # The sent results could not be marked as sent: they are sent again, and the hub recognizes them as duplicates.
                _log.exception("spool_unusable")
                self._is_held = False
                self.trouble, wait = f"the spool cannot be used: {error}", self._longest_s
            # A pause that the hub demands is kept, even if new results arrive meanwhile.
            (self._ended if self._is_held else self._wake).wait(wait)

    def send_all(self) -> float:
        """Send until the spool is empty or the hub refuses; return how many seconds to wait before the next try."""
        try:
            while batch := self._spool.waiting():
                self._evidence([kept.run_id for kept in batch])
                self._send(batch)
                self._failures = 0
                if self._ended.is_set():
                    break
            self._loose_evidence()
            self._beat()
        except HubError as error:
            return self._after(error)
        self.trouble, self._is_held = None, False
        return min(self._longest_s, _BEAT_S)

    def _beat(self) -> None:
        """Send a heartbeat, unless a batch was sent recently."""
        if self._told_at is None or self._monotonic() - self._told_at > _BEAT_S / 2:
            self._tell([])

    def _tell(self, batch: Sequence[Kept]) -> list[Answered]:
        refused = self._spool.rejected()
        why = refused[-1][1] if refused else None
        about = {**self._about(), "rejected": len(refused), "refusal": why, "sent_at": to_wire(self._clock())}
        # This batch's own results are not counted as waiting, so a runner whose hub responds reports none.
        answers = self._hub.send_runs(batch, spooled=self._spool.depth() - len(batch), about=about)
        self._told_at = self._monotonic()
        return answers

    def _send(self, batch: Sequence[Kept]) -> None:
        self._at("send.before")
        try:
            answers = self._tell(batch)
        except HubError as error:
            if not error.permanent:
                raise
            self._halve(batch, error)
            return
        self._at("send.answered")
        self._note(batch, answers)

    def _halve(self, batch: Sequence[Kept], error: HubError) -> None:
        """Send a batch that the hub refuses for its content in halves, to set aside the bad record and deliver the others."""
        if len(batch) == 1:
            self._set_aside(batch[0].run_id, str(error))
            return
        middle = len(batch) // 2
        self._send(batch[:middle])
        self._send(batch[middle:])

    def _note(self, batch: Sequence[Kept], answers: Sequence[Answered]) -> None:
        told = {answer.id: answer for answer in answers}
        for kept in batch:
            answer = told.get(kept.run_id)
            if answer is None:
                raise HubError(f"the hub's answer leaves {kept.run_id} out")
            if answer.result == "rejected":
                self._set_aside(kept.run_id, answer.reason or "no reason given")
        self._spool.sent([kept.run_id for kept in batch if told[kept.run_id].result != "rejected"])

    def _set_aside(self, run_id: str, reason: str) -> None:
        _log.error("run_set_aside", run_id=run_id, reason=reason)
        self._spool.reject(run_id, reason)

    def _evidence(self, run_ids: Sequence[str]) -> None:
        """Send the evidence of some runs before the runs, so that no page links to a missing file; if that fails, the runs go first."""
        for artifact in self._spool.artifacts_of(run_ids):
            try:
                self._hub.put_evidence(artifact)
            except HubError as error:
                if error.pause or error.wait_s is not None:
                    raise
                if not error.permanent:
                    return
                _log.error("evidence_refused", sha256=artifact.sha256, error=str(error))
            except FileNotFoundError:
                _log.warning("evidence_gone", sha256=artifact.sha256)
            self._spool.artifact_sent(artifact)

    def _loose_evidence(self) -> None:
        for artifact in self._spool.loose_artifacts():
            try:
                self._hub.put_evidence(artifact)
            except HubError as error:
                if not error.permanent:
                    raise
            except FileNotFoundError:
                _log.warning("evidence_gone", sha256=artifact.sha256)
            self._spool.artifact_sent(artifact)

    def _after(self, error: HubError) -> float:
        if self.trouble != str(error):
            # A refused token stays refused until a person acts; other problems may resolve themselves.
            level = logging.ERROR if error.pause else logging.WARNING
            hint = "; set SIXFB_TOKEN to this location's token (`sixfb token create`)" if error.pause else ""
            _log.log(level, "results_wait", spooled=self._spool.depth(), paused=error.pause, error=f"{error}{hint}")
        self.trouble = str(error)
        self._is_held = error.pause or error.wait_s is not None
        if error.pause:
            return _PAUSE_S
        self._failures += 1
        longest: float = min(self._longest_s, _FIRST_S * 2.0 ** min(self._failures, 10))
        # Full jitter, so that many runners do not return to a recovered hub at the same moment.
        return max(0.05, longest * self._jitter(), min(error.wait_s or 0.0, _LONGEST_WAIT_S))
