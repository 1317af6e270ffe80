"""Reads what a checkout session charges and whether it is paid: from Stripe if a key is set, else from the site's own API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from journeys.failure import Kind
from journeys.money import to_minor
from process.network import ca_file

if TYPE_CHECKING:
    import stripe

    from journeys.visit import Visit

PAY_PRESSED = "Pay was pressed and nobody saw the end: if it was paid, it is not refunded"
"""What is known of a session after Pay was pressed, until somebody sees whether it was paid."""

TEST_SESSION = "cs_test_"
"""What the id of a checkout session of Stripe's test mode begins with."""

SESSION_API = "/api/create-checkout-session"
_TIMEOUT_S = 20.0
"""Stripe responds within a second or two; it is asked while the clock is paused, and once more if it did not respond."""
# What Node.js says of a certificate that the browser has taken, out of the system's own store of authorities.
_DISTRUSTED = re.compile(r"unable to (verify|get local issuer)|self[- ]signed certificate", re.IGNORECASE)
_LARGEST_ANSWER = 4_000_000
"""A session has ten thousand bytes, a page of a hundred of them a million."""


@dataclass(frozen=True, slots=True)
class StripeAccess:
    """Holds a secret key of Stripe's test mode, and the API's address if a stand-in is used."""

    key: str = field(repr=False)
    api_base: str | None = None

    def __post_init__(self) -> None:
        if "_live_" in self.key:
            raise ValueError("a live Stripe key may never be near a journey; use the sk_test_ or rk_test_ key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Holds a checkout session as its source reports it.

    `amount_minor` is in minor units of `currency`; `livemode` is None where the source does not say. `told_by` is `Stripe's API`
    or `the site's API`. `error` says why the source could not tell, and then nothing else is known but `whose` affair that is.
    """

    told_by: str
    amount_minor: int | None = None
    currency: str | None = None
    paid: bool = False
    is_expired: bool = False
    livemode: bool | None = None
    error: str | None = None
    whose: Kind = Kind.SHOWN


def left_to_do(session: Session, *, pay_pressed: bool) -> tuple[str, str]:
    """Return the state of a purchase and what is left to do, in the words of the ledger.

    After Pay was pressed a session that is not paid yet may be a moment later, and nobody calls it open.
    """
    if session.paid:
        return "paid", "paid, not refunded"
    if session.is_expired:
        return "expired", "expired, nothing left to do"
    return "open", PAY_PRESSED if pay_pressed else "open, expires in 24 h"


def stripe_http_client(timeout_s: float) -> stripe.HTTPXClient:
    """How Stripe's library makes its calls: each over in time, none with more in its answer than is read, by our proxies and trust.

    The library takes 0.3 s to import, which a run without a key must not pay. Raises ConfigError.
    """
    import stripe

    from process.bounded_http import bounded_client

    stripe.ca_bundle_path = ca_file(stripe.ca_bundle_path)
    http: Any = stripe.HTTPXClient(timeout=timeout_s, allow_sync_methods=True)
    # It takes no client from outside; the one it made was never used.
    http._client.close()
    http._client = bounded_client(timeout_s=timeout_s, most_bytes=_LARGEST_ANSWER)
    return cast("stripe.HTTPXClient", http)


def read_session(visit: Visit, session_id: str) -> Session:
    """Read a session while the clock is paused. A source that does not respond is an `error` in the result, never an exception."""
    with visit.off_the_clock():
        if visit.stripe:
            return _from_stripe(visit.stripe, session_id)
        return _from_site(visit, session_id)


def _from_stripe(access: StripeAccess, session_id: str) -> Session:
    import stripe

    told_by = "Stripe's API"
    http = stripe_http_client(_TIMEOUT_S)
    client = stripe.StripeClient(
        access.key,
        base_addresses={"api": access.api_base} if access.api_base else {},
        max_network_retries=1,
        http_client=http,
    )
    try:
        session = client.v1.checkout.sessions.retrieve(session_id)
    except stripe.StripeError as error:
        # A key that Stripe refuses, or that asks too often, is ours; anything else is Stripe's.
        ours = isinstance(error, (stripe.AuthenticationError, stripe.PermissionError, stripe.RateLimitError))
        said = f"Stripe's API: {type(error).__name__}: {error.user_message or error}"
        return Session(told_by=told_by, error=said, whose=Kind.SETUP if ours else Kind.THIRD_PARTY)
    finally:
        http.close()  # type: ignore[no-untyped-call]
    return Session(
        told_by=told_by,
        amount_minor=session.amount_total,
        currency=session.currency,
        # Stripe asks for no money where a voucher has taken all of it off, and the order stands all the same.
        paid=session.payment_status in ("paid", "no_payment_required"),
        is_expired=getattr(session, "status", None) == "expired",
        livemode=getattr(session, "livemode", None),
    )


def _from_site(visit: Visit, session_id: str) -> Session:
    """Read the session by `GET /api/create-checkout-session?session_id=`; its `amountTotal` is in whole units (dollars)."""
    told_by = "the site's API"
    answer = visit.ask(SESSION_API, session_id=session_id)
    if answer.status != 200:
        if answer.status is None and _DISTRUSTED.search(answer.said):
            why = f"it is asked beside the browser, and the site's certificate is not trusted there ({answer.said})"
            error = f"GET {SESSION_API}: {why}; name the authority's file in NODE_EXTRA_CA_CERTS"
            return Session(told_by=told_by, error=error, whose=Kind.SETUP)
        how = f"answered {answer.status}" if answer.status else "gave no answer:"
        return Session(told_by=told_by, error=f"GET {SESSION_API} {how} '{answer.said}'")
    session = answer.json.get("session")
    if not isinstance(session, dict):
        return Session(told_by=told_by, error=f"GET {SESSION_API} answered without a session")
    amount = session.get("amountTotal")
    return Session(
        told_by=told_by,
        amount_minor=to_minor(amount) if isinstance(amount, (int, float)) else None,
        currency=str(session.get("currency") or "") or None,
        paid=session.get("paymentStatus") == "paid",
    )
