"""Several runners at one location share its slots: each claims a slot at the hub before it runs it, and watches those that another
has claimed.

A claim lasts a few seconds (`claim_ttl_s`) and is renewed until the hub has the slot's record. Where its holder dies, it runs
out, and the hub gives the slot to a watcher, who runs it, or writes it down as missed where it is too late. Where the hub does
not answer, every runner runs the slot, and the hub takes the first record.
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
# A slot is of no use so long after; a hub that is away meanwhile must not let them pile up.
_WATCHED_S = 3600.0
Free = Callable[[PlannedJourney, datetime, Claim], bool]
"""Is told a journey, a slot of it that another runner had and that is ours now, and the hub's answer. False: there is nothing that
can be done with it, and it is given back."""


@dataclass(slots=True)
class _Known:
    """A slot that is ours or another runner's. Times are of the steady clock, in seconds."""

    planned: PlannedJourney
    slot: datetime
    is_mine: bool
    since: float
    ask_at: float = 0.0

    def asked(self, now: float, *, is_mine: bool) -> None:
        """It was asked for just now: our own again in a third of its life, so that two renewals may be lost; another's when its
        claim can have run out."""
        self.is_mine = is_mine
        ttl_s = claim_ttl_s(self.planned.period_s)
        self.ask_at = now + (ttl_s / 3 if is_mine else ttl_s)


class Claims:
    """The claims of one runner, named `runner` at the hub. Safe from any thread; `free` is called in a thread of the claims' own."""

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
        """End. Our claims are renewed no more: what they are for was measured, and the hub has the record, or will."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def ask(self, planned: PlannedJourney, slot: datetime) -> Claim | None:
        """Claim a slot; None where the hub does not say whose it is. Another's is watched from now on."""
        try:
            claim = self._hub.claim(planned.journey, slot, self._runner)
        except HubError as error:
            _log.info("slot_unclaimed", journey=planned.journey, slot=to_wire(slot), error=str(error))
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
            _log.info("claim_not_released", journey=planned.journey, slot=to_wire(slot), error=str(error))

    def round(self) -> None:
        """Ask again for every slot whose time has come: ours are renewed, others' may have become free."""
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
        known.asked(now, is_mine=was_mine)  # also where no answer comes
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
        # A slot that was written down as missed may still be run.
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
                _log.exception("claims_not_looked_after")

    def _pause_s(self) -> float:
        with self._lock:
            soonest = min((known.ask_at for known in self._known.values()), default=float("inf"))
        return min(max(soonest - self._monotonic(), _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
