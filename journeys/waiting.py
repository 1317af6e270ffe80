"""Waiting for what a page should show: for as long as there is time, and no longer than there is hope."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journeys.clock import Clock
from journeys.recording import Recorder, SeenRequest

T = TypeVar("T")

POLL_MS = 20
_SLICE_MS = 1000
_NO_HOPE_AFTER_S = 3.0
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
    """Waits on one page, by the step's and the journey's time."""

    def __init__(self, page: Page, recorder: Recorder, clock: Clock) -> None:
        self._page, self._recorder, self._clock = page, recorder, clock

    def pump(self, ms: float) -> None:
        """Let the browser's events in. Playwright's own wait: it needs no answer from a page that may be stuck."""
        try:
            self._page.wait_for_timeout(ms)
        except Error:
            if not self._recorder.crashed:
                raise

    def until_visible(self, locator: Locator) -> None:
        """Wait until a control or text is visible. Raises Playwright's TimeoutError."""
        while True:
            left = self._clock.time_left_ms()
            try:
                locator.wait_for(state="visible", timeout=min(left, _SLICE_MS) if left else _SLICE_MS)
                return
            except PlaywrightTimeout as error:
                if self._is_hopeless() or self._clock.out_of_time:
                    raise PlaywrightTimeout(_with_waited(str(error), self._clock.since_step_ms)) from None

    def until_still(self, locator: Locator) -> None:
        """Wait until a control stands where it stood a frame before."""
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
        recorder, step = self._recorder, self._recorder.step
        if recorder.crashed or recorder.walled or any(d.step == step and d.kind == "alert" for d in recorder.dialogs):
            return True
        now = self._clock.ticks()
        return any(
            r.failed and r.party == "first" and (r.is_main or (_is_call(r) and now - r.began > _NO_HOPE_AFTER_S))
            for r in recorder.in_step(step)
        )


def _is_call(request: SeenRequest) -> bool:
    return request.kind in ("fetch", "xhr")


def _with_waited(message: str, waited_ms: float) -> str:
    return re.sub(r"Timeout \d+ms", f"Timeout {waited_ms:.0f}ms", message, count=1)
