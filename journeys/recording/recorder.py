"""Records what a browser context does, step by step, by listening to its events."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from playwright.sync_api import BrowserContext, ConsoleMessage, Download, Error, Frame, Page, Response, WebError
from playwright.sync_api import Dialog as NativeDialog
from playwright.sync_api import Request as BrowserRequest

import facts
from journeys.recording.endpoints import LIVE, endpoint_of, file_of, origin_of, party_of
from journeys.recording.phases import request_phases
from journeys.recording.rate_limits import RateLimits
from journeys.recording.vitals import BINDING, SCRIPT, VitalsLog
from journeys.refusals import pending_in, refusal_in
from journeys.walls import wall_told_by

_MOST_REQUESTS = 2000
_MOST_LINES = 200
_TEXT = 2000
_BODY = 500
_SHORT_ANSWER = 64 << 10
# A frame of a stack: "    at buy (https://shop.example/app.js:1:2)". The message above the frames may hold any address.
_FRAME = re.compile(r"^\s*at .*?(https?://[^\s)]+?):\d+:\d+\)?\s*$", re.MULTILINE)
# What stands before JSON so that nobody can run it as a script, as Angular and Gerrit have it: )]}',
_GUARD = re.compile(r"^\ufeff?(\)\]\}',?\s*\n?|while ?\(1\);|for ?\(;;\);)?")
_TEXT_KINDS = frozenset({"document", "fetch", "xhr"})
_CALLS = frozenset({"fetch", "xhr"})
_FILES_OF_CODE = frozenset({"script", "stylesheet"})
_ASKS = frozenset({"confirm", "prompt"})
_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(slots=True, eq=False)
class SeenRequest:
    """Holds a request, pending or completed; times are seconds on the visit's monotonic clock."""

    url: str
    method: str
    kind: str
    step: str | None
    party: str
    began: float
    is_main: bool
    status: int | None = None
    duration_ms: float | None = None
    failure: str | None = None
    body: str | None = None
    ended: bool = False
    phases: dict[str, float] = field(default_factory=dict)
    transferred_bytes: int | None = None
    body_bytes: int | None = None
    page: Page | None = None
    answer: str | None = None
    """The start of a good answer's body; it is kept with the run only where its step fails."""
    refusal: str | None = None
    """What a good answer says where it says no in its JSON, as `{"success": false}` does."""
    pending: str | None = None
    """What a good answer says that is not decided yet, as `{"status": "pending"}` does."""
    is_broken_json: bool = False
    """Whether a good answer that calls itself JSON cannot be read as such; an empty one cannot either."""
    wants_json: bool = False
    limits: tuple[str, ...] = ()
    """The names of the site's request limits that counted it."""
    is_download: bool = False
    """Whether the browser saved the answer instead of showing it as a page."""
    came_from: SeenRequest | None = None
    """The request whose redirect this one follows."""
    content_type: str = ""
    """As the answer names it, in small letters and without its parameters."""

    @property
    def endpoint(self) -> str:
        """The path with ids replaced."""
        return endpoint_of(self.url)

    @property
    def failed(self) -> bool:
        """Whether it ended without a response, or with a status of 400 or more; false if the page itself cancelled it."""
        if self.status is not None:
            return self.status >= 400
        return self.failure is not None and self.failure != "net::ERR_ABORTED"

    @property
    def is_html_instead(self) -> bool:
        """Whether the response is a page instead of a script or a stylesheet, as a catch-all route sends for a missing file."""
        return self.kind in _FILES_OF_CODE and (self.status or 0) < 400 and self.content_type in _HTML

    @property
    def is_unusable(self) -> bool:
        """Whether it failed, or returned a page instead of a script or a stylesheet."""
        return self.failed or self.is_html_instead

    @property
    def is_suspect(self) -> bool:
        """Whether it may have stopped the buyer: it is unusable or pending, or its response refuses or cannot be read."""
        says_no = self.refusal is not None or self.is_broken_json
        return self.is_unusable or self.is_download or not self.ended or says_no


class Recorder:
    """Holds everything that a browser context did since `attach`; the visit sets `step` to the current step."""

    def __init__(self, *, site_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.origin = origin_of(site_url)
        self.origins = {self.origin}
        """Every origin that counts as the site: its own, and those its first page was redirected to (an apex to its `www`)."""
        self.clock = clock
        self.step: str | None = None
        self.began = clock()
        self.requests: list[SeenRequest] = []
        self._documents: dict[BrowserRequest, SeenRequest] = {}
        self.console: list[facts.ConsoleLine] = []
        self.thrown_at: dict[str, str] = {}
        """Where an exception was thrown, as `address:line`, by its text."""
        self.dialogs: list[facts.Dialog] = []
        self.cancelled: list[facts.Dialog] = []
        """The questions of the page (`confirm`, `prompt`) that were answered with Cancel, as the journey said nothing."""
        self.vitals = VitalsLog(first=self.origins, clock=clock)
        self.rate_limits = RateLimits()
        self.walled: str | None = None
        """What says that a bot wall answered instead of the site."""
        self.live_key: str | None = None
        """The request that carried a key or a session of Stripe's live mode, in its address or in its body."""
        self.crashed = False
        self.left_out: dict[str, int] = {}
        """How many of each kind came after there were as many as are kept."""
        self._under_way: dict[BrowserRequest, SeenRequest] = {}
        self._first_document: SeenRequest | None = None
        self.is_opening = False
        """Whether the journey opens an address by hand: where the page leads then, nobody has pressed anything."""

    def attach(self, context: BrowserContext) -> None:
        """Listen to a context. Call it before the first navigation; pages that are already open are listened to as well."""
        context.on("request", self._requested)
        context.on("response", self._answered)
        context.on("requestfinished", self._finished)
        context.on("requestfailed", self._failed)
        context.on("console", self._console)
        context.on("weberror", self._exception)
        context.on("dialog", self._dialog)
        context.on("page", self._watch_page)
        for page in context.pages:
            self._watch_page(page)
        context.expose_binding(BINDING, lambda _source, payload: self.vitals.take(str(payload)))
        context.add_init_script(path=SCRIPT)

    def _watch_page(self, page: Page) -> None:
        page.on("crash", self._crash)
        page.on("download", self._downloaded)
        # A tab's first request comes before its page is known.
        for seen in self.requests:
            if seen.is_main and seen.page is None:
                seen.page = page

    def _downloaded(self, download: Download) -> None:
        for seen in reversed(self.requests):
            if seen.is_main and seen.url == download.url:
                seen.is_download = True
                return

    def _crash(self, _page: Page) -> None:
        self.crashed = True

    def _requested(self, request: BrowserRequest) -> None:
        url = request.url
        if not url.startswith(("http:", "https:")):
            return
        self._look_for_a_live_key(request)
        if len(self.requests) >= _MOST_REQUESTS:
            self._leave_out("requests")
            return
        kind = request.resource_type
        frame = _frame_of(request)
        before = request.redirected_from
        is_main = (
            kind == "document" and request.is_navigation_request() and (frame is None or frame.parent_frame is None)
        )
        if is_main:
            self._widen(url, before, frame.page if frame else None)
        seen = SeenRequest(
            url=url,
            method=request.method,
            kind=kind,
            step=self.step,
            party=self.party_of(url),
            began=self.clock(),
            is_main=is_main,
            page=frame.page if frame else None,
            wants_json="json" in request.headers.get("accept", ""),
            came_from=self._documents.get(before) if before else None,
        )
        if is_main and self._first_document is None:
            self._first_document = seen
        self.requests.append(seen)
        self._under_way[request] = seen
        if is_main:
            self._documents[request] = seen

    def party_of(self, url: str) -> str:
        """Return `first` for an address of the site, else the third party's origin."""
        return party_of(url, first=self.origins)

    def is_the_sites(self, url: str) -> bool:
        """Return whether an address belongs to the site."""
        return origin_of(url) in self.origins

    def _widen(self, url: str, before: BrowserRequest | None, page: Page | None) -> None:
        """Count the address to which the journey's first page redirects, by HTTP or by its own script, as the site too."""
        first = self._first_document
        if first is None or first.party != "first":
            return
        if self.is_opening and before is None and first.status is not None and page is not None and first.page is page:
            self.origins.add(origin_of(url))
        while before is not None:
            if self._documents.get(before) is first:
                self.origins.add(origin_of(url))
                return
            before = before.redirected_from

    def _look_for_a_live_key(self, request: BrowserRequest) -> None:
        # Stripe's own script sends the key in the body. https://docs.stripe.com/keys
        body = request.post_data_buffer or b""
        if self.live_key is None and (LIVE.search(request.url) or LIVE.search(body.decode("utf-8", "replace"))):
            self.live_key = f"{request.method} {origin_of(request.url)}{endpoint_of(request.url)}"

    def _answered(self, response: Response) -> None:
        seen = self._under_way.get(response.request)
        if seen is None:
            return
        seen.status = response.status
        seen.content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if seen.party == "first":
            seen.limits = self.rate_limits.take(response.headers, response.status)
        self._note_wall(seen, response.headers)
        if seen.status >= 400 and seen.kind in _TEXT_KINDS:
            seen.body = _text_of(response)
        elif seen.party == "first" and seen.kind in _CALLS and _is_short_text(response.headers):
            # Read as it comes: while the page is on its way elsewhere nobody can ask for it any more.
            whole = _whole_text_of(response)
            seen.answer = _start_of(whole)
            seen.refusal = refusal_in(whole) if whole else None
            seen.pending = pending_in(whole) if whole else None
            seen.is_broken_json = whole is not None and _is_json(seen.content_type) and not _can_be_read(whole)

    def _note_wall(self, seen: SeenRequest, headers: dict[str, str]) -> None:
        # A wall before somebody else's script stops nobody from buying.
        who = wall_told_by(headers) if seen.is_main or (seen.party == "first" and seen.kind in _TEXT_KINDS) else None
        if who:
            self.walled = f"{seen.method} {seen.endpoint} was answered {seen.status} by {who}"

    def _finished(self, request: BrowserRequest) -> None:
        seen = self._under_way.pop(request, None)
        if seen is None:
            return
        seen.ended = True
        timing = cast("Mapping[str, float]", request.timing)
        ends = timing["responseEnd"]
        seen.duration_ms = ends if ends >= 0 else (self.clock() - seen.began) * 1000
        seen.phases = request_phases(timing)
        self._weigh(seen, request)

    def _weigh(self, seen: SeenRequest, request: BrowserRequest) -> None:
        """Read the transferred bytes of a request. Only the driver knows them; the listener runs while the journey continues."""
        with contextlib.suppress(Error):  # the page went away meanwhile: nobody knows any more
            sizes = request.sizes()
            # An answer out of the browser's cache carried no head over the wire; Playwright counts it off the body's zero.
            seen.body_bytes = max(0, sizes["responseBodySize"])
            seen.transferred_bytes = sizes["responseHeadersSize"] + sizes["responseBodySize"]
            if seen.transferred_bytes == 0:
                self.rate_limits.forget(seen.limits)

    def _failed(self, request: BrowserRequest) -> None:
        seen = self._under_way.pop(request, None)
        if seen is None:
            return
        seen.ended = True
        seen.failure = request.failure or "failed"
        seen.duration_ms = (self.clock() - seen.began) * 1000

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("warning", "error"):
            source = str(message.location.get("url", "")) or None
            self._keep(facts.ConsoleLine(level=message.type, text=message.text[:_TEXT], step=self.step, source=source))

    def _exception(self, error: WebError) -> None:
        thrower = _FRAME.search(_frames_of(error))
        line = facts.ConsoleLine(
            level="exception",
            text=_words_of(error)[:_TEXT],
            step=self.step,
            source=thrower[1] if thrower else None,
        )
        at = error.location
        # An error of syntax has no place that the browser tells.
        if thrower and at["url"] == thrower[1]:
            self.thrown_at.setdefault(line.text, f"{at['url']}:{at['line'] + 1}")
        self._keep(line)

    def _keep(self, line: facts.ConsoleLine) -> None:
        if len(self.console) < _MOST_LINES:
            self.console.append(line)
        else:
            self._leave_out("console")

    def _leave_out(self, kind: str) -> None:
        self.left_out[kind] = self.left_out.get(kind, 0) + 1

    def _dialog(self, dialog: NativeDialog) -> None:
        if len(self.dialogs) < _MOST_LINES:
            self.dialogs.append(facts.Dialog(kind=dialog.type, text=dialog.message[:_TEXT], step=self.step))
            if dialog.type in _ASKS and not _has_own_listener(dialog.page):
                self.cancelled.append(self.dialogs[-1])
        else:
            self._leave_out("dialogs")
        if _has_own_listener(dialog.page):
            return  # the journey answers it
        with contextlib.suppress(Error):  # the page may go away together with its dialog
            if dialog.type == "beforeunload":
                dialog.accept()  # leaving a page is what the journey asked for
            else:
                dialog.dismiss()

    def note_own(self, method: str, url: str) -> SeenRequest:
        """Record a request that the visit itself makes, so that it is listed with the others and counts in the budget."""
        party = self.party_of(url)
        seen = SeenRequest(
            url=url, method=method, kind="probe", step=self.step, party=party, began=self.clock(), is_main=False
        )
        self.requests.append(seen)
        return seen

    def end_own(
        self, seen: SeenRequest, *, status: int | None = None, body: str | None = None, failure: str | None = None
    ) -> None:
        """Record how a request of the visit itself ended."""
        seen.ended = True
        seen.status, seen.failure = status, failure
        seen.body = " ".join(body[: _BODY * 4].split())[:_BODY] if body else None
        seen.duration_ms = (self.clock() - seen.began) * 1000

    def document_of(self, page: Page) -> SeenRequest | None:
        """Return the latest request for a page's own document, in whichever step it was made; None where there was none."""
        mains = (seen for seen in reversed(self.requests) if seen.is_main and seen.page in (page, None))
        return next(mains, None)

    def keep_answers(self, step: str | None) -> None:
        """Keep the responses of the site's API in a failed step, because a site may refuse with a status of 200."""
        for seen in self.in_step(step):
            seen.body = seen.body or seen.answer

    def in_step(self, step: str | None) -> list[SeenRequest]:
        """Return the requests that began in a step, oldest first."""
        return [seen for seen in self.requests if seen.step == step]

    def nouns(self) -> dict[str, Any]:
        """Return what an attempt keeps: tuples named `requests`, `console`, `dialogs` and `vitals`, and the counts in `left_out`."""
        vitals = {"vitals": self.vitals.left_out} if self.vitals.left_out else {}
        return {
            "left_out": {**self.left_out, **vitals},
            "requests": tuple(self._request(seen) for seen in self.requests),
            "console": tuple(self.console),
            "dialogs": tuple(self.dialogs),
            "vitals": self.vitals.vitals(),
        }

    def _request(self, seen: SeenRequest) -> facts.Request:
        return facts.Request(
            step=seen.step,
            method=seen.method,
            endpoint=seen.endpoint,
            status=seen.status,
            duration_ms=seen.duration_ms,
            party=seen.party,
            kind=seen.kind,
            started_ms=(seen.began - self.began) * 1000,
            failure=seen.failure if seen.ended else "pending",
            body=seen.body,
            phases=seen.phases,
            transferred_bytes=seen.transferred_bytes,
            body_bytes=seen.body_bytes,
            file=file_of(seen.url, seen.kind),
        )


def _frame_of(request: BrowserRequest) -> Frame | None:
    """Return the frame that made a request; None for the first request of a new tab, whose page is not there yet."""
    try:
        return request.frame
    except Error:
        return None


def _has_own_listener(page: Page | None) -> bool:
    """Return whether the journey handles a page's dialogs itself, which Playwright's public objects do not show."""
    inner = getattr(page, "_impl_obj", None)
    return bool(inner is not None and inner.listeners("dialog"))


def _words_of(error: WebError) -> str:
    """Return the message of an exception, and the whole text where a script threw a text instead of an error.

    Playwright takes what stands before the first colon of any text for the name of an error, and leaves it out of the message.
    """
    name = getattr(error.error, "name", None) or ""
    message = str(error.error)
    if not name or getattr(error.error, "stack", None) or re.fullmatch(r"[A-Z]\w*(Error|Exception)", name):
        return message
    # It drops the character after the colon too, which is a slash in an address.
    return f"{name}:/{message}" if name in ("http", "https") and message.startswith("/") else f"{name}: {message}"


def _frames_of(error: WebError) -> str:
    """Return the stack below the message: an address inside the message says nothing about whose script threw."""
    stack = getattr(error.error, "stack", None) or ""
    message = getattr(error.error, "message", None) or str(error.error)
    head, found, frames = stack.partition(message)
    return frames if found and message and "\n" not in head else stack


def _is_short_text(headers: Mapping[str, str]) -> bool:
    """Return whether a response body is JSON, HTML, XML or plain text, and small enough to be read while the journey goes on."""
    length = headers.get("content-length", "0")
    kind = headers.get("content-type", "")
    # Plain text without a length may be a stream that never ends.
    is_read = (
        "json" in kind or "html" in kind or "xml" in kind or ("text/plain" in kind and "content-length" in headers)
    )
    return is_read and length.isdigit() and int(length) <= _SHORT_ANSWER


def _text_of(response: Response) -> str | None:
    """Return the start of a failed response's body, in one line; None if the browser no longer has it."""
    return _start_of(_whole_text_of(response))


def _whole_text_of(response: Response) -> str | None:
    # An answer without a body by its status has none that could be broken.
    if response.status in (204, 205, 304) or response.request.method == "HEAD":
        return None
    try:
        return response.text()
    except (Error, UnicodeDecodeError):
        return None


def _start_of(text: str | None) -> str | None:
    return " ".join(text[: _BODY * 4].split())[:_BODY] or None if text else None


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def _can_be_read(text: str) -> bool:
    """Return whether a text is JSON, also behind the line that some sites put before it against being run as a script."""
    try:
        json.loads(_GUARD.sub("", text, count=1))
    except ValueError:
        return False
    return True
