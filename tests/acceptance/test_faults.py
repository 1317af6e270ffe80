"""The table of faults: what each must lead to, in a real browser, at the demo shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from demo import FAULTS, Demo, DemoSettings, serve_demo
from facts import Run
from tests.acceptance.conftest import Buy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GA, VIP = "ga_purchase", "vip_member_discount"


@dataclass(frozen=True)
class Expected:
    """Status, and for a run that did not pass its step, its blame, and words that its sentence must hold."""

    status: str = "passed"
    step: str | None = None
    blame: str | None = None
    words: tuple[str, ...] = ()


PASSED = Expected()
ALERT = "the page showed alert 'Failed to proceed to payment. Please try again.'"
OPEN = "POST /api/create-checkout-session"
REFUSED = ("GET / answered 429 'Too Many Requests'",)

TABLE: dict[str, tuple[Expected, Expected]] = {
    "payment_500": (
        Expected(
            "failed", "proceed_to_stripe", "site", (f"{OPEN} answered 500 'Failed to create checkout session'", ALERT)
        ),
        Expected(
            "failed", "proceed_to_checkout", "site", (f"{OPEN} answered 500 'Failed to create checkout session'", ALERT)
        ),
    ),
    "checkout_403": (
        Expected(
            "failed",
            "proceed_to_stripe",
            "site",
            (f"proceed_to_stripe: {OPEN} answered 403 'CSRF Token Invalid'; {ALERT}",),
        ),
        Expected("failed", "proceed_to_checkout", "site", (f"{OPEN} answered 403 'CSRF Token Invalid'; {ALERT}",)),
    ),
    "checkout_hang": (
        Expected("failed", "proceed_to_stripe", "site", (f"{OPEN} gave no answer in 1",)),
        Expected("failed", "proceed_to_checkout", "site", (f"{OPEN} gave no answer in 1",)),
    ),
    "wrong_price": (
        Expected("failed", "proceed_to_stripe", "site", ("Stripe's API says $1,100 is charged where $1,000 is due",)),
        Expected("failed", "proceed_to_checkout", "site", ("Stripe's API says $1,300 is charged where $1,200 is due",)),
    ),
    "verify_down": (
        PASSED,
        Expected(
            "failed",
            "fill_member_info",
            "site",
            (
                "POST /api/verify-member answered 500 'Member database unavailable'",
                "the page said 'Email not found in our 6FB member database'",
            ),
        ),
    ),
    "discount_lost": (PASSED, Expected("failed", "verify_discount_applied", "site", ("$1,500", "$1,200"))),
    "declined_card": (
        Expected("failed", "complete_test_payment", "third_party", ("Your credit card was declined",)),
        PASSED,
    ),
    "success_unpaid": (
        Expected(
            "failed", "verify_success_page", "site", ("says 'Registration Successful!'", "says the session is not paid")
        ),
        PASSED,
    ),
    "slow_page": (PASSED, PASSED),
    "layout_shift": (PASSED, PASSED),
    "js_error": (PASSED, PASSED),
    "third_party_down": (PASSED, PASSED),
    "inventory_negative": (PASSED, PASSED),
    "blank_429": (
        Expected("errored", "navigate_to_register", "runner", REFUSED),
        Expected("errored", "navigate_to_register", "runner", ("GET /pricing answered 429 'Too Many Requests'",)),
    ),
}


def rows() -> list[Any]:
    """Each fault with each journey. Where both end alike, the second of them is left to the drills."""
    found = []
    for fault, (ga, vip) in TABLE.items():
        alike = [pytest.mark.drill] if (ga.status, ga.blame) == (vip.status, vip.blame) else []
        found.append(pytest.param(fault, GA, ga, id=f"{fault}-{GA}"))
        found.append(pytest.param(fault, VIP, vip, id=f"{fault}-{VIP}", marks=alike))
    return found


def test_every_fault_has_its_row() -> None:
    assert set(TABLE) == set(FAULTS)


@pytest.mark.parametrize(("fault", "journey", "expected"), rows())
def test_a_fault_leads_to(fault: str, journey: str, expected: Expected, demo: Demo, buy: Buy) -> None:
    demo.faults.start(fault)
    run = buy(demo, journey)
    assert (run.status, run.failed_step, run.blame) == (expected.status, expected.step, expected.blame), run.error
    for words in expected.words:
        assert words in (run.error or "")
    assert run.slow is (fault == "slow_page")


@pytest.mark.parametrize("journey", [GA, VIP])
def test_a_stopped_site_refuses_the_connection(journey: str, buy: Buy) -> None:
    with serve_demo(settings=DemoSettings()) as demo:
        demo.stop_shop()
        run = buy(demo, journey)
    assert (run.status, run.failed_step) == ("failed", "navigate_to_register")
    assert run.blame in ("network", "site")
    assert "connection refused" in (run.error or "")


@pytest.mark.parametrize("journey", [GA, VIP])
def test_a_layout_shift_is_recorded_on_its_page(journey: str, demo: Demo, buy: Buy) -> None:
    page = "/" if journey == GA else "/pricing"
    healthy = cls_of(buy(demo, journey), page)
    demo.faults.start("layout_shift")
    shifted = cls_of(buy(demo, journey), page)
    assert healthy < 0.1 < 0.2 <= shifted


def cls_of(run: Run, page: str) -> float:
    return max(v.value or 0 for v in run.vitals if (v.page, v.name) == (page, "CLS") and not v.cut)


def test_a_script_that_throws_is_recorded(demo: Demo, buy: Buy) -> None:
    demo.faults.start("js_error")
    console = buy(demo, GA).attempts[0].console
    assert any(line.level == "exception" and "trackVisit" in line.text for line in console)


def test_a_third_party_that_is_down_is_recorded_under_its_origin(demo: Demo, buy: Buy) -> None:
    demo.faults.start("third_party_down")
    requests = buy(demo, GA).attempts[0].requests
    assert (demo.third_party_url, "/analytics.js", 503) in [(r.party, r.endpoint, r.status) for r in requests]
