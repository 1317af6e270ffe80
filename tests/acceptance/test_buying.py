"""Buying safely, at sites of several revisions, in a real browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo import Demo, DemoSettings, serve_demo
from demo.shop import TierPrices
from facts import Run, StepStatus, to_wire
from journeys.registry import load_journey
from tests.acceptance.conftest import Buy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GA, VIP = "ga_purchase", "vip_member_discount"
PAYMENT_STEPS = ("complete_test_payment", "verify_success_page")


def statuses(run: Run) -> dict[str, StepStatus]:
    return {step.name: step.status for step in run.steps}


# -- what a purchase leaves --------------------------------------------------------------------------------------------


def test_a_purchase_is_paid_at_stripe_and_recognisable_there(demo: Demo, buy: Buy) -> None:
    run = buy(demo, GA)
    assert (run.status, [(p.state, p.amount_minor, p.currency) for p in run.purchases]) == (
        "passed",
        [("paid", 100_000, "usd")],
    )
    session = next(s for s in demo.account.sessions() if s["id"] == run.purchases[0].session_id)
    assert session["payment_status"] == "paid"
    assert session["customer_email"] == f"synthetic+{run.id.replace('_', '-')}@example.com"
    assert run.purchases[0].note == "paid, not refunded"
    assert any("test mode is proved" in note and "livemode: false" in note for note in run.notes)


def test_a_member_leaves_an_open_session_of_the_member_price(demo: Demo, buy: Buy) -> None:
    run = buy(demo, VIP)
    assert run.status == "passed", run.error
    assert [(p.state, p.amount_minor, p.note) for p in run.purchases] == [("open", 120_000, "open, expires in 24 h")]


def test_without_a_stripe_key_the_amount_comes_from_the_sites_own_api_and_the_run_says_so(demo: Demo, buy: Buy) -> None:
    run = buy(demo, GA, stripe_key=None, stripe_api_base=None)
    assert run.status == "passed", run.error
    assert "the amount was read from the site's API" in run.notes
    assert ("GET", "/api/create-checkout-session", "probe") in [
        (r.method, r.endpoint, r.kind) for r in run.attempts[0].requests
    ]


@pytest.mark.parametrize("journey", [GA, VIP])
def test_a_run_costs_no_more_of_the_request_budget_than_its_journey_says(demo: Demo, buy: Buy, journey: str) -> None:
    attempt = buy(demo, journey, stripe_key=None, stripe_api_base=None).attempts[0]
    assert attempt.requests_counted is not None
    assert attempt.requests_reset_at is not None
    assert 0 < attempt.requests_counted <= (load_journey(journey, None).requests or 0)


def test_no_secret_is_in_the_record(demo: Demo, buy: Buy) -> None:
    assert demo.stripe_key not in json.dumps(to_wire(buy(demo, GA)))


# -- where nothing may be typed ----------------------------------------------------------------------------------------


def test_stop_before_payment_proves_the_amount_types_nothing_and_passes(demo: Demo, buy: Buy) -> None:
    before = demo.account.keystrokes
    run = buy(demo, GA, site={"payment": "stop_before_payment"})
    assert run.status == "passed", run.error
    assert {statuses(run)[name] for name in PAYMENT_STEPS} == {"skipped"}
    assert {s.error for s in run.steps if s.name in PAYMENT_STEPS} == {"payment: stop_before_payment is set"}
    assert (run.purchases[0].state, run.purchases[0].amount_minor) == ("open", 100_000)
    assert demo.account.keystrokes == before


def test_a_live_mode_page_gets_no_keystroke(buy: Buy) -> None:
    with serve_demo(settings=DemoSettings(live=True)) as demo:
        run = buy(demo, GA, stripe_key=None, stripe_api_base=None)
        assert demo.account.keystrokes == 0
        assert demo.account.charges() == []
    assert run.status == "passed", run.error
    skipped = [s.error for s in run.steps if s.name in PAYMENT_STEPS]
    assert skipped == ["test mode is not proved: the address of the checkout carries no cs_test_ session"] * 2


def test_a_key_that_cannot_prove_test_mode_stops_the_payment(demo: Demo, buy: Buy) -> None:
    before = demo.account.keystrokes
    run = buy(demo, GA, stripe_key="sk_test_of_somebody_else")
    assert run.status == "passed", run.error
    assert "Stripe's API could not tell the session's mode" in str(
        [s.error for s in run.steps if s.name in PAYMENT_STEPS]
    )
    assert demo.account.keystrokes == before


# -- other revisions ---------------------------------------------------------------------------------------------------

REVISIONS: dict[str, tuple[DemoSettings, dict[str, Any]]] = {
    "lower prices": (DemoSettings(prices=TierPrices(ga=300, vip=500), member_discount={"ga": 10, "vip": 10}), {}),
    "a member price of $1,350": (DemoSettings(member_discount={"ga": 20, "vip": 10}), {}),
    "the city grid twice": (DemoSettings(grid_twice=True), {}),
    "a home page that is deaf for a second after it has loaded": (DemoSettings(hydration_delay_ms=1000), {}),
    "another city": (DemoSettings(), {"city": "New York City", "cities": {"New York City": "nyc-jun-2026"}}),
    "payment methods in an accordion": (DemoSettings(layout="accordion"), {}),
    "a checkout inside frames": (DemoSettings(layout="frame"), {}),
}


@pytest.mark.drill
@pytest.mark.parametrize("name", REVISIONS)
def test_a_revision_in_which_one_can_buy_passes_without_a_change_of_code(name: str, buy: Buy) -> None:
    settings, site = REVISIONS[name]
    with serve_demo(settings=settings) as demo:
        runs = [buy(demo, journey, site=site) for journey in (GA, VIP)]
    assert [(run.status, run.error) for run in runs] == [("passed", None)] * 2


def test_a_revision_in_which_nobody_can_buy_fails(buy: Buy) -> None:
    with serve_demo(settings=DemoSettings(checkout_needs_csrf=True)) as demo:
        runs = [buy(demo, journey) for journey in (GA, VIP)]
    assert [(run.status, run.blame) for run in runs] == [("failed", "site")] * 2
    assert all("answered 403 'CSRF Token Invalid'" in (run.error or "") for run in runs)


def test_a_city_that_the_site_does_not_know_is_told(demo: Demo, buy: Buy) -> None:
    run = buy(demo, VIP, site={"cities": {"Dallas": "dallas-jan-1999"}})
    assert (run.status, run.failed_step) == ("failed", "navigate_to_register")
    assert "'dallas-jan-1999' sent the buyer back to the home page" in (run.error or "")


def test_an_address_over_its_limit_is_our_own_affair_wherever_it_strikes(buy: Buy) -> None:
    with serve_demo(settings=DemoSettings(rate_limit=7)) as demo:
        run = buy(demo, GA)
    assert (run.status, run.blame) == ("errored", "runner")
    assert "429" in (run.error or "")
