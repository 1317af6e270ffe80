"""The table of faults: what each fault of the demo shop must lead to, for the guest's journey and for the member's."""

from __future__ import annotations

from dataclasses import dataclass

GA, VIP = "ga_purchase", "vip_member_discount"


@dataclass(frozen=True)
class Expected:
    """Status, and for a run that did not pass its step (None where it may be any), its blame, and words that its sentence must hold.

    `notes` are words that the run's notes must hold. `step_s` and `deadline_s` are the patience of the journey where it is not the real
    one: what never comes is soon given up.
    """

    status: str = "passed"
    step: str | None = None
    blame: str | None = None
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    step_s: float | None = None
    deadline_s: float = 90


PASSED = Expected()
ALERT = "the page showed alert 'Failed to proceed to payment. Please try again.'"
OPEN = "POST /api/create-checkout-session"
REFUSED = ("GET / answered 429 'Too Many Requests'",)

FIRST, HOME_FAILS, PAYS = "navigate_to_register", "choose_city", "proceed_to_stripe"
SCRIPT = "GET /_next/static/app.js answered"
NEWSLETTER = "'Join our newsletter' (it has 'Subscribe', 'No, thank you')"
CONSENT = "'We use cookies' (it has 'Accept all', 'Reject all')"
SOLD_OUT = "the page says 'Sold Out': what this journey buys may not be for sale now"
RENAMED = ('the button "Proceed to Payment" never appeared', "there is 'Previous', 'Complete My Order'")
CRASHED = (
    "/register shows Next.js's error page: 'Application error: a client-side exception has occurred",
    "threw 'TypeError: Cannot read properties of undefined (reading 'length')' in /_next/static/app.js:",
)
SLOW = ("the journey took longer than its 9 s; ", "all of the site's answers are slow: they took about ")
SOON, LATER = 3, 5
"""Seconds of patience: on the first pages, and where more has to pass before."""


def fails(step: str, *words: str, blame: str = "site", step_s: float | None = None) -> Expected:
    """A run that fails so, soon."""
    return Expected("failed", step, blame, words, step_s=step_s or (SOON if step == FIRST else LATER))


def at_the_till(*words: str, blame: str = "site", step_s: float = LATER) -> tuple[Expected, Expected]:
    """What happens where the order is sent off, to both journeys."""
    return tuple(fails(step, *words, blame=blame, step_s=step_s) for step in (PAYS, "proceed_to_checkout"))  # type: ignore[return-value]


def on_every_page(*words: str) -> tuple[Expected, Expected]:
    """What the first page of each journey says."""
    return fails(FIRST, *(w.format("/") for w in words)), fails(FIRST, *(w.format("/pricing") for w in words))


def passes(*notes: str) -> tuple[Expected, Expected]:
    """Buyers get through, and the run notes so much."""
    return Expected(notes=notes), Expected(notes=notes)


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
    "limit_at_success": (
        Expected(
            "errored",
            "verify_success_page",
            "runner",
            (
                "GET /success answered 429 'Too Many Requests': this address has used up the requests the site allows it",
            ),
        ),
        PASSED,
    ),
    "bundle_missing": (
        fails(HOME_FAILS, f"{HOME_FAILS}: {SCRIPT} 404; ", 'details for Dallas" never appeared'),
        fails(FIRST, f"{FIRST}: {SCRIPT} 404; the ticket buttons of the price list never appeared"),
    ),
    "bundle_html": (
        fails(HOME_FAILS, f"{HOME_FAILS}: {SCRIPT} 200 with HTML where a script was due; "),
        fails(FIRST, f"{FIRST}: {SCRIPT} 200 with HTML where a script was due; "),
    ),
    "crash_page": on_every_page("GET {} answered 500 '500 Internal Server Error.'", "the page at {} is an error page"),
    "crash_page_200": (
        fails("select_ga_ticket", *CRASHED, step_s=LATER),
        fails("select_vip_ticket", *CRASHED, step_s=LATER),
    ),
    "caught_exception": at_the_till(
        "a script of the page threw 'TypeError: Cannot read properties of undefined (reading 'final')' in /_next/static/app.js:",
        ", caught and written to the console; Stripe's page after Proceed to Payment never appeared",
    ),
    "maintenance_200": on_every_page("{} shows a maintenance page: '6FB Methodologies is down for maintenance."),
    "empty_page": on_every_page("{} is an empty page"),
    "parked_domain": on_every_page("{} shows a parked domain: 'This domain is for sale! Make an offer.'"),
    "overlay": (
        fails(HOME_FAILS, f"{NEWSLETTER} covers the button", blame="journey"),
        fails("fill_member_info", f'{NEWSLETTER} covers the button "Verify"', blame="journey"),
    ),
    "cookie_bar": (
        fails(HOME_FAILS, f"{CONSENT} covers the button", blame="journey"),
        fails("fill_member_info", f'{CONSENT} covers the button "Verify"', blame="journey"),
    ),
    "says_no_with_200": at_the_till(f"{OPEN} answered 200, and says no: 'Ticket sales are closed'", ALERT),
    "html_for_json": at_the_till(f"{OPEN} answered 200 with HTML where JSON was due: ", ALERT),
    "all_slow": (
        Expected("timed_out", None, "site", SLOW, step_s=8, deadline_s=9),
        Expected("timed_out", None, "site", SLOW, step_s=8, deadline_s=9),
    ),
    "slow_chain": at_the_till(
        f"one slow answer after another: {OPEN} took 2.",
        "s, then GET /checkout/start ",
        "had no answer yet after",
        step_s=6,
    ),
    "secret_header": on_every_page(
        "GET {} answered 401 'Authentication Required", "site.yaml names no login and no secret header"
    ),
    "sold_out": (
        fails(HOME_FAILS, SOLD_OUT, '"Secure Your …General Admission" never appeared', blame="journey"),
        fails(FIRST, SOLD_OUT, "the ticket buttons of the price list never appeared", blame="journey"),
    ),
    "renamed_button": (
        fails("fill_customer_info", *RENAMED, blame="journey", step_s=LATER),
        fails("verify_discount_applied", *RENAMED, blame="journey", step_s=LATER),
    ),
    "new_tab": (
        Expected(notes=("the site opened a new tab in proceed_to_stripe, and the journey went on there",)),
        Expected(notes=("the site opened a new tab in proceed_to_checkout, and the journey went on there",)),
    ),
    "late_fade_in": (PASSED, PASSED),
    "assets_missing": passes(
        "own files failed: GET /_next/static/theme.css answered 404, GET /_next/static/display.woff2 answered 404"
    ),
    "stylesheet_missing": passes("failed: GET /_next/static/shop.css answered 404"),
    "telemetry_down": (PASSED, PASSED),
    "guest_401": (PASSED, PASSED),
    "guest_form_with_password": (PASSED, PASSED),
    "cdn_always_down": (PASSED, PASSED),
}
