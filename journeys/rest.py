"""Waits until a page has settled before the journey uses it, so that its vitals are complete."""

from __future__ import annotations

from collections import Counter

from playwright.sync_api import Error, Page

from journeys.clock import Clock
from journeys.recording import Recorder
from journeys.waiting import POLL_MS, Waiting

_QUIET_S = 0.5
_AT_MOST_S = 3.0
_TOLD_WITHIN_S = 1.0
_LOOK_MS = 50
_STREAM_AFTER_S = 2.0
_POLL_FROM = 3
_CALLS = frozenset({"fetch", "xhr"})


class Rest:
    """Remembers which page has settled already."""

    def __init__(self, page: Page, recorder: Recorder, clock: Clock, waiting: Waiting) -> None:
        self._page, self._vitals, self._clock, self._waiting = page, recorder.vitals, clock, waiting
        self._settled: tuple[str, int] | None = None
        self._recorder = recorder

    def settle(self) -> None:
        """Wait until a new page has settled, for at most 3 s, while the clock is paused.

        At rest it is loaded, has painted and moved nothing for 500 ms, runs no animation that has an end, and waits for no answer
        of the site that may still bring something to show.
        """
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

    def turn_to(self, page: Page) -> None:
        """Look at another page from now on."""
        self._page = page

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
            if now >= ends or (now >= quiet_until and not self._waits_for_an_answer(now)):
                return
            self._waiting.pump(max(_LOOK_MS if now >= quiet_until else POLL_MS, (min(quiet_until, ends) - now) * 1000))

    def _waits_for_an_answer(self, now: float) -> bool:
        """Return whether the page waits for a call to the site. A long call counts as a stream, and a repeated one as polling."""
        document = self._recorder.document_of(self._page)
        since = document.began if document else 0.0
        calls = [r for r in self._recorder.requests if r.began >= since and r.party == "first" and r.kind in _CALLS]
        asked = Counter(call.endpoint for call in calls)
        return any(
            not call.ended and now - call.began < _STREAM_AFTER_S and asked[call.endpoint] < _POLL_FROM
            for call in calls
        )
