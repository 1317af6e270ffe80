"""Who looks around when a step has failed: at the page, at what was asked for and thrown, and where in the journey's code it was."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Sequence

from playwright.sync_api import Error, Page

from journeys.cause import explain, mark
from journeys.clock import Clock
from journeys.failure import Failure, Scene, Thrown
from journeys.journey import Journey
from journeys.net_errors import is_the_sites
from journeys.recording import Recorder, endpoint_of, origin_of, party_of
from journeys.steps import Steps
from journeys.waiting import Waiting
from journeys.walls import PUZZLE, is_login, wall_said_by
from journeys.wording import as_known

_GLANCE_MS = 100


class Onlooker:
    """Sees the scene of a failure. `page_text` is what the page said then; empty before."""

    def __init__(
        self, page: Page, recorder: Recorder, waiting: Waiting, *, journey: Journey, steps: Steps, clock: Clock
    ) -> None:
        self._page, self._recorder, self._waiting = page, recorder, waiting
        self._journey, self._steps, self._clock = journey, steps, clock
        self.page_text = ""

    def explain(self, step: str, error: Exception) -> Failure:
        """Off the clock, find out what an error in a step amounts to."""
        over_deadline_s = self._journey.deadline_s if self._clock.is_late else None
        with self._clock.stopped():
            scene = self._scene(step, over_deadline_s)
            return explain(error, scene, where=self._where(error))

    def _scene(self, step: str, over_deadline_s: float | None) -> Scene:
        self._hear_out(step)
        self.page_text = self._read_page()
        page, recorder = self._page, self._recorder
        first = origin_of(page.url) == recorder.origin
        words = wall_said_by(self.page_text)
        began = max((r.began for r in recorder.requests if r.is_main), default=0.0)
        return Scene(
            step=step,
            requests=recorder.in_step(step),
            around=[r for r in recorder.requests if r.step != step and r.began >= began],
            survived=self._survived(self._steps.left_behind(step)),
            dialogs=[d for d in recorder.dialogs if d.step == step],
            exceptions=self._thrown(),
            now=recorder.clock(),
            page=endpoint_of(page.url) if first else origin_of(page.url) or page.url,
            page_text=self.page_text,
            page_is_first=first,
            site_answered=any(r.party == "first" and is_the_sites(r.status) for r in recorder.requests),
            asks_to_log_in=first and (is_login(endpoint_of(page.url)) or self._is_there("input[type=password]")),
            puzzled=self._puzzled(),
            crashed=recorder.crashed,
            walled=recorder.walled or (f"a bot wall says '{words}'" if words else None),
            over_deadline_s=over_deadline_s,
        )

    def _survived(self, steps: Sequence[str]) -> frozenset[str]:
        """What failed or was thrown in steps after which another one passed: it kept nobody from buying."""
        failed = {mark(r) for r in self._recorder.requests if r.step in steps and (r.failed or not r.ended)}
        return frozenset(failed | {line.text for line in self._recorder.console if line.step in steps})

    def _thrown(self) -> list[Thrown]:
        first = self._recorder.origin
        lines = [line for line in self._recorder.console if line.level == "exception"]
        return [Thrown(line.text, party_of(line.source or "", first=first)) for line in lines]

    # Whatever is asked of a page here has a limit of its own: while a navigation is not answered, a plain count() waits for ever.
    def _is_there(self, selector: str) -> bool:
        try:
            self._page.locator(selector).filter(visible=True).first.wait_for(state="visible", timeout=_GLANCE_MS)
        except Error:
            return False
        return True

    def _puzzled(self) -> bool:
        """Whether the page shows a CAPTCHA. Its frame may also stand there hidden, and then asks nobody anything."""
        puzzles = {origin_of(frame.url) for frame in self._page.frames[1:] if PUZZLE.search(frame.url)}
        return any(self._is_there(f'iframe[src^="{origin}"]') for origin in puzzles if origin)

    def _hear_out(self, step: str) -> None:
        """Give the body of a refused request, and the alert that follows it, a moment to arrive."""
        with contextlib.suppress(Error):  # the browser may be gone, which is then what there is to tell
            for _ in range(5):
                awaited = [r for r in self._recorder.in_step(step) if r.status and r.status >= 400 and not r.ended]
                if self._recorder.crashed or not awaited:
                    break
                self._waiting.pump(100)
            self._waiting.pump(100)

    def _read_page(self) -> str:
        try:
            return self._page.locator("body").inner_text(timeout=2000)[:4096]
        except Error:
            return ""

    def _where(self, error: BaseException) -> str | None:
        """`file:line` of the journey where the error came through."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename == self._journey.file]
        return f"{as_known(own[-1].filename)}:{own[-1].lineno}" if own else None
