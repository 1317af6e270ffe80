"""Defines a run, its attempts, and everything that an attempt observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from facts.wire import WIRE_VERSION, left_out_when_none


class Status(StrEnum):
    """The final status of a run or of an attempt."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    ERRORED = "errored"
    """The product itself failed; the blame is then always `runner`."""
    BLOCKED = "blocked"
    """A bot wall blocked access to the shop."""
    MISSED = "missed"
    SKIPPED = "skipped"


class StepStatus(StrEnum):
    """The final status of one step."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"


class Blame(StrEnum):
    """The party responsible for a run that did not pass."""

    SITE = "site"
    NETWORK = "network"
    THIRD_PARTY = "third_party"
    JOURNEY = "journey"
    RUNNER = "runner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Holds a named part of a journey with its own timing.

    `started_ms` counts from the first step's start on the journey's clock, which is paused while evidence is taken;
    both times are None for a step that never began. `error` is the error of a failed step or the reason of a skipped
    one.
    """

    name: str
    status: StepStatus
    started_ms: float | None = None
    duration_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vital:
    """Holds one web vital of one page of one attempt.

    `name` is LCP, CLS, INP, FID, FCP, TTFB or LOAD (from the start of a hard navigation to the end of its load event; a
    soft one has none); `unit` is `ms`, or `score` for CLS. `value` is None if it did not happen (no interaction, no
    paint). `navigation` is `hard` or `soft`. `cut` marks a page that was used before it came to rest: its LCP and CLS
    are incomplete and must not be graded. `target` is the selector of the element that caused the value; for CLS that
    of the largest shift.

    `phases` are ms by name, in order, and sum to the value: `ttfb`, `load_delay`, `load_duration`, `render_delay` of an
    LCP, `input_delay`, `processing`, `presentation` of an INP; empty if they are unknown. `url` is the image that is
    the largest paint, `event` the type of the event that the slow interaction handled. `estimated` marks an INP of a
    page that was left before the browser reported it: the time of its handlers, without the paint.

    `box` is where the element was in the window when the page last told something: left, top, width and height in CSS pixels. It is
    None where the element was gone or not shown, for every page but the last of its document, and in records of older runners.
    """

    page: str
    name: str
    value: float | None
    unit: str
    navigation: str
    cut: bool = False
    target: str | None = None
    url: str | None = None
    event: str | None = None
    phases: dict[str, float] = field(default_factory=dict)
    estimated: bool = False
    box: tuple[int, ...] | None = field(default=None, metadata=left_out_when_none())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Holds one request of the browser.

    `endpoint` is the path with ids replaced, without query; `party` is `first`, or the origin of a third party.
    `status` is None if no HTTP response came; `failure` is then the browser's error (`net::ERR_...`), or `pending` if
    none had come when the attempt ended. `kind` is the browser's resource type (`document`, `fetch`, ...). `body` is an
    excerpt of a text response with a status of 400 or more.

    `phases` are ms by name, in order, and sum to the duration: `queued` (before the browser started it), `dns`,
    `connect`, `tls`, `wait` (from sending it to the first byte), `receive`. Phases that did not happen are left out: a
    connection that was open already has neither `dns` nor `connect` nor `tls`. `transferred_bytes` is the size of head
    and body on the wire; `body_bytes` is the body's share, as compressed as it came. Both are None if the browser did
    not report them. `file` is the name of a script or style sheet with its hash (`page-8c1d9f0a.js`), which `endpoint`
    replaces; None for anything else.
    """

    step: str | None
    method: str
    endpoint: str
    status: int | None
    duration_ms: float | None
    party: str
    kind: str = "other"
    started_ms: float | None = None
    failure: str | None = None
    body: str | None = None
    phases: dict[str, float] = field(default_factory=dict)
    transferred_bytes: int | None = None
    body_bytes: int | None = None
    file: str | None = field(default=None, metadata=left_out_when_none())


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLine:
    """Holds a console message of level warning or error, or an uncaught exception of the page (level `exception`)."""

    level: str
    text: str
    step: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """Holds a native dialog (`alert`, `confirm`, `prompt`, `beforeunload`) that the page opened; it was dismissed."""

    kind: str
    text: str
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Holds a purchase of a run: a Stripe checkout session, or an order that a custom journey reported.

    `session_id` is the session's id or the order's. `amount_minor` is in minor units of `currency` (cents of `usd`).
    `state` is `open`, `paid`, `expired` or `refunded` for a session, `ordered` or `undone` for an order, and `note`
    says what is left to do ("open, expires in 24 h", "paid, not refunded"). `proved_by` names the source of the amount:
    `stripe`, the site's own `api`, or `the journey`.
    """

    session_id: str
    amount_minor: int | None
    currency: str | None
    state: str
    note: str | None = None
    proved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Holds a file that proves a run; `path` is relative to the evidence folder, `sha256` the hex digest of its bytes.

    `kind` is `screenshot` (JPEG), `trace` (Playwright's zip) or `page_text` (UTF-8). `masked` counts the secrets that
    were masked in it. An artifact that was dropped because masking failed has no path and a `note`. `step` is the step at
    whose end a screenshot was taken; None for the last screenshot of an attempt and for everything else.
    """

    kind: str
    sha256: str | None
    path: str | None
    attempt: int
    bytes: int = 0
    masked: int = 0
    note: str | None = None
    step: str | None = field(default=None, metadata=left_out_when_none())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Holds one attempt of a run.

    `duration_ms` is the journey's clock from the first step's start to the end of the last, without the waits for
    evidence; those are `waited_ms`. `error_group` is the error with ids and numbers replaced, so that equal failures
    are grouped. `requests_counted` is how many requests count against the site's request limit (docs/blame.md says
    which). `requests_left` is the last remaining limit that the site announced, `requests_limit` the whole limit and
    `requests_reset_at` when its window ends, or when a 429 allows another try; None if the site announces none. `where`
    is the `file:line` of the journey's own code at which it stopped. `page` is the last URL, `page_text` its visible
    text. `left_out` counts by kind the items beyond the limits, which were not kept.
    """

    number: int
    status: Status
    started_at: datetime
    blame: Blame | None = None
    failed_step: str | None = None
    error: str | None = None
    error_group: str | None = None
    where: str | None = None
    duration_ms: float = 0.0
    waited_ms: float = 0.0
    traced: bool = False
    requests_left: int | None = None
    requests_limit: int | None = None
    requests_counted: int | None = None
    requests_reset_at: datetime | None = None
    page: str | None = None
    page_text: str | None = None
    steps: tuple[Step, ...] = ()
    vitals: tuple[Vital, ...] = ()
    requests: tuple[Request, ...] = ()
    console: tuple[ConsoleLine, ...] = ()
    dialogs: tuple[Dialog, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)


NO_PICTURE = "no picture: "
"""The beginning of the note that says why no screenshot was taken."""
NOT_CONFIRMED = "not confirmed"
"""The beginning of the note about a failure without a second attempt."""
NOT_CONFIRMED_BUDGET = f"{NOT_CONFIRMED}: the request budget is kept for coming slots"
NOT_CONFIRMED_TIME = f"{NOT_CONFIRMED}: the time is kept for coming slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Holds one slot at one location, or one ad-hoc run (`slot` is None).

    `counts` is the number of the attempt that counts; `steps`, `vitals`, `failed_step`, `error` and `duration_ms` are
    taken from it. A first failure is confirmed by a second attempt, whose result counts unless the product itself
    failed in it. `plan` is the hash of the configuration that the run used. `notes` are sentences that a reader must
    know ("CSP not tested", how test mode was proved). `cut` counts by kind what was left out to keep the record within
    its size limit. `buys` is false if the journey never places an order: without purchases it is then certain that
    nothing was bought, and otherwise it is not. `title` is the journey's; None if no attempt reported it.
    """

    id: str
    journey: str
    location: str
    slot: datetime | None
    status: Status
    started_at: datetime
    finished_at: datetime
    site: str
    browser: str
    plan: str
    blame: Blame | None = None
    slow: bool = False
    flaky: bool = False
    failed_step: str | None = None
    error: str | None = None
    duration_ms: float = 0.0
    slow_after_ms: float | None = None
    counts: int = 1
    version: int = WIRE_VERSION
    steps: tuple[Step, ...] = ()
    vitals: tuple[Vital, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    cut: dict[str, int] = field(default_factory=dict)
    buys: bool = True
    title: str | None = None

    @property
    def counted(self) -> Attempt | None:
        """The attempt that counts; None for a run that never began."""
        return next((attempt for attempt in self.attempts if attempt.number == self.counts), None)


def is_unconfirmed(run: Run) -> bool:
    """Return whether a run failed and no second attempt was made, to keep the request budget or the time for coming slots."""
    return why_unconfirmed(run) is not None


def why_unconfirmed(run: Run) -> str | None:
    """Return why a failed run has no second attempt, without its arithmetic; None for a run that needed or made one."""
    note = next((note for note in run.notes if note.startswith(NOT_CONFIRMED)), None)
    return note.partition(" (")[0] if note else None
