"""The step DSL: one buyer, one page, one clock.

    @journey(title="A guest looks at the price list", steps=("open_shop", "see_prices"), slow_after_s=5, deadline_s=20)
    def price_list(visit: Visit) -> None:
        with visit.step("open_shop"):
            visit.go(visit.site.url("/"))
        with visit.step("see_prices"):
            visit.see(visit.page.get_by_role("heading", name="Prices"))

The clock of a step and of the journey stands still while the visit waits for a page to come to rest, takes evidence or asks a
third party for proof: the observer is never inside the measurement.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from facts import Purchase, Step, StepStatus
from journeys.cause import explain, mark
from journeys.failure import Broken, Failure, Kind, Scene, Thrown
from journeys.gap import Gap
from journeys.journey import Journey, journey
from journeys.money import money
from journeys.recording import Recorder, SeenRequest, Tracer, endpoint_of, origin_of, party_of
from journeys.site import Site
from journeys.till import StripeAccess
from journeys.walls import PUZZLE, is_login, wall_said_by
from journeys.wording import plain

__all__ = ["Broken", "Journey", "Kind", "Visit", "VisitFailed", "journey", "money"]

T = TypeVar("T")
Listener = Callable[[str, dict[str, Any]], None]

_QUIET_S = 0.5
_SETTLE_AT_MOST_S = 3.0
_POLL_MS = 20
_PATIENCE = 4
_SLICE_MS = 1000
_LOOK_MS = 50
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
_HOUSE = Path(__file__).resolve().parent.parent
_TOLD_WITHIN_S = 1.0
_ASK_MS = 10_000
_NO_HOPE_AFTER_S = 3.0
_GLANCE_MS = 100


class VisitFailed(Exception):  # noqa: N818 - an outcome, not an error
    """A step failed; `failure` says which and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint said: `said` is its message in words, `json` its object (empty where it is none)."""

    status: int | None
    said: str
    json: dict[str, Any] = field(default_factory=dict)


class Visit:
    """One walk of one journey on one page.

    `listener` is told `step_started`, `step_ended`, `waited`, `order`, `pay`, `purchase` and `secrets` as they happen; `order`,
    `pay` and `purchase` before what they tell of is done. `tracer` is what a sensitive step pauses. `stripe` is a test-mode key and the
    address it belongs to, or None. `unhurried` is for a person who watches it slowed down: every limit is four times as long,
    and what never comes still fails.
    """

    def __init__(
        self,
        page: Page,
        *,
        site: Site,
        journey: Journey,
        run_id: str = "ad-hoc",
        stripe: StripeAccess | None = None,
        listener: Listener | None = None,
        unhurried: bool = False,
        tracer: Tracer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.page = page
        self.gap = Gap(page, tracer)
        self._tracer = tracer
        self.site = site
        self.journey = journey
        self.run_id = run_id
        self.stripe = stripe
        self.notes: list[str] = []
        self.purchases: dict[str, Purchase] = {}
        self.page_text = ""
        self._tell = listener or (lambda _event, _data: None)
        self._patience = _PATIENCE if unhurried else 1
        self._clock = clock
        self._steps: dict[str, Step] = {}
        self._waited_s = 0.0
        self._waiting = 0
        self._began: float | None = None
        self._ended: float | None = None
        self._step_began = 0.0
        self._settled_page: tuple[str, int] | None = None
        self.recorder = Recorder(site_url=site.base_url, clock=clock)
        self.recorder.attach(page.context)
        # Tells the shop's own people, and their analytics, that this buyer is not one.
        page.context.add_cookies([{"name": "sixfb_synthetic", "value": "1", "url": site.base_url}])

    # -- the clock ---------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._clock() - self._waited_s

    @contextmanager
    def off_the_clock(self) -> Iterator[None]:
        """What happens inside costs the buyer no time: it is neither in the step nor in the journey."""
        began = self._clock()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                spent = self._clock() - began
                self._waited_s += spent
                self._tell("waited", {"ms": spent * 1000})

    @property
    def duration_ms(self) -> float:
        """The journey's clock from the start of the first step to the end of the last."""
        return 0.0 if self._began is None else ((self._ended or self._now()) - self._began) * 1000

    @property
    def waited_ms(self) -> float:
        """What the clock left out."""
        return self._waited_s * 1000

    def time_left_ms(self) -> float:
        """What is left of the step's and the journey's time, at least 1: 0 would be no limit to Playwright."""
        now, began = self._now(), self._began if self._began is not None else self._now()
        step_s, deadline_s = self.journey.step_s * self._patience, self.journey.deadline_s * self._patience
        left = min(self._step_began + step_s, began + deadline_s) - now
        return max(1.0, left * 1000)

    def _is_late(self) -> bool:
        began = self._began
        return began is not None and self._now() - began >= self.journey.deadline_s * self._patience

    # -- steps -------------------------------------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str, *, sensitive: bool = False) -> Iterator[None]:
        """A named part of the journey with its own timing.

        A `sensitive` one types what nobody may read: from its beginning until its page was left there is no trace and no picture.

        Raises:
            VisitFailed: whatever goes wrong inside, explained; the steps after it are skipped.
            ValueError: the journey does not list the step, or has had it.
        """
        self._shade(name, sensitive=sensitive)
        if self._tracer is not None:
            with self.off_the_clock():
                self._tracer.group(name)
        self._begin(name)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a journey is somebody's code: whatever it raises is this step's failure
            self._end(name, StepStatus.FAILED, keep=False)
            self._fail(name, error)
        self._end(name, StepStatus.PASSED)
        self.settle()
        self._shade(name, sensitive=False)

    def _shade(self, step: str, *, sensitive: bool) -> None:
        """Open the gap for a sensitive step; else close it, if there is one and its page was left."""
        if not sensitive and self.gap.opened_by is None:
            return
        with self.off_the_clock():
            if sensitive:
                self.gap.open(step)
                return
            cookies = self.gap.close()
        if cookies:
            self._tell("secrets", {"values": sorted(cookies)})

    def secret(self, value: str) -> str:
        """The value, after it was said that nobody may ever read it: it is masked in all that the run keeps."""
        self._tell("secrets", {"values": [value]})
        return value

    def _begin(self, name: str) -> None:
        if name not in self.journey.steps:
            raise ValueError(
                f"{self.journey.name} lists no step {name!r}; its steps are {', '.join(self.journey.steps)}"
            )
        if name in self._steps:
            raise ValueError(f"{self.journey.name} has had its step {name!r} already")
        now = self._now()
        self._began = now if self._began is None else self._began
        self._step_began = now
        self._ended = None
        self.recorder.step = name
        if len(self._steps) == 0:
            self.recorder.began = self._clock()
        self.page.set_default_timeout(self.time_left_ms())
        self._tell("step_started", {"name": name, "started_ms": (now - self._began) * 1000})

    def _end(self, name: str, status: StepStatus, *, error: str | None = None, keep: bool = True) -> None:
        now = self._ended = self._now()
        began = self._began if self._began is not None else now
        step = Step(
            name=name,
            status=status,
            started_ms=(self._step_began - began) * 1000,
            duration_ms=(now - self._step_began) * 1000,
            error=error,
        )
        self._steps[name] = step
        if keep:
            self._tell("step_ended", {"step": step})

    def _fail(self, name: str, error: Exception) -> NoReturn:
        with self.off_the_clock():
            failure = explain(error, self._scene(name), where=self._where(error))
        status = StepStatus.TIMED_OUT if failure.late else StepStatus.FAILED
        self._steps[name] = replace(self._steps[name], status=status, error=failure.sentence)
        self._tell("step_ended", {"step": self._steps[name]})
        raise VisitFailed(failure) from error

    def _scene(self, step: str) -> Scene:
        late = self._is_late()
        with contextlib.suppress(Error):  # the browser may be gone, which is then what there is to tell
            self._hear_out(step)
        self.page_text = self._read_page()
        recorder = self.recorder
        first = origin_of(self.page.url) == recorder.origin
        words = wall_said_by(self.page_text)
        passed_through = [name for name in self._steps if name != step][:-1]
        began = max((r.began for r in recorder.requests if r.is_main), default=0.0)
        return Scene(
            step=step,
            requests=recorder.in_step(step),
            around=[r for r in recorder.requests if r.step != step and r.began >= began],
            survived=self._survived(passed_through),
            dialogs=[d for d in recorder.dialogs if d.step == step],
            exceptions=self._thrown(),
            now=self._clock(),
            page=endpoint_of(self.page.url) if first else origin_of(self.page.url) or self.page.url,
            page_text=self.page_text,
            page_is_first=first,
            site_answered=any(r.party == "first" and r.status is not None for r in recorder.requests),
            asks_to_log_in=first and (is_login(endpoint_of(self.page.url)) or self._is_there("input[type=password]")),
            puzzled=self._puzzled(),
            crashed=recorder.crashed,
            walled=recorder.walled or (f"a bot wall says '{words}'" if words else None),
            over_deadline_s=self.journey.deadline_s if late else None,
        )

    def _survived(self, steps: list[str]) -> frozenset[str]:
        """What failed or was thrown in steps after which another one passed: it kept nobody from buying."""
        failed = {mark(r) for r in self.recorder.requests if r.step in steps and (r.failed or not r.ended)}
        return frozenset(failed | {line.text for line in self.recorder.console if line.step in steps})

    def _thrown(self) -> list[Thrown]:
        first = self.recorder.origin
        lines = [line for line in self.recorder.console if line.level == "exception"]
        return [Thrown(line.text, party_of(line.source or "", first=first)) for line in lines]

    # Whatever is asked of a page here has a limit of its own: while a navigation is not answered, a plain count() waits for ever.
    def _is_there(self, selector: str) -> bool:
        try:
            self.page.locator(selector).filter(visible=True).first.wait_for(state="visible", timeout=_GLANCE_MS)
        except Error:
            return False
        return True

    def _puzzled(self) -> bool:
        """Whether the page shows a CAPTCHA. Its frame may also stand there hidden, and then asks nobody anything."""
        puzzles = {origin_of(frame.url) for frame in self.page.frames[1:] if PUZZLE.search(frame.url)}
        return any(self._is_there(f'iframe[src^="{origin}"]') for origin in puzzles if origin)

    def _hear_out(self, step: str) -> None:
        """Give the body of a refused request, and the alert that follows it, a moment to arrive."""
        with contextlib.suppress(Error):  # where the browser is gone there is nothing more to hear
            for _ in range(5):
                awaited = [r for r in self.recorder.in_step(step) if r.status and r.status >= 400 and not r.ended]
                if self.recorder.crashed or not awaited:
                    break
                self.pump(100)
            self.pump(100)

    def _read_page(self) -> str:
        try:
            return self.page.locator("body").inner_text(timeout=2000)[:4096]
        except Error:
            return ""

    def _where(self, error: BaseException) -> str | None:
        """`file:line` of the journey, or of the page object beside it, where the error came through."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename == self.journey.file]
        return f"{_as_known(own[-1].filename)}:{own[-1].lineno}" if own else None

    def skip(self, *names: str, reason: str) -> None:
        """Leave steps out, with the reason; a run with skipped steps can still pass."""
        for name in names:
            step = Step(name=name, status=StepStatus.SKIPPED, error=reason)
            self._steps[name] = step
            self._tell("step_ended", {"step": step})

    def steps(self) -> tuple[Step, ...]:
        """Every step of the journey in its order; those that never began are skipped."""
        return tuple(self._steps.get(n, Step(name=n, status=StepStatus.SKIPPED)) for n in self.journey.steps)

    def walk(self) -> None:
        """Walk the journey to its end.

        Raises:
            VisitFailed: a step failed, the code between steps raised, or a step was left out without a word.
        """
        try:
            self.journey.walk(self)
        except VisitFailed:
            raise
        except Exception as error:
            with self.off_the_clock():
                scene = self._scene(self.recorder.step or self.journey.steps[0])
            raise VisitFailed(explain(error, scene, where=self._where(error))) from error
        forgotten = [name for name in self.journey.steps if name not in self._steps]
        if forgotten:
            sentence = f"{forgotten[0]}: the journey ended without this step; walk it, or visit.skip() it with a reason"
            raise VisitFailed(
                Failure(step=forgotten[0], kind=Kind.SCRIPT, sentence=sentence, where=_as_known(self.journey.file))
            )

    # -- what a buyer does -------------------------------------------------------------------------------------------

    def go(self, url: str) -> None:
        """Open an address by hand and wait until its document is there. Raises Broken where it answers 400 or more."""
        try:
            response = self.page.goto(url, wait_until="domcontentloaded", timeout=self.time_left_ms())
        except Error as error:
            if "Download is starting" in str(error):
                raise Broken(f"{endpoint_of(url)} is a download and no page") from error
            raise
        if response is not None and response.status >= 400:
            raise Broken(f"the page at {endpoint_of(url)} is an error page")

    def see(self, locator: Locator) -> Locator:
        """Wait until a control or text is visible.

        Gives up early where it cannot come any more: the page showed an alert, the document is an error, the page crashed.
        """
        while True:
            left = self.time_left_ms()
            try:
                locator.wait_for(state="visible", timeout=min(left, _SLICE_MS) if left else _SLICE_MS)
                return locator
            except PlaywrightTimeout as error:
                if self._hopeless() or self.out_of_time():
                    raise PlaywrightTimeout(_with_waited(str(error), self._now() - self._step_began)) from None

    def press(self, locator: Locator) -> None:
        """Click a control once it can be seen and stands still.

        Playwright's own click looks again after ever longer pauses, up to half a second, so that a page that fades in would
        seem slower than it is, by chance now more and now less. Here it is looked at in every frame.
        """
        self.see(locator)
        with contextlib.suppress(
            Error
        ):  # a page that draws itself anew replaces it meanwhile; click() finds the new one
            locator.evaluate(_STANDS_STILL, timeout=self.time_left_ms())
        locator.click(timeout=self.time_left_ms())

    def wait_until(self, what: str, probe: Callable[[], T | None], *, every_ms: int = _POLL_MS) -> T:
        """Wait until `probe` gives something true, and return it. `what` completes "... did not come: ".

        Raises:
            TimeoutError: Playwright's; the step's time ran out, or hope did (see `see`).
        """
        while True:
            found = probe()
            if found:
                return found
            if self.out_of_time() or self._hopeless():
                waited = self._now() - self._step_began
                raise PlaywrightTimeout(f"Timeout {waited * 1000:.0f}ms exceeded.\nwaiting for {what}")
            self.pump(every_ms)

    def pump(self, ms: float) -> None:
        """Let the browser's events in. Playwright's own wait: it needs no answer from a page that may be stuck."""
        try:
            self.page.wait_for_timeout(ms)
        except Error:
            if not self.recorder.crashed:
                raise

    def out_of_time(self) -> bool:
        return self.time_left_ms() <= 1.0

    def _hopeless(self) -> bool:
        recorder, step = self.recorder, self.recorder.step
        if recorder.crashed or recorder.walled or any(d.step == step and d.kind == "alert" for d in recorder.dialogs):
            return True
        now = self._clock()
        return any(
            r.failed and r.party == "first" and (r.is_main or (_is_call(r) and now - r.began > _NO_HOPE_AFTER_S))
            for r in recorder.in_step(step)
        )

    def answer(self, method: str, endpoint: str) -> SeenRequest | None:
        """The latest request of this step to an endpoint of the site that has been answered or has failed; None before that."""
        for seen in reversed(self.recorder.in_step(self.recorder.step)):
            if seen.method == method and seen.endpoint == endpoint and (seen.status is not None or seen.ended):
                return seen
        return None

    def ask(self, path: str, **query: str) -> Answer:
        """`GET` of an endpoint of the site with the buyer's cookies but beside the page; it counts in the request budget.

        No answer is a status of None and the reason in `said`.
        """
        seen = self.recorder.note_own("GET", self.site.url(path))
        try:
            response = self.page.context.request.get(
                seen.url, params=dict(query), timeout=_ASK_MS, fail_on_status_code=False
            )
            status, text = response.status, response.text()
            self.recorder.note_budget(response.headers)
        except Error as error:
            reason = str(error).splitlines()[0]
            self.recorder.end_own(seen, failure=reason)
            return Answer(status=None, said=reason)
        self.recorder.end_own(seen, status=status, body=text if status >= 400 else None)
        return Answer(status=status, said=plain(text), json=_json_object(text))

    def order(self) -> None:
        """The shop is about to be asked for a checkout, in the name of this run's own e-mail address."""
        with self.off_the_clock():
            self._tell("order", {"email": self.site.email_for(self.run_id)})

    def about_to_pay(self, session_id: str) -> None:
        """Pay is about to be pressed."""
        with self.off_the_clock():
            self._tell("pay", {"session_id": session_id})

    def purchase(self, purchase: Purchase) -> None:
        """Remember what was bought or left open; a later word about the same session replaces the earlier."""
        self.purchases[purchase.session_id] = purchase
        with self.off_the_clock():
            self._tell("purchase", {"purchase": purchase})

    def note(self, sentence: str) -> None:
        """Something the reader of the run must know."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    # -- rest --------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Off the clock, let a page that was just reached come to rest, so that nobody touches it before its vitals are whole.

        Rest is: loaded, and 500 ms without a paint or a shift that counts; at most 3 s.
        """
        vitals = self.recorder.vitals
        if self._settled_page == (self.page.url, vitals.pages_seen):
            return
        with self.off_the_clock():
            ends = self._clock() + _SETTLE_AT_MOST_S
            try:
                self.page.wait_for_load_state("load", timeout=_SETTLE_AT_MOST_S * 1000)
                self._wait_for_quiet(ends)
            except Error:
                return  # still loading, crashed or gone: the next step finds out and says so
        self._settled_page = (self.page.url, vitals.pages_seen)

    def _wait_for_quiet(self, ends: float) -> None:
        vitals = self.recorder.vitals
        quiet_from = self._clock()
        while True:
            now = self._clock()
            untold = vitals.tells_soft_navigations and vitals.latest_url != self.page.url
            if untold and now < quiet_from + _TOLD_WITHIN_S:
                self.pump(_LOOK_MS)  # it has not painted yet
                continue
            quiet_until = max(vitals.last_motion, quiet_from) + _QUIET_S
            if now >= min(quiet_until, ends):
                return
            self.pump(max(_POLL_MS, (min(quiet_until, ends) - now) * 1000))


def _as_known(file: str) -> str:
    """A file as its reader knows it: `journeys/ga_purchase.py` for ours, else from the current folder, else in full."""
    for known in (_HOUSE, Path.cwd()):
        if Path(file).is_relative_to(known):
            return str(Path(file).relative_to(known))
    return file


def _is_call(request: SeenRequest) -> bool:
    return request.kind in ("fetch", "xhr")


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _with_waited(message: str, seconds: float) -> str:
    return re.sub(r"Timeout \d+ms", f"Timeout {seconds * 1000:.0f}ms", message, count=1)
