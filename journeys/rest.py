"""Letting a page come to rest before anybody touches it, so that its vitals are whole."""

from __future__ import annotations

from playwright.sync_api import Error, Page

from journeys.clock import Clock
from journeys.recording import VitalsLog
from journeys.waiting import POLL_MS, Waiting

_QUIET_S = 0.5
_AT_MOST_S = 3.0
_TOLD_WITHIN_S = 1.0
_LOOK_MS = 50


class Rest:
    """Knows which page has come to rest already."""

    def __init__(self, page: Page, vitals: VitalsLog, clock: Clock, waiting: Waiting) -> None:
        self._page, self._vitals, self._clock, self._waiting = page, vitals, clock, waiting
        self._settled: tuple[str, int] | None = None

    def settle(self) -> None:
        """Off the clock, wait until a page that was just reached is loaded and has moved nothing for 500 ms; at most 3 s."""
        if self._settled == self._on_show():
            return
        with self._clock.stopped():
            ends = self._clock.ticks() + _AT_MOST_S
            try:
                self._page.wait_for_load_state("load", timeout=_AT_MOST_S * 1000)
                self._wait_for_quiet(ends)
            except Error:
                return  # still loading, crashed or gone: the next step finds out and says so
        self._settled = self._on_show()

    def _on_show(self) -> tuple[str, int]:
        return self._page.url, self._vitals.pages_seen

    def _wait_for_quiet(self, ends: float) -> None:
        vitals = self._vitals
        quiet_from = self._clock.ticks()
        while True:
            now = self._clock.ticks()
            untold = vitals.tells_soft_navigations and vitals.latest_url != self._page.url
            if untold and now < quiet_from + _TOLD_WITHIN_S:
                self._waiting.pump(_LOOK_MS)  # it has not painted yet
                continue
            quiet_until = max(vitals.last_motion, quiet_from) + _QUIET_S
            if now >= min(quiet_until, ends):
                return
            self._waiting.pump(max(POLL_MS, (min(quiet_until, ends) - now) * 1000))
