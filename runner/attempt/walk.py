"""Runs one attempt in a process of its own: starts a browser, walks the journey, reports events, and takes evidence.

The order arrives as JSON on standard input. Events leave at once, as JSON lines on the file descriptor that the order
names, so that no observation is lost if this process hangs or is killed. It never cleans up: the supervisor kills its
remaining processes and removes the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from config import ConfigError
from facts import NO_PICTURE, Attempt, Status, from_wire, to_wire
from journeys.browser import BrowserMissingError, BrowserUnusableError, find_browser, launch_options, user_agent
from journeys.checkout_session import StripeAccess
from journeys.failure import Failure
from journeys.journey import Journey
from journeys.picture import NoPictureError
from journeys.recording import Tracer, origin_of
from journeys.reference import read_reference, write_reference
from journeys.registry import JourneyError, load_journey
from journeys.site_headers import add_headers
from journeys.visit import Visit, VisitFailed
from process.network import browser_proxy
from runner.attempt.job import Job, Order
from runner.attempt.limits import LINE_MB
from runner.attempt.stack_sampler import StackSampler
from runner.ledger.ledger_writer import LedgerUnusableError, LedgerWriter, Listener

_PAGE = 4096
_REST_MS = 300
_FADE_MS = 900
_STEP_PICTURES_EVERY_S = 3600.0
"""The pause between two runs that keep a picture of each step, in seconds: all runs would fill the store in a day."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_VIEWPORT = {"width": 1280, "height": 800}


class Wire:
    """Sends JSON lines to the supervisor; objects are converted to their wire form."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()  # the sampler thread writes too

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Write one event as one complete line."""
        told = {"event": event, **{key: to_wire(value) for key, value in data.items()}}
        line = json.dumps(told).encode() + b"\n"
        if len(line) > LINE_MB << 20:  # the supervisor would drop the whole line
            line = json.dumps(_cut(told)).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


def _cut(told: Any) -> Any:
    """Return the same data with every text cut to 4096 characters."""
    if isinstance(told, str):
        return told[:_PAGE]
    if isinstance(told, dict):
        return {key: _cut(value) for key, value in told.items()}
    return [_cut(value) for value in told] if isinstance(told, list) else told


def _print_apart() -> None:
    """Make this process's output block when the pipe is full.

    The Playwright driver shares the pipe and has made it non-blocking.
    """
    with contextlib.suppress(OSError):
        apart = os.open("/dev/fd/2", os.O_WRONLY)  # on Linux this opens the pipe anew, with flags of its own
        os.dup2(apart, 1)
        sys.stderr = os.fdopen(apart, "w", buffering=1, errors="backslashreplace")


def main() -> None:
    """Read the order, make the attempt, and exit without cleaning up."""
    order = from_wire(Order, json.loads(sys.stdin.buffer.readline()))
    wire = Wire(order.facts_fd)
    own = Path(order.job.journeys_dir) if order.job.journeys_dir else None
    try:
        with sync_playwright() as playwright:
            _print_apart()
            _make(order, playwright, wire, StackSampler(sys.stdin.buffer, wire.tell, own))
            sys.stderr.flush()
            os._exit(0)  # closing a browser takes longer than killing it, and gains nothing
    except (BrowserMissingError, BrowserUnusableError, JourneyError, ConfigError, LedgerUnusableError) as error:
        wire.tell("unable", {"reason": str(error), "journey": isinstance(error, JourneyError)})
    except Exception as error:  # noqa: BLE001 - any error must reach the record
        traceback.print_exc()
        wire.tell("unable", {"reason": f"{type(error).__name__}: {_first_lines(str(error))}", "journey": False})
    os._exit(0)


def _first_lines(text: str) -> str:
    return " ".join(text.split())[:400]


def _make(order: Order, playwright: Playwright, wire: Wire, witness: StackSampler) -> None:
    job = order.job
    journey = load(job, wire.tell)
    # Opened before the browser: nothing may be bought that cannot be recorded.
    ledger_writer = LedgerWriter(wire.tell, job, order.number, journey=journey)
    found = find_browser(playwright.chromium.executable_path, {"SIXFB_CHROMIUM": job.chromium or ""})
    proxy = browser_proxy(job.proxies, job.site.base_url)
    options = {**launch_options(sandbox=job.sandbox, proxy=proxy), **found.launch}
    try:
        browser = playwright.chromium.launch(headless=not job.headed, slow_mo=job.slow_mo_ms, **options)
    except Error as error:
        executable = found.launch.get("executable_path", playwright.chromium.executable_path)
        raise BrowserUnusableError(executable, error.message) from None
    head = "headed" if job.headed else "headless"
    wire.tell("launched", {"browser": f"Chromium {browser.version} ({found.source}, {head})"})
    # The browser and its driver were started without these variables; Stripe's library reads them in this process.
    os.environ.update(job.proxies)
    walk(order, journey, browser, ledger_writer, wire.tell, witness)


def load(job: Job, tell: Listener) -> Journey:
    """The journey of a job, told to whoever keeps its deadlines. Raises JourneyError, ConfigError."""
    journey = load_journey(job.journey, job.journeys_dir)
    if lacking := journey.lacks(job.site):
        raise ConfigError(*lacking)
    tell(
        "journey",
        {
            "steps": journey.steps,
            "title": journey.title,
            "buys": journey.buys,
            "slow_after_s": journey.slow_after_s,
            "deadline_s": journey.deadline_s,
            "step_s": journey.step_s,
        },
    )
    return journey


def walk(
    order: Order,
    journey: Journey,
    browser: Browser,
    ledger_writer: LedgerWriter,
    tell: Listener,
    witness: StackSampler | None = None,
) -> None:
    """Walk a journey in a new context of a running browser; report the events, and then the evidence.

    `tell` is called with the name and the data of each event, as `runner.attempt.attempt_events` expects them; the
    events of the visit pass through `ledger_writer` first.
    """
    job = order.job
    context = _context(order, browser.new_context, user_agent(browser.version), tell)
    tracer = Tracer(context, Path(order.folder)) if order.traced else None
    if tracer is not None:
        tracer.start()
    page = context.new_page()
    stripe = StripeAccess(job.stripe_key, job.stripe_api_base) if job.stripe_key else None
    visit = Visit(
        page,
        site=job.site,
        journey=journey,
        run_id=job.run_id,
        stripe=stripe,
        listener=ledger_writer.tell,
        unhurried=job.slow_mo_ms > 0,
        tracer=tracer,
        headers={**job.headers, **job.secret_headers},
        secrets=job.secrets,
        pictures_steps=takes_step_pictures(order),
    )
    if witness is not None:
        witness.visit = visit
    started_at = datetime.now(UTC)
    visit.reference = read_reference(good) if (good := _last_good(job)) else None
    failure = _walk(visit)
    if good and failure is None:
        write_reference(good, visit.seen())
    tell("walked", {"attempt": _facts(order, visit, failure, started_at), "failure": failure, "notes": visit.notes})
    if failure and job.pause_on_failure:
        page.pause()
    _take_evidence(Path(order.folder), visit, failure, tell, tracer)
    tell("done", {})


def _last_good(job: Job) -> Path | None:
    """Return the file with the observations of this journey's last passed run at this site; None if none are kept."""
    if job.last_good is None:
        return None
    site = hashlib.sha256(origin_of(job.site.base_url).encode()).hexdigest()[:8]
    return Path(job.last_good, f"{job.journey}-{site}.json")


def takes_step_pictures(order: Order, *, now: Callable[[], float] = time.time) -> bool:
    """Return whether this attempt takes a picture of each step: the first one of an hour, at a runner that keeps good runs."""
    good = _last_good(order.job)
    if good is None or order.number != 1:
        return False
    marker = good.with_suffix(".pictures")
    try:
        if 0 <= now() - marker.stat().st_mtime < _STEP_PICTURES_EVERY_S:
            return False
    except FileNotFoundError:
        pass
    except OSError:
        return False
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:  # a full disk: a marker that cannot be set would have every run take pictures
        return False
    return True


def _context(order: Order, new_context: Any, agent: str, tell: Listener) -> BrowserContext:
    job = order.job
    options: dict[str, Any] = {
        "user_agent": agent,
        "viewport": _VIEWPORT,
        "locale": "en-US",
        # A service worker's script costs one more request per run, and the real site has none.
        "service_workers": "block",
        "base_url": job.site.base_url,
    }
    if job.basic_auth:
        user, _, password = job.basic_auth.partition(":")
        options["http_credentials"] = {"username": user, "password": password, "origin": origin_of(job.site.base_url)}
    if _csp_breaks(job.site.base_url):
        options["bypass_csp"] = True
        tell(
            "note",
            {"note": "CSP not tested: the site is plain http, where its upgrade-insecure-requests breaks every script"},
        )
    context: BrowserContext = new_context(**options)
    _add_headers(context, job, tell)
    return context


def _csp_breaks(base_url: str) -> bool:
    origin = origin_of(base_url)
    return origin.startswith("http://") and not any(origin.startswith(f"http://{host}") for host in _LOOPBACK)


def _add_headers(context: BrowserContext, job: Job, tell: Listener) -> None:
    """Add the job's extra headers to requests to the site only, each of which is held up for it."""
    extra = {**job.headers, **job.secret_headers}
    if not extra:
        return
    add_headers(context, job.site.base_url, extra)
    tell("note", {"note": "each request to the site was held up for a few milliseconds, to add extra headers"})


def _walk(visit: Visit) -> Failure | None:
    with visit.off_the_clock():
        visit.pump(_REST_MS)  # a browser that is still starting slows down the first page
    try:
        visit.walk()
    except VisitFailed as failed:
        return failed.failure
    return None


def _facts(order: Order, visit: Visit, failure: Failure | None, started_at: datetime) -> Attempt:
    """Return the attempt's own report; the supervisor decides its status and blame."""
    limits = visit.recorder.rate_limits
    limit = limits.tightest
    return Attempt(
        number=order.number,
        status=Status.FAILED if failure else Status.PASSED,
        started_at=started_at,
        failed_step=failure.step if failure else None,
        error=failure.sentence if failure else None,
        where=failure.where if failure else None,
        duration_ms=visit.duration_ms,
        waited_ms=visit.waited_ms,
        traced=order.traced,
        requests_left=limit.latest.left if limit else None,
        requests_limit=limit.latest.allowed if limit else None,
        requests_counted=limit.counted if limit else None,
        requests_reset_at=(limit.latest.resets_at if limit else None) or limits.retry_at,
        page=_address(visit.page_on_show),
        page_text=visit.page_text or None,
        steps=visit.steps(),
        **visit.recorder.nouns(),
    )


def _address(page: Page) -> str:
    """Return the page's address without query and fragment, which may hold ids and tokens."""
    return page.url.partition("?")[0].partition("#")[0]


def _take_evidence(folder: Path, visit: Visit, failure: Failure | None, tell: Listener, tracer: Tracer | None) -> None:
    if visit.gap.opened_by:
        tell("secrets", {"values": sorted(visit.gap.new_cookies())})
        if tracer is not None:
            tell("note", {"note": f"a gap in the trace: the page of {visit.gap.opened_by} was not left"})
    _save_screenshot(visit, folder / "screenshot.jpg", tell, fade=failure is not None)
    if failure is None:
        _save_step_pictures(visit, folder, tell)
    if failure and visit.page_text:
        (folder / "page.txt").write_text(visit.page_text, encoding="utf-8")
        tell("evidence", {"kind": "page_text", "file": "page.txt"})
    if tracer is not None:
        _save_trace(tracer, folder / "trace.zip", tell)


def _save_step_pictures(visit: Visit, folder: Path, tell: Listener) -> None:
    """Save the pictures of the steps of a walk that passed; a later failure is shown beside them."""
    for number, (step, jpeg) in enumerate(visit.step_pictures.items(), start=1):
        file = folder / f"step-{number}.jpg"
        with contextlib.suppress(OSError):
            file.write_bytes(jpeg)
            tell("evidence", {"kind": "screenshot", "file": file.name, "step": step})


def _save_trace(tracer: Tracer, file: Path, tell: Listener) -> None:
    try:
        if tracer.finish(file):
            tell("evidence", {"kind": "trace", "file": file.name})
    except (Error, OSError) as error:
        tell("note", {"note": f"no trace: {_first_lines(str(error))[:120]}"})


def _save_screenshot(visit: Visit, file: Path, tell: Listener, *, fade: bool) -> None:
    """Save a screenshot of the last page.

    After a failure it first waits until the page has faded in, because an immediate picture would be dark or empty.
    """
    try:
        if fade:
            visit.pump(_FADE_MS)
        picture = visit.picture()
        file.write_bytes(picture.jpeg)
        tell("evidence", {"kind": "screenshot", "file": file.name, "covered": picture.covered})
    except (NoPictureError, Error, OSError) as error:
        tell("note", {"note": f"{NO_PICTURE}{_first_lines(str(error))[:120]}"})


if __name__ == "__main__":
    main()
