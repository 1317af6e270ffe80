"""Several runners at one location share its slots: each asks the hub before it runs one, and watches those that another has.

A claim is renewed until the hub has the record. One whose holder is heard no more is free again: whoever watches runs the
slot while it is not too late, else writes it down as missed. Where the hub does not answer, everybody runs, and the first
record holds there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from config.logs import get_logger
from facts import Claim, PlannedJourney, Status, claim_ttl_s
from runner.hub_client import HubClient, HubError

_log = get_logger("sixfb.runner")
_SHORTEST_S, _LONGEST_S = 0.1, 1.0
_GIVE_UP_S = 3600.0
Free = Callable[[PlannedJourney, datetime, Claim], bool]


@dataclass(slots=True)
class _Known:
    """A slot that is ours or another's, and when it is asked for next. A renewal may be lost twice before the claim is; a
    claim of another's cannot run out sooner than it lasts."""

    planned: PlannedJourney
    slot: datetime
    is_mine: bool
    since: float
    next_at: float = 0.0

    def asked(self, now: float, *, is_mine: bool) -> None:
        """It was asked for just now."""
        self.is_mine = is_mine
        ttl_s = claim_ttl_s(self.planned.period_s)
        self.next_at = now + (ttl_s / 3 if is_mine else ttl_s)


class Claims:
    """The claims of one runner. `free` is told a watched slot that became ours; false where nothing can be done with it."""

    def __init__(
        self, hub: HubClient, runner: str, *, free: Free, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub, self._runner, self._free, self._monotonic = hub, runner, free, monotonic
        self._lock = threading.Lock()
        self._known: dict[tuple[str, datetime], _Known] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="claims", daemon=True)

    def start(self) -> None:
        """Begin to renew and to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End. What is claimed still was measured, and is renewed no more: the hub has its record, or will."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def ask(self, planned: PlannedJourney, slot: datetime) -> Claim | None:
        """Claim a slot; None where the hub does not say. One that another has is watched from now on."""
        try:
            claim = self._hub.claim(planned.journey, slot, self._runner)
        except HubError as error:
            _log.info("slot_unclaimed", slot=slot.isoformat(), journey=planned.journey, error=str(error))
            return None
        self._note(planned, slot, claim)
        return claim

    def release(self, planned: PlannedJourney, slot: datetime) -> None:
        """Give a slot back where it is ours: nothing was measured in it."""
        with self._lock:
            known = self._known.pop((planned.journey, slot), None)
        if known is None or not known.is_mine:
            return
        try:
            self._hub.claim(planned.journey, slot, self._runner, release=True)
        except HubError as error:
            _log.info("claim_not_released", slot=slot.isoformat(), error=str(error))

    def round(self) -> None:
        """Renew what is ours and see how it stands with the others', each in its time."""
        with self._lock:
            due = [known for known in self._known.values() if known.next_at <= self._monotonic()]
        for one in due:
            if not self._ended.is_set():
                self._look_after(one)

    def _look_after(self, known: _Known) -> None:
        planned, slot, was_mine = known.planned, known.slot, known.is_mine
        now = self._monotonic()
        if now - known.since > _GIVE_UP_S:
            self._forget(planned, slot)
            return
        known.asked(now, is_mine=was_mine)
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
            except Exception:  # noqa: BLE001 - the one place where the thread would die of it
                _log.exception("the claims could not be looked after; they are again in a moment")

    def _pause_s(self) -> float:
        with self._lock:
            soonest = min((known.next_at for known in self._known.values()), default=float("inf"))
        return min(max(soonest - self._monotonic(), _SHORTEST_S), _LONGEST_S)
