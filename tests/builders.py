"""Nouns with everything filled in: a test names only what it is about.

The defaults are the outage that really happened on the watched site: the checkout answered 403, and every page looked fine.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from facts import (
    Attempt,
    Blame,
    ConsoleLine,
    Dialog,
    Evidence,
    Purchase,
    Request,
    Run,
    Status,
    Step,
    StepStatus,
    Vital,
)

A_MOMENT = datetime(2026, 11, 23, 16, 20, tzinfo=UTC)
SITE = "https://shop.example"
GA_STEPS = (
    ("navigate_to_register", 1189.0),
    ("choose_city", 1381.0),
    ("select_ga_ticket", 1058.0),
    ("fill_customer_info", 1220.0),
    ("proceed_to_stripe", 512.0),
    ("complete_test_payment", 944.0),
    ("verify_success_page", 244.0),
)
VIP_STEPS = (
    ("navigate_to_register", 783.0),
    ("fill_member_info", 746.0),
    ("select_vip_ticket", 215.0),
    ("verify_discount_applied", 1294.0),
    ("proceed_to_checkout", 511.0),
)
ALERT = "Failed to proceed to payment. Please try again."
CHECKOUT_403 = (
    "proceed_to_stripe: POST /api/create-checkout-session answered 403 'CSRF Token Invalid'; "
    f"the page showed alert '{ALERT}'"
)


def a_step(name: str = "choose_city", **facts: Any) -> Step:
    """A passed step of 500 ms."""
    return Step(**{"name": name, "status": StepStatus.PASSED, "started_ms": 0.0, "duration_ms": 500.0, **facts})


def some_steps(
    steps: tuple[tuple[str, float], ...] = GA_STEPS, *, fails_at: str | None = None, why: str = CHECKOUT_403
) -> tuple[Step, ...]:
    """Steps one after the other. The one named `fails_at` fails with `why`; those behind it are skipped."""
    made: list[Step] = []
    clock = 0.0
    for name, took in steps:
        if any(step.status is StepStatus.FAILED for step in made):
            made.append(a_step(name, status=StepStatus.SKIPPED, started_ms=None, duration_ms=None))
            continue
        failed = name == fails_at
        status = StepStatus.FAILED if failed else StepStatus.PASSED
        made.append(a_step(name, status=status, started_ms=clock, duration_ms=took, error=why if failed else None))
        clock += took
    return tuple(made)


def a_vital(name: str = "LCP", value: float | None = 743.0, **facts: Any) -> Vital:
    """A vital of a hard load of the home page."""
    unit = "score" if name == "CLS" else "ms"
    return Vital(**{"page": "/", "name": name, "value": value, "unit": unit, "navigation": "hard", **facts})


def some_vitals(page: str = "/", navigation: str = "hard", **values: float | None) -> tuple[Vital, ...]:
    """All vitals of one page, as a healthy one has them; a soft navigation has no load."""
    healthy = {"LCP": 1428.0, "INP": 40.0, "FID": 5.4, "CLS": 0.0, "FCP": 469.0, "TTFB": 41.0}
    if navigation == "hard":
        healthy["LOAD"] = 910.0
    found = (healthy | values).items()
    return tuple(a_vital(n, v, page=page, navigation=navigation, **_made_by(n, v)) for n, v in found)


def _made_by(name: str, value: float | None) -> dict[str, Any]:
    """What made a vital: a picture that came late, a click with a slow handler, a banner that moved."""
    if name == "LCP" and value:
        spent = shares(value, ("ttfb", "load_delay", "load_duration", "render_delay"), (0.1, 0.15, 0.6, 0.15))
        return {"target": "main > section.hero > img", "url": "/hero.png", "phases": spent}
    if name == "INP" and value:
        spent = shares(value, ("input_delay", "processing", "presentation"), (0.1, 0.7, 0.2))
        return {"target": "#buy", "event": "click", "phases": spent}
    return {"target": "main > div.banner"} if name == "CLS" and value else {}


def shares(total: float, names: tuple[str, ...], parts: tuple[float, ...]) -> dict[str, float]:
    """A time shared out among phases."""
    return {name: round(total * part, 1) for name, part in zip(names, parts, strict=True)}


def a_request(endpoint: str = "/api/create-checkout-session", **facts: Any) -> Request:
    """The checkout's POST, answered 200."""
    default = {
        "step": "proceed_to_stripe",
        "method": "POST",
        "endpoint": endpoint,
        "status": 200,
        "duration_ms": 91.0,
        "party": "first",
        "kind": "fetch",
        "started_ms": 4890.0,
        "transferred_bytes": 1434,
        "body_bytes": 1210,
    }
    known = {**default, **facts}
    if known["status"] is not None and known["duration_ms"] is not None:
        shared = shares(known["duration_ms"], ("queued", "connect", "wait", "receive"), (0.05, 0.15, 0.6, 0.2))
        known = {"phases": shared, **known}
    return Request(**known)


def a_failed_request(**facts: Any) -> Request:
    """The checkout's POST, refused with 403."""
    return a_request(**{"status": 403, "body": "CSRF Token Invalid", **facts})


def some_requests(*, checkout: Request | None = None) -> tuple[Request, ...]:
    """What a buyer's browser asks for on the way to the checkout, with the site's everyday 404s."""
    get = {"method": "GET", "kind": "document"}
    home = "navigate_to_register"
    return (
        a_request("/", step=home, started_ms=2.0, duration_ms=41.0, **get),
        a_request(
            "/_next/static/chunks/{id}.js", step=home, method="GET", kind="script", started_ms=60.0, duration_ms=120.0
        ),
        a_request(
            "/images/6fb-banner.png",
            step=home,
            method="GET",
            kind="image",
            status=404,
            started_ms=80.0,
            duration_ms=35.0,
        ),
        a_request("/sw.js", step=home, method="GET", kind="script", status=404, started_ms=640.0, duration_ms=12.0),
        a_request("/pricing", step="choose_city", method="GET", started_ms=2400.0, duration_ms=34.0),
        a_request("/register", step="select_ga_ticket", method="GET", started_ms=3500.0, duration_ms=18.0),
        a_request(
            "/v3/",
            step="select_ga_ticket",
            method="GET",
            kind="script",
            party="https://js.stripe.com",
            started_ms=3560.0,
        ),
        checkout or a_request(),
    )


def a_console_line(text: str = "Service Worker registration failed", **facts: Any) -> ConsoleLine:
    """An error of the console at the first step."""
    return ConsoleLine(**{"level": "error", "text": text, "step": "navigate_to_register", **facts})


def a_dialog(text: str = ALERT, **facts: Any) -> Dialog:
    """The alert that the site shows for whatever went wrong at the checkout."""
    return Dialog(**{"kind": "alert", "text": text, "step": "proceed_to_stripe", **facts})


def a_purchase(**facts: Any) -> Purchase:
    """A general admission ticket, paid and refunded."""
    default = {
        "session_id": "cs_test_a1b2c3d4e5f6g7h8i9j0",
        "amount_minor": 100_000,
        "currency": "usd",
        "state": "refunded",
        "note": "paid and refunded, nothing left to do",
        "proved_by": "Stripe's API",
    }
    return Purchase(**{**default, **facts})


def some_evidence(kind: str = "screenshot", **facts: Any) -> Evidence:
    """A piece of evidence of the second attempt."""
    default = {"kind": kind, "sha256": None, "path": f"a-run/{kind}", "attempt": 2, "bytes": 7100}
    return Evidence(**{**default, **facts})


def an_attempt(**facts: Any) -> Attempt:
    """A GA attempt that found the checkout refused; `status=Status.PASSED` gives one that bought a ticket."""
    passed = facts.get("status") is Status.PASSED
    return Attempt(**{**(_passed_attempt() if passed else _failed_attempt()), **facts})


def a_run(**facts: Any) -> Run:
    """A scheduled GA run at us-west whose failure was confirmed; `status=Status.PASSED` gives one that bought a ticket.

    Other statuses come without attempts unless a test gives some. `seconds` is short for `duration_ms`.
    """
    if "seconds" in facts:
        facts["duration_ms"] = facts.pop("seconds") * 1000.0
    status = facts.get("status", Status.FAILED)
    attempts = facts.get("attempts", _attempts(status))
    last = attempts[-1] if attempts else None
    default = {
        "id": "01JDC4ZK8Q-ga_purchase-us-west",
        "journey": "ga_purchase",
        "location": "us-west",
        "slot": A_MOMENT,
        "status": status,
        "started_at": A_MOMENT + timedelta(seconds=1),
        "finished_at": A_MOMENT + timedelta(seconds=24),
        "site": SITE,
        "browser": "Chromium 156.0.7204.49",
        "plan": "9f2c61d0b7a4",
        "slow_after_ms": 30_000.0,
        "attempts": attempts,
        "counts": last.number if last else 1,
        "blame": last.blame if last else None,
        "purchases": (a_purchase(),) if status is Status.PASSED else (),
        "notes": ("Test mode was proved by the session’s id.",) if last else (),
    }
    counted = (
        {name: getattr(last, name) for name in ("steps", "vitals", "failed_step", "error", "duration_ms")}
        if last
        else {}
    )
    return Run(**{**default, **counted, **facts})


def _attempts(status: Status) -> tuple[Attempt, ...]:
    if status is Status.PASSED:
        return (an_attempt(number=1, status=Status.PASSED),)
    if status in (Status.FAILED, Status.TIMED_OUT):
        second = an_attempt(number=2, status=status, traced=True, started_at=A_MOMENT + timedelta(seconds=13))
        return (an_attempt(number=1, status=status), second)
    return ()


def _failed_attempt() -> dict[str, Any]:
    return {
        "number": 1,
        "status": Status.FAILED,
        "started_at": A_MOMENT + timedelta(seconds=1),
        "blame": Blame.SITE,
        "failed_step": "proceed_to_stripe",
        "error": CHECKOUT_403,
        "error_group": CHECKOUT_403,
        "where": "journeys/ga_purchase.py:58",
        "duration_ms": 5360.0,
        "waited_ms": 1840.0,
        "requests_left": 78,
        "page": f"{SITE}/register?city=dallas-jan-2026&type=ga&quantity=1",
        "page_text": "Review & Payment\nOrder Summary\nga Ticket × 1 $1,000\nTotal $1,000\nPrevious\nProceed to Payment",
        "steps": some_steps(fails_at="proceed_to_stripe"),
        "vitals": _visited(),
        "requests": some_requests(checkout=a_failed_request()),
        "console": _spoken(),
        "dialogs": (a_dialog(),),
    }


def _passed_attempt() -> dict[str, Any]:
    success = some_vitals("/success", LCP=384.0, CLS=0.1157, INP=None, FID=None)
    return {
        "number": 1,
        "status": Status.PASSED,
        "started_at": A_MOMENT + timedelta(seconds=1),
        "duration_ms": 6548.0,
        "waited_ms": 2210.0,
        "page": f"{SITE}/success?session_id=cs_test_a1b2c3d4e5f6g7h8i9j0",
        "page_text": "Registration Successful!",
        "steps": some_steps(),
        "vitals": _visited() + success,
        "requests": some_requests(),
        "console": _spoken(),
    }


def _visited() -> tuple[Vital, ...]:
    pricing = some_vitals("/pricing", "soft", LCP=512.0, CLS=0.3977, TTFB=None)
    register = tuple(
        replace(v, cut=v.name in ("LCP", "CLS"))
        for v in some_vitals("/register", "soft", LCP=106.0, INP=8.0, FID=3.0, TTFB=None)
    )
    return some_vitals() + pricing + register


def _spoken() -> tuple[ConsoleLine, ...]:
    warning = a_console_line(
        "Error with Permissions-Policy header: Unrecognized feature: 'ambient-light-sensor'.", level="warning"
    )
    return (warning, warning, warning, a_console_line(source=f"{SITE}/"))
