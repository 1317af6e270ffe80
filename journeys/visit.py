"""Defines the step DSL: a visit is one buyer with one page and one clock.

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

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from playwright.sync_api import Error, Locator, Page, Response

from facts import Purchase, Step
from journeys.asking import Answer, ask
from journeys.cause import NO_HTML, mark, mark_of_type
from journeys.checkout_session import PAY_PRESSED, TEST_SESSION, StripeAccess, left_to_do, read_session
from journeys.clock import Clock
from journeys.failure import Failure, Kind, SiteBroken, VisitFailed
from journeys.failure_context import FailureObserver
from journeys.import_path import importable_beside
from journeys.journey import Journey, journey
from journeys.money import minor_units, money
from journeys.picture import NoPictureError, Picture, glance, shows, take
from journeys.placed_order import PlacedOrder
from journeys.recording import Recorder, SeenRequest, Tracer, endpoint_of
from journeys.recording_pause import RecordingPause
from journeys.reference import Reference, Sketch, sketch_of
from journeys.rest import Rest
from journeys.shown_text import text_of_page
from journeys.site import Site
from journeys.steps import StepNameError, Steps
from journeys.waiting import POLL_MS, Waiting
from journeys.wording import name_of_request
from redact import Scrubber

__all__ = ["Broken", "Journey", "Kind", "PlacedOrder", "SiteBroken", "Visit", "VisitFailed", "journey", "money"]

Broken = SiteBroken
"""The name that journeys written for version 0.2 and before import."""

T = TypeVar("T")
Listener = Callable[[str, dict[str, Any]], None]

_PATIENCE = 4
_SKETCH_MS = 300
_FILES = frozenset({"script", "stylesheet", "font", "image"})
_MOST_FILES = 3
_NO_ANSWER_S = 3.0
# A page that only leads to another one is short; what it leads by.
_LONGEST_LEAD = 4096
_LEADS_ON = re.compile(
    r"http-equiv=[\"']?refresh|\blocation(\.href)?\s*=|\blocation\.(replace|assign)\(", re.IGNORECASE
)
_LEADS_ON_WITHIN_MS, _LOOK_MS = 1000, 50
_LONGEST_ORDER_ID = 200


class Visit:
    """Walks one journey once on one page.

    `listener` is told `step_started`, `step_ended`, `waited`, `order`, `pay`, `purchase`, `bought` and `secrets` as they happen;
    `order`, `pay` and `purchase` before what they tell of is done. `tracer` is what a sensitive step pauses. `stripe` is a
    test-mode key and the address it belongs to, or None. `secrets` are those that the run was given, before the journey names its
    own. `unhurried` is for a person who watches it slowed down: every limit is four times as long, and what never comes still fails.
    `headers` are those that every request of the page carries to the site. With `pictures_steps` a picture of the end of each step
    is kept, until the journey names a secret.
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
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        pictures_steps: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.page = page
        self.gap = RecordingPause(page, tracer)
        self.site = site
        self.journey = journey
        self.run_id = run_id
        self.stripe = stripe
        self._headers = dict(headers or {})
        self.reference: Reference | None = None
        """What the last good run of this journey saw; a failure is judged beside it."""
        self._sketches: dict[str, Sketch] = {}
        self.notes: list[str] = []
        self.purchases: dict[str, Purchase] = {}
        self._pay_pressed: set[str] = set()
        self.recorder = Recorder(site_url=site.base_url, clock=clock)
        self.recorder.attach(page.context)
        self._tracer = tracer
        self._scrubber = Scrubber(secrets)
        self._first_secret_at: float | None = None
        self._pictures_steps = pictures_steps
        self.step_pictures: dict[str, bytes] = {}
        """A JPEG of the end of each step, by its name; empty unless `pictures_steps` was asked for."""
        self._tell = listener or (lambda _event, _data: None)
        patience = _PATIENCE if unhurried else 1
        self._clock = Clock(
            clock,
            step_s=journey.step_s * patience,
            deadline_s=journey.deadline_s * patience,
            tell_waited=lambda ms: self._tell("waited", {"ms": ms}),
        )
        self._steps = Steps(journey, self._clock, lambda step: self._tell("step_ended", {"step": step}))
        self._waiting = Waiting(page, self.recorder, self._clock)
        self._rest = Rest(page, self.recorder, self._clock, self._waiting)
        self._onlooker = FailureObserver(
            page,
            self.recorder,
            self._waiting,
            journey=journey,
            steps=self._steps,
            clock=self._clock,
            has_credentials=bool(site.basic_auth_file or site.header_files),
        )
        self._known_origins: set[str] = set()
        self._mark(site.base_url)

    def _mark(self, url: str) -> None:
        """Mark the browser as synthetic for the shop's staff and analytics."""
        self.page.context.add_cookies([{"name": "sixfb_synthetic", "value": "1", "url": url}])

    # -- the clock ---------------------------------------------------------------------------------------------------

    def off_the_clock(self) -> AbstractContextManager[None]:
        """Pause the clock inside the `with` block: its time counts neither for the step nor for the journey."""
        return self._clock.stopped()

    @property
    def duration_ms(self) -> float:
        """The milliseconds on the journey's clock from the start of the first step to the end of the last."""
        return self._clock.duration_ms

    @property
    def waited_ms(self) -> float:
        """The milliseconds during which the clock was paused."""
        return self._clock.waited_ms

    def time_left_ms(self) -> float:
        """The milliseconds left of the step's and the journey's time, at least 1, because 0 means no limit to Playwright."""
        return self._clock.time_left_ms()

    def out_of_time(self) -> bool:
        """Whether the step's or the journey's time has run out."""
        return self._clock.out_of_time

    # -- steps -------------------------------------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str, *, sensitive: bool = False) -> Iterator[None]:
        """A named part of the journey with its own timing.

        A `sensitive` one types what nobody may read: from its beginning until its page was left there is no trace and no picture,
        and no frames in the trace after that.

        Raises:
            VisitFailed: whatever goes wrong inside, explained; the steps after it are skipped.
            StepNameError: the journey does not list the step, or has had it.
        """
        self._steps.check(name)
        self._shade(name, sensitive=sensitive)
        if self._tracer is not None:
            with self.off_the_clock():
                self._tracer.group(name)
        self._begin(name)
        try:
            yield
        except Exception as error:  # a journey is somebody's code: whatever it raises is this step's failure
            self._steps.failed(name)
            failure = self._onlooker.explain(name, error, self.reference)
            self._steps.explain(failure)
            raise VisitFailed(failure) from error
        self._steps.passed(name)
        self.settle()
        self._sketch(name)
        self._take_step_picture(name)
        self._shade(name, sensitive=False)

    def _sketch(self, step: str) -> None:
        """Remember the page's text at the end of a step, while the clock is paused."""
        with self.off_the_clock(), suppress(Error):  # a page on its way elsewhere has nothing to say
            text = text_of_page(self.page_on_show, timeout_ms=_SKETCH_MS)
            self._sketches[step] = sketch_of(text)
            self._onlooker.remember(text)

    def _take_step_picture(self, step: str) -> None:
        """Keep a picture of the end of a step while the clock is paused, unless the run knows a secret or the page cannot be read."""
        if not self._pictures_steps or self._first_secret_at is not None or self.gap.opened_by or self.recorder.crashed:
            return
        with self.off_the_clock(), suppress(NoPictureError, Error):
            jpeg = glance(self.page_on_show, self._scrubber)
            if jpeg is not None:
                self.step_pictures[step] = jpeg

    def seen(self) -> Reference:
        """Return what this walk saw, with which later ones are compared."""
        failed = {mark(r) for r in self.recorder.requests if r.is_suspect}
        lines = {line.text for line in self.recorder.console}
        types = {mark_of_type(r) for r in self.recorder.requests if r.is_main and r.content_type in NO_HTML}
        return Reference(pages=self._sketches, failed=frozenset(failed | lines | types))

    def _shade(self, step: str, *, sensitive: bool) -> None:
        """Begin the recording pause for a sensitive step; for another step, end a pause whose page was left."""
        if not sensitive and self.gap.opened_by is None:
            return
        with self.off_the_clock():
            if sensitive:
                self.gap.open(step)
                self._beware(step)
                return
            cookies = self.gap.close()
        if cookies:
            self._learn(sorted(cookies))

    def secret(self, value: str) -> str:
        """Declare a value secret, so that it is masked in everything that the run keeps, and return it unchanged."""
        with self.off_the_clock():
            self._learn([value])
            self._check_what_was_on_show(value)
            self._beware(self.recorder.step or self.journey.steps[0])
        return value

    @property
    def has_secrets(self) -> bool:
        """Whether the journey has named a secret, or begun a sensitive step."""
        return self._first_secret_at is not None

    def _learn(self, secrets: list[str]) -> None:
        self._scrubber = self._scrubber.knowing(secrets)
        self._tell("secrets", {"values": secrets})

    def _beware(self, step: str) -> None:
        """Treat every page from now on as one that may show a secret in any form: pictures that cannot be checked are not kept."""
        if self._first_secret_at is None:
            self._first_secret_at = self._clock.ticks()
        self.step_pictures.clear()  # the value may have been on show before it was called secret
        if self._tracer is not None and self._tracer.with_frames:
            self._tracer.leave_frames_out()
            self.note(f"the frames of the trace from {step} on were left out: they may show a secret")

    def _check_what_was_on_show(self, value: str) -> None:
        """A value that a journey has read from a page has been in the frames of the trace before it was called secret."""
        if self._tracer is None or not self._tracer.has_frames:
            return
        try:
            was_shown = shows(self.page_on_show, Scrubber([value]))
        except NoPictureError:
            was_shown = True
        if was_shown:
            dropped = self._tracer.drop_frames()
            self.note(f"{dropped} frames of the trace were dropped: they may show a secret")

    def picture(self) -> Picture:
        """Take a picture of what the page shows, in which every secret that the run knows is covered.

        Raises:
            NoPictureError: the page is gone or busy, or it could not be made sure that nobody can read one.
        """
        if self.gap.opened_by:
            raise NoPictureError(f"{self.gap.opened_by} is sensitive, and its page was not left")
        if self.recorder.crashed:
            raise NoPictureError("the page crashed")
        with self.off_the_clock():
            picture = take(self.page_on_show, self._scrubber, clean_images=self._clean_images())
            if picture.passwords:
                self._learn(sorted(picture.passwords))
            return picture

    def _clean_images(self) -> set[str] | None:
        """The addresses of images that were asked for before the first secret was named, and never again; None where none was."""
        since = self._first_secret_at
        if since is None:
            return None
        images = [seen for seen in self.recorder.requests if seen.kind == "image"]
        return {seen.url for seen in images if seen.began < since} - {
            seen.url for seen in images if seen.began >= since
        }

    def _begin(self, name: str) -> None:
        self._steps.begin(name)
        self.recorder.step = name
        if self._steps.is_untouched:
            self.recorder.began = self._clock.ticks()
        self.page.set_default_timeout(self.time_left_ms())
        self._tell("step_started", {"name": name, "started_ms": self._clock.step_started_ms})

    def skip(self, *names: str, reason: str) -> None:
        """Mark steps as skipped, with the reason. A run with skipped steps can still pass.

        Raises:
            StepNameError: a step is not listed, or was walked already.
        """
        for name in names:
            self._steps.skip(name, reason)

    def steps(self) -> tuple[Step, ...]:
        """Return every step of the journey in its order; those that never began count as skipped."""
        return self._steps.all()

    def walk(self) -> None:
        """Walk the journey to its end.

        Raises:
            VisitFailed: a step failed, the code between steps raised, or a step was left out without a word.
        """
        try:
            self._walk()
        except VisitFailed:
            self._see_what_was_paid()
            raise
        else:
            self._see_what_was_paid()
        finally:
            self._note_failed_files()

    def _walk(self) -> None:
        try:
            with importable_beside(self.journey.file):  # a step may import modules too, not only the file's first lines
                self.journey.walk(self)
        except VisitFailed:
            raise
        except Exception as error:
            raise VisitFailed(self._outside_steps(error)) from error
        forgotten = self._steps.forgotten()
        if forgotten:
            raise VisitFailed(forgotten)

    def _outside_steps(self, error: Exception) -> Failure:
        """Return the failure of the journey's code outside its steps."""
        before = self.recorder.step
        failure = self._onlooker.explain(before or self.journey.steps[0], error, self.reference)
        if isinstance(error, StepNameError):
            return replace(failure, step=None, sentence=str(error))
        place = f"after the step {before}" if before else "before the first step"
        return replace(failure, step=None, sentence=f"{place}: {failure.sentence.removeprefix(f'{failure.step}: ')}")

    @property
    def page_on_show(self) -> Page:
        """The page on which the journey waited last: its own, or a tab that it opened."""
        return self._waiting.page

    @property
    def page_text(self) -> str:
        """The text of the page when a step failed; empty before that."""
        return self._onlooker.page_text

    def follow(self, tab: Page) -> None:
        """Go on in a tab that the site has opened: it is the visit's page from now on, for the journey and for all that is looked at.

        The page that opened it stays open, and is looked at no more.
        """
        self.page = self._waiting.page = tab
        self._rest.turn_to(tab)
        self._onlooker.turn_to(tab)
        self.gap.turn_to(tab)
        tab.set_default_timeout(self.time_left_ms())
        self.note(f"the site opened a new tab in {self.recorder.step}, and the journey went on there")

    # -- what a buyer does -------------------------------------------------------------------------------------------

    def go(self, url: str) -> None:
        """Open an address by hand and wait until its document is there. Raises SiteBroken where it answers 400 or more."""
        is_first = self.recorder.document_of(self.page) is None
        self.recorder.is_opening = is_first
        try:
            response = self.page.goto(url, wait_until="domcontentloaded", timeout=self.time_left_ms())
            if is_first and response is not None and response.ok:
                self._let_it_lead_on(response)
        except Error as error:
            if "Download is starting" in str(error):
                document = self.recorder.document_of(self.page)
                status = document.status if document else "something"
                raise SiteBroken(f"{endpoint_of(url)} answered {status} with a download, which is no page") from error
            raise
        finally:
            self.recorder.is_opening = False
        if response is not None and response.status >= 400:
            raise SiteBroken(f"the page at {endpoint_of(url)} is an error page")
        self._note_other_origins()

    def _let_it_lead_on(self, response: Response) -> None:
        """Wait for the page to which a first page redirects by its own script or a meta refresh, if that begins within 1 s."""
        with self.off_the_clock(), suppress(Error):
            body = response.text()
            if len(body) > _LONGEST_LEAD or not _LEADS_ON.search(body):
                return
            first = self.recorder.document_of(self.page)
            for _ in range(_LEADS_ON_WITHIN_MS // _LOOK_MS):
                if self.recorder.document_of(self.page) is not first:
                    break
                self.pump(_LOOK_MS)
            self.page.wait_for_load_state("domcontentloaded", timeout=self.time_left_ms())

    def _note_other_origins(self) -> None:
        """Note which other addresses count as the site, and mark the browser as synthetic there too."""
        others = self.recorder.origins - {self.recorder.origin} - self._known_origins
        for origin in sorted(others):
            self._known_origins.add(origin)
            self.note(f"{self.recorder.origin} redirects to {origin}, which counts as the site too")
            self._mark(origin)

    def see(self, locator: Locator) -> Locator:
        """Wait until a control or text is visible.

        Gives up early where it cannot come any more: the page showed an alert, the document is an error, the page crashed.
        """
        self._waiting.until_visible(locator)
        return locator

    def press(self, locator: Locator) -> None:
        """Click a control once it can be seen and stands still.

        Playwright's own click looks again after ever longer pauses, up to half a second, so that a page that fades in would
        seem slower than it is, by chance now more and now less. Here it is looked at in every frame.
        """
        self.see(locator)
        self._waiting.until_still(locator)
        locator.click(timeout=self.time_left_ms())

    def wait_until(self, what: str, probe: Callable[[], T | None], *, every_ms: int = POLL_MS) -> T:
        """Wait until `probe` gives something true, and return it. `what` completes "... did not come: ".

        Raises:
            TimeoutError: Playwright's; the step's time ran out, or hope did (see `see`).
        """
        return self._waiting.until(what, probe, every_ms=every_ms)

    def pump(self, ms: float) -> None:
        """Process the browser's events by Playwright's own wait, which needs no response from a page that may hang."""
        self._waiting.pump(ms)

    def answer(self, method: str, endpoint: str) -> SeenRequest | None:
        """Return the latest request of this step to an endpoint of the site that has a response or has failed; None before that."""
        for seen in reversed(self.recorder.in_step(self.recorder.step)):
            if seen.method == method and seen.endpoint == endpoint and (seen.status is not None or seen.ended):
                return seen
        return None

    def ask(self, path: str, **query: str) -> Answer:
        """Send a `GET` to an endpoint of the site beside the page, as the same visitor; it counts in the request budget.

        No answer is a status of None and the reason in `said`.
        """
        return ask(self.page.context, self.recorder, self.site.url(path), query, headers=self._headers)

    def order(self) -> None:
        """Announce that a checkout is about to be requested under this run's own e-mail address."""
        with self.off_the_clock():
            self._tell("order", {"email": self.site.email_for(self.run_id)})

    def bought(
        self, order_id: str | int, amount: float | Decimal | str | None = None, *, currency: str | None = None
    ) -> None:
        """Tell that an order was placed: it enters the run's purchases and the ledger, and is undone after the run.

        Call it as soon as the shop has named the order. `amount` is in whole units as pages write it (12.5, `12.50`, `$12.50`), of
        `currency` (`usd`) or else the site's; None where the journey does not know it. A later word about the same order replaces
        the earlier. A checkout session of Stripe's test mode (`cs_test_...`) is undone at Stripe, unless the journey has an `undo`.

        Raises:
            ValueError: `order_id` is none, or `amount` is no amount; the order is remembered without it.
            SiteBroken: the ledger cannot be written.
        """
        name = str(order_id).strip() if isinstance(order_id, (str, int)) and not isinstance(order_id, bool) else ""
        if not 0 < len(name) <= _LONGEST_ORDER_ID or not name.isprintable():
            raise ValueError(
                f"visit.bought: {order_id!r:.80} is no order's id; give the text that the shop names the order by"
            )
        unit = (currency or self.site.currency).lower()
        try:
            minor, wrong = (None if amount is None else minor_units(amount, unit)), None
        except ValueError as error:
            minor, wrong = None, error
        undone = self.journey.undo is not None
        at_stripe = name.startswith(TEST_SESSION) and not undone
        left = "ordered, to be undone after the run" if undone else "ordered, and this journey has no undo"
        purchase = Purchase(
            session_id=name,
            amount_minor=minor,
            currency=unit,
            state="paid" if at_stripe else "ordered",
            note="paid, not refunded" if at_stripe else left,
            proved_by="the journey",
        )
        # In the ledger first: an amount that is none loses no order.
        self.purchases[name] = purchase
        with self.off_the_clock():
            self._tell("purchase" if at_stripe else "bought", {"purchase": purchase})
        if wrong is not None:
            raise ValueError(f"visit.bought: the order {name} is remembered, but its amount {wrong}")

    def about_to_pay(self, session_id: str) -> None:
        """Record that Pay is about to be pressed: from now on the session may be paid, even if nobody sees the result."""
        if session_id not in self.purchases:
            # Nobody has read what it costs; the ledger has to know of it before it is told that Pay is pressed.
            self.purchase(
                Purchase(session_id=session_id, amount_minor=None, currency=None, state="open", note=PAY_PRESSED)
            )
        with self.off_the_clock():
            self._tell("pay", {"session_id": session_id})
        self._pay_pressed.add(session_id)
        self.purchase(replace(self.purchases[session_id], note=PAY_PRESSED))

    def was_pay_pressed(self, session_id: str) -> bool:
        """Return whether Pay was pressed for a checkout session, whatever the result."""
        return session_id in self._pay_pressed

    def _see_what_was_paid(self) -> None:
        """Ask Stripe about a session for which Pay was pressed but no result was seen."""
        for session_id, bought in list(self.purchases.items()):
            if bought.note != PAY_PRESSED or self.stripe is None:
                continue
            session = read_session(self, session_id)
            if session.error is None:
                state, note = left_to_do(session, pay_pressed=True)
                self.purchase(replace(bought, state=state, note=note, proved_by=session.told_by))

    def _note_failed_files(self) -> None:
        """Note which of the site's own files failed, because a purchase may pass without them."""
        now = self.recorder.clock()
        failed = {
            name_of_request(r): r
            for r in self.recorder.requests
            if r.party == "first"
            and r.kind in _FILES
            and (r.is_unusable or (not r.ended and now - r.began >= _NO_ANSWER_S))
        }
        if not failed:
            return
        names = [f"{name} {_how_it_failed(r)}" for name, r in failed.items()]
        more = f" and {len(names) - _MOST_FILES} more" if len(names) > _MOST_FILES else ""
        files = "1 of the site's own files" if len(names) == 1 else f"{len(names)} of the site's own files"
        self.note(f"{files} failed: {', '.join(names[:_MOST_FILES])}{more}")

    def purchase(self, purchase: Purchase) -> None:
        """Record a purchase, completed or open; a later report about the same session replaces the earlier."""
        self.purchases[purchase.session_id] = purchase
        with self.off_the_clock():
            self._tell("purchase", {"purchase": purchase})

    def note(self, sentence: str) -> None:
        """Add a note that the reader of the run must know."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def settle(self) -> None:
        """Off the clock, let a page that was just reached come to rest, so that nobody touches it before its vitals are whole.

        Rest is: loaded, 500 ms without a paint or a shift that counts, no animation that has an end, and no answer of the site under
        way; at most 3 s.
        """
        self._rest.settle()


def _how_it_failed(request: SeenRequest) -> str:
    if not request.ended:
        return "never came"
    if request.is_html_instead:
        return f"answered {request.status} with HTML"
    return f"answered {request.status}" if request.status else "failed"
