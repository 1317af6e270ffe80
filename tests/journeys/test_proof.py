"""Nothing is typed before test mode is proved: a page that listens for every input heard none."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from journeys.checkout_session import StripeAccess
from journeys.pages import CheckoutPage
from journeys.site import Site
from journeys.visit import Visit, VisitFailed, journey
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

TEST, LIVE = "cs_test_a1b2c3d4", "cs_live_a1b2c3d4"
FORM = """
<body><p>Total $1,000.00</p>
<form onsubmit="event.preventDefault(); location = '/success'">
  <input id="cardNumber"><input id="cardExpiry"><input id="cardCvc"><button type="submit">Pay</button>
</form>
<script>
  window.heard = [];
  for (const name of ["keydown", "keypress", "beforeinput", "input", "change", "paste", "submit"])
    addEventListener(name, event => heard.push(name), true);
</script>
"""
BODY = "fetch('/collect', {method: 'POST', body: 'key=pk_live_51abcdef'})"


@journey(title="A buyer pays where it may", steps=("look", "pay"), slow_after_s=10, deadline_s=20)
def paying(visit: Visit) -> None:
    """Open a payment page and pay, if there is no reason not to."""
    checkout = CheckoutPage(visit)
    with visit.step("look"):
        visit.go(visit.site.url(f"/c/pay/{visit.run_id}"))
        checkout.is_open()
        checkout.charges(1000)
    reason = checkout.reason_not_to_pay()
    if reason:
        visit.skip("pay", reason=reason)
        return
    with visit.step("pay"):
        form = checkout._form()
        checkout._fill(form, visit.site.card)


def walked(
    page: Page, html: str, *, session: str = TEST, said: dict[str, object] | None = None
) -> tuple[str, list[str]]:
    """Why the payment was left out ("" where it was not), and every input event that the page heard.

    `said` is what Stripe's API says of the session; None is no key.
    """
    pages: dict[str, Answer | str] = {
        f"/c/pay/{session}": html,
        "/frame": "<script>const key = 'pk_live_51abcdef'</script>",
        "/collect": "{}",
        "/api/create-checkout-session": Answer(
            json.dumps({"session": {"amountTotal": 1000, "currency": "usd", "paymentStatus": "unpaid"}}),
            kind="application/json",
        ),
        f"/v1/checkout/sessions/{session}": Answer(
            json.dumps({"id": session, "object": "checkout.session", "payment_status": "unpaid", **(said or {})}),
            kind="application/json",
        ),
    }
    with a_site(pages) as served:
        site = Site(base_url=served.url, cities={"Dallas": "dallas"})
        stripe = StripeAccess("sk_test_1234567890", served.url) if said else None
        visit = Visit(page, site=site, journey=paying, run_id=session, stripe=stripe)
        visit.walk()
        heard: list[str] = page.evaluate("heard")
        page.goto("about:blank")
    return visit.steps()[1].error or "", heard


@pytest.mark.parametrize("said", [None, {"livemode": False, "amount_total": 100_000, "currency": "usd"}])
def test_a_proved_test_page_is_typed_into(page: Page, said: dict[str, object] | None) -> None:
    reason, heard = walked(page, FORM, said=said)
    assert reason == ""
    assert "input" in heard, "the listener hears what is typed"


LOOKS_LIVE = {
    "a live session's address": (FORM, LIVE, "the address of the checkout carries no cs_test_ session"),
    "no session's address": (FORM, "order-1", "the address of the checkout carries no cs_test_ session"),
    "a key in an inline script": (FORM + "<script>Stripe('pk_live_51abcdef')</script>", TEST, "key (pk_live_)"),
    "a key in an attribute": (FORM + "<div data-key='pk_live_51abcdef'></div>", TEST, "key (pk_live_)"),
    "a live session in a script": (FORM + f"<script>const id = '{LIVE}'</script>", TEST, "session (cs_live_)"),
    "a key inside a frame": (FORM + "<iframe src='/frame'></iframe>", TEST, "key (pk_live_)"),
    "a key in a request's address": (
        FORM + "<script>fetch('/collect?key=pk_' + 'live_51abcdef')</script>",
        TEST,
        "went out with GET http://127.0.0.1",
    ),
    "a key in a request's body": (
        FORM + f"<script>{BODY.replace('pk_live_', 'pk_' + chr(39) + '+' + chr(39) + 'live_')}</script>",
        TEST,
        "went out with POST http://127.0.0.1",
    ),
}


@pytest.mark.parametrize("name", LOOKS_LIVE)
def test_a_page_that_looks_live_gets_no_keystroke(page: Page, name: str) -> None:
    html, session, why = LOOKS_LIVE[name]
    reason, heard = walked(page, html, session=session)
    assert reason.startswith("test mode is not proved: ")
    assert why in reason
    assert heard == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"livemode": True, "amount_total": 100_000, "currency": "usd"}, "Stripe's API says livemode: true"),
        ({"amount_total": 100_000, "currency": "usd"}, "could not tell the session's mode"),
    ],
)
def test_a_session_that_stripe_does_not_call_a_test_gets_no_keystroke(
    page: Page, said: dict[str, object], why: str
) -> None:
    reason, heard = walked(page, FORM, said=said)
    assert why in reason
    assert heard == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"livemode": False, "amount_total": 110_000, "currency": "usd"}, "says $1,100 is charged where $1,000 is due"),
        ({"livemode": False, "amount_total": 100_000, "currency": "eur"}, "charged in eur where usd is due"),
    ],
)
def test_another_amount_or_currency_fails_before_anything_is_typed(
    page: Page, said: dict[str, object], why: str
) -> None:
    with pytest.raises(VisitFailed, match=why.replace("$", r"\$")):
        walked(page, FORM, said=said)
    assert page.evaluate("heard") == []


def test_a_script_that_only_knows_the_prefix_is_no_live_key(page: Page) -> None:
    reason, _ = walked(page, FORM + "<script>const live = key => key.startsWith('pk_live_')</script>")
    assert reason == ""
