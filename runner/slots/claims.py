"""Shares the slots of a location among its runners: each claims a slot at the hub before it runs it.

A claim lasts a few seconds (`claim_ttl_s`) and is renewed until the hub has the slot's record. If its holder dies, the
claim expires, and the hub grants the slot to a watching runner, which runs it, or records it as missed if it is too
late. If the hub does not answer, every runner runs the slot, and the hub keeps the first record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from facts import Claim, PlannedJourney, Status, claim_ttl_s, to_wire
from process.logs import get_logger
from runner.spool.hub_client import HubClient, HubError

_log = get_logger("sixfb.runner")
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0
# A slot this old is no longer worth watching, and watched slots must not pile up while the hub is unreachable.
_WATCHED_S = 3600.0
Free = Callable[[PlannedJourney, datetime, Claim], bool]
"""Receives a journey, one of its slots that another runner had claimed and this runner now holds, and the hub's response.

Returns False if the slot cannot be run any more; then it is released.
"""


@dataclass(slots=True)
class _Known:
    """Holds a slot that this runner or another one has claimed. Times are seconds of the monotonic clock."""

    planned: PlannedJourney
    slot: datetime
    is_mine: bool
    since: float
    ask_at: float = 0.0

    def asked(self, now: float, *, is_mine: bool) -> None:
        """Set the time of the next claim request.

        This runner's own claim is renewed after a third of its lifetime, so that two renewals may be lost. Another
        runner's claim is requested when it can have expired.
        """
        self.is_mine = is_mine
        ttl_s = claim_ttl_s(self.planned.period_s)
        self.ask_at = now + (ttl_s / 3 if is_mine else ttl_s)


class Claims:
    """Holds the claims of one runner, named `runner` at the hub.

    Thread-safe; `free` is called in the thread of this class.
    """

    def __init__(
        self, hub: HubClient, runner: str, *, free: Free, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub, self._runner, self._free, self._monotonic = hub, runner, free, monotonic
        self._lock = threading.Lock()
        self._known: dict[tuple[str, datetime], _Known] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="claims", daemon=True)

    def start(self) -> None:
        """Start the thread that renews claims and watches those of others."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing claims.

        The slots behind them were measured, so the hub has their records or will get them.
        """
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def ask(self, planned: PlannedJourney, slot: datetime) -> Claim | None:
        """Claim a slot and return the hub's response; None if the hub cannot be reached or responds with an error.

        If another runner holds the slot, it is watched from now on.
        """
        try:
            claim = self._hub.claim(planned.journey, slot, self._runner)
        except HubError as error:
            _log.info("slot_unclaimed", journey=planned.journey, slot=to_wire(slot), error=str(error))
            return None
        self._note(planned, slot, claim)
        return claim

    def release(self, planned: PlannedJourney, slot: datetime) -> None:
        """Release the claim of a slot if this runner holds it, because nothing was measured in it."""
        with self._lock:
            known = self._known.pop((planned.journey, slot), None)
        if known is None or not known.is_mine:
            return
        try:
            self._hub.claim(planned.journey, slot, self._runner, release=True)
        except HubError as error:
            _log.info("claim_not_released", journey=planned.journey, slot=to_wire(slot), error=str(error))

    def round(self) -> None:
        """Repeat the claim request of every slot that is due: own claims are renewed, claims of others may have expired."""
        with self._lock:
            due = [known for known in self._known.values() if known.ask_at <= self._monotonic()]
        for known in due:
            if not self._ended.is_set():
                self._ask_again(known)

    def _ask_again(self, known: _Known) -> None:
        planned, slot, was_mine = known.planned, known.slot, known.is_mine
        now = self._monotonic()
        if now - known.since > _WATCHED_S:
            self._forget(planned, slot)
            return
        known.asked(now, is_mine=was_mine)  # before the request, in case no response comes
        try:
            claim = self._hub.claim(planned.journey, slot, self._runner)
        except HubError as error:
            if error.permanent:
                self._forget(planned, slot)
            return
        self._note(planned, slot, claim)
        if claim.granted and not was_mine and not self._free(planned, slot, claim):
            self.release(planned, slot)

    def _note(self, planned: PlannedJourney, slot: datetime, claim: Claim) -> None:
        # A slot that is recorded as missed may still be run.
        if claim.record not in (None, Status.MISSED):
            self._forget(planned, slot)
            return
        now = self._monotonic()
        with self._lock:
            known = self._known.setdefault((planned.journey, slot), _Known(planned, slot, claim.granted, since=now))
            known.asked(now, is_mine=claim.granted)

    def _forget(self, planned: PlannedJourney, slot: datetime) -> None:
        with self._lock:
            self._known.pop((planned.journey, slot), None)

    def _go(self) -> None:
        while not self._ended.wait(self._pause_s()):
            try:
                self.round()
            except Exception:  # noqa: BLE001 - any error here would end the thread
                _log.exception("claims_not_looked_after")

    def _pause_s(self) -> float:
        with self._lock:
            soonest = min((known.ask_at for known in self._known.values()), default=float("inf"))
        return min(max(soonest - self._monotonic(), _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
