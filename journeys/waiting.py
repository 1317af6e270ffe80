"""Waits for what a page should show, until the time runs out or it is certain that it cannot appear any more."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journeys.clock import Clock
from journeys.recording import Recorder, SeenRequest
from journeys.refusals import REFUSES, refuses, welcomes

T = TypeVar("T")

POLL_MS = 20
_SLICE_MS = 1000
_NO_HOPE_AFTER_S = 3.0
_LOOK_FOR_ERRORS_EVERY_S = 0.5
_GLANCE_MS = 50
# Where pages put an error for a buyer to see.
_ERRORS = "[role=alert], [role=alertdialog], [aria-live=assertive], [class*=error i], [class*=danger i]"
# Two frames in the same place; what never stands still is left to click() after two seconds.
_STANDS_STILL = """
element => new Promise(done => {
  const began = performance.now();
  let before, frames = 0;
  const look = () => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const place = [x, y, width, height].join();
    frames = place === before ? frames + 1 : 0;
    before = place;
    if (frames >= 2 || performance.now() - began > 2000) done();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


class Waiting:
    """Waits on a page, by the step's and the journey's time.

    `page` is the page on show: the one that the journey waited on last, which may be a tab that it opened.
    """

    def __init__(self, page: Page, recorder: Recorder, clock: Clock) -> None:
        self.page, self._recorder, self._clock = page, recorder, clock
        self._looked_for_errors = 0.0
        self.is_usual: Callable[[str], bool] = lambda _text: False
        """Return whether the last good run saw an alert with the same text; such an alert stops no buyer."""

    def pump(self, ms: float) -> None:
        """Process the browser's events by Playwright's own wait, which needs no response from a page that may hang."""
        try:
            self.page.wait_for_timeout(ms)
        except Error:
            if not self._recorder.crashed:
                raise

    def until_visible(self, locator: Locator) -> None:
        """Wait until a control or text is visible. Raises Playwright's TimeoutError."""
        self.page = locator.page
        while True:
            left = self._clock.time_left_ms()
            try:
                locator.wait_for(state="visible", timeout=min(left, _SLICE_MS) if left else _SLICE_MS)
                return
            except PlaywrightTimeout as error:
                if self._is_hopeless() or self._clock.out_of_time:
                    raise PlaywrightTimeout(
                        re.sub(r"Timeout \d+ms", f"Timeout {self._clock.since_step_ms:.0f}ms", str(error), count=1)
                    ) from None

    def until_still(self, locator: Locator) -> None:
        """Wait until a control has not moved since the previous frame."""
        with contextlib.suppress(
            Error
        ):  # a page that draws itself anew replaces it meanwhile; click() finds the new one
            locator.evaluate(_STANDS_STILL, timeout=self._clock.time_left_ms())

    def until(self, what: str, probe: Callable[[], T | None], *, every_ms: int) -> T:
        """Wait until `probe` gives something true, and return it. Raises Playwright's TimeoutError, which names `what`."""
        while True:
            found = probe()
            if found:
                return found
            if self._clock.out_of_time or self._is_hopeless():
                waited_ms = self._clock.since_step_ms
                raise PlaywrightTimeout(f"Timeout {waited_ms:.0f}ms exceeded.\nwaiting for {what}")
            self.pump(every_ms)

    def _is_hopeless(self) -> bool:
        """Return whether the awaited control or text cannot appear any more.

        A failed call alone proves nothing, for it may be the telemetry; nor does an alert, which may be friendly. Together they do,
        unless the alert is certainly friendly or came in the last good run too; and so does a failed call with an error that the page
        shows while no other call is under way.
        """
        recorder, step = self._recorder, self._recorder.step
        if recorder.crashed or recorder.walled:
            return True
        document = recorder.document_of(self.page)
        if document is not None and document.party == "first" and document.failed:
            return True
        calls = [r for r in recorder.in_step(step) if r.failed and r.party == "first" and _is_call(r)]
        said = [d.text for d in recorder.dialogs if d.step == step and d.kind == "alert"]
        alerts = [text for text in said if not welcomes(text) and not self.is_usual(text)]
        if alerts and (calls or any(map(refuses, alerts))):
            return True
        if any(r.party == "first" and _is_call(r) and not r.ended for r in recorder.in_step(step)):
            return False  # what is under way may be what the step waits for
        now = self._clock.ticks()
        return any(now - call.began > _NO_HOPE_AFTER_S for call in calls) and self._shows_an_error(now)

    def _shows_an_error(self, now: float) -> bool:
        if now - self._looked_for_errors < _LOOK_FOR_ERRORS_EVERY_S:
            return False
        self._looked_for_errors = now
        shown = self.page.locator(_ERRORS).filter(has_text=REFUSES).filter(visible=True).first
        try:
            shown.wait_for(state="visible", timeout=_GLANCE_MS)
        except Error:
            return False
        return True


def _is_call(request: SeenRequest) -> bool:
    return request.kind in ("fetch", "xhr")
