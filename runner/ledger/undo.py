"""Undoes a session at Stripe: expires an open one, refunds a paid one, and never touches a live one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from facts import Failpoint, go_on
from journeys.checkout_session import TEST_SESSION, StripeAccess, stripe_http_client
from runner.ledger.entries import Entry, State

if TYPE_CHECKING:
    import stripe

_TIMEOUT_S = 20.0


class UndoError(Exception):
    """Stripe refused or failed a request.

    `everything` means that no other request would succeed now either (429, a key without permission, no connection).
    `retry_after_s` is the pause that Stripe asked for, in seconds. `repeats` means that Stripe stores this error for
    the idempotency key, so another try needs another key.
    """

    def __init__(
        self, message: str, *, everything: bool = False, retry_after_s: float | None = None, repeats: bool = False
    ) -> None:
        super().__init__(message)
        self.everything = everything
        self.retry_after_s = retry_after_s
        self.repeats = repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Holds a session as Stripe reports it. `refunded` is true if the whole payment was refunded."""

    session_id: str
    status: str
    paid: bool
    livemode: bool
    email: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    intent: str | None = None
    refunded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Holds the result of an undo. `again` means that it is not final and must be checked later."""

    state: State
    note: str | None = None
    again: bool = False


class PaymentProvider(Protocol):
    """The interface through which sessions are undone. Every method raises UndoError."""

    def find(self, session_id: str) -> Found | None:
        """Return a session; None if no session has that id."""
        ...

    def made_by(self, email: str, *, since: datetime, until: datetime) -> list[Found]:
        """Return the sessions that were opened with an email address between two times."""
        ...

    def expire(self, session_id: str) -> None:
        """Expire an open session."""
        ...

    def refund(self, found: Found, *, run_id: str, key: str) -> str:
        """Refund a whole payment, at most once per key; return the refund's status."""
        ...


def undo(entry: Entry, desk: PaymentProvider, *, at: Failpoint = go_on) -> Undone:
    """Undo one session, based on its current state at Stripe, not on the ledger's. Raises UndoError.

    It may be interrupted at any point and repeated: expiring is final at Stripe, and a refund has one idempotency key.
    """
    if not entry.session_id.startswith(TEST_SESSION):
        return Undone(state=State.UNKNOWN, note="no session of test mode; it is not touched, and expires in 24 h")
    found = desk.find(entry.session_id)
    if found is None:
        return Undone(state=State.UNKNOWN, note="Stripe knows no such session with this key", again=True)
    if found.livemode:
        return Undone(state=State.UNKNOWN, note="Stripe says livemode: true; it is not touched")
    if found.status == "open":
        desk.expire(found.session_id)
        at("undo.expired")
        return Undone(state=State.EXPIRED)
    if found.status == "expired":
        return Undone(state=State.EXPIRED)
    if not found.paid:
        return Undone(state=State.UNKNOWN, note="complete, but not paid yet", again=True)
    return _refund(entry, found, desk, at)


def _refund(entry: Entry, found: Found, desk: PaymentProvider, at: Failpoint) -> Undone:
    if found.refunded:
        return Undone(state=State.REFUNDED)
    status = desk.refund(found, run_id=entry.run_id, key=f"sixfb-refund-{entry.session_id}-{entry.refund_key}")
    at("undo.refunded")
    if status == "succeeded":
        return Undone(state=State.REFUNDED)
    return Undone(state=State.PAID, note=f"paid, and its refund is {status}", again=True)


class StripeDesk:
    """Accesses Stripe's API with a test-mode key.

    It does not retry by itself: retries are recorded in the ledger and survive this process.
    """

    def __init__(self, access: StripeAccess, *, timeout_s: float = _TIMEOUT_S) -> None:
        import stripe  # an import of 0.3 s that only a process with a key needs

        self._http = stripe_http_client(timeout_s)
        self._client: stripe.StripeClient = stripe.StripeClient(
            access.key,
            base_addresses={"api": access.api_base} if access.api_base else {},
            max_network_retries=0,
            http_client=self._http,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()  # type: ignore[no-untyped-call]

    def find(self, session_id: str) -> Found | None:
        """See Desk."""
        import stripe

        with _told():
            try:
                session = self._client.v1.checkout.sessions.retrieve(
                    session_id, {"expand": ["payment_intent.latest_charge"]}
                )
            except stripe.InvalidRequestError as error:
                if error.code == "resource_missing":
                    return None
                raise
        return _found(session)

    def made_by(self, email: str, *, since: datetime, until: datetime) -> list[Found]:
        """See Desk. All sessions of the period are read and compared here, because Stripe's own filter may find paid ones only."""
        gte, lte = int(since.timestamp()), int(until.timestamp()) + 1
        with _told():
            page = self._client.v1.checkout.sessions.list({"created": {"gte": gte, "lte": lte}, "limit": 100})
            return [found for found in map(_found, page.auto_paging_iter()) if found.email == email]

    def expire(self, session_id: str) -> None:
        """See Desk."""
        with _told():
            self._client.v1.checkout.sessions.expire(session_id)

    def refund(self, found: Found, *, run_id: str, key: str) -> str:
        """See Desk."""
        if found.intent is None:
            raise UndoError("Stripe says it is paid, and names no payment to refund")
        with _told():
            refund = self._client.v1.refunds.create(
                {"payment_intent": found.intent, "metadata": {"sixfb_run": run_id}}, {"idempotency_key": key}
            )
        return str(refund.status)


def _found(session: Any) -> Found:
    told = session.to_dict()
    intent = told.get("payment_intent")
    charge = intent.get("latest_charge") if isinstance(intent, dict) else None
    details = told.get("customer_details") or {}
    return Found(
        session_id=told["id"],
        status=str(told.get("status")),
        paid=told.get("payment_status") == "paid",
        # A session that does not say it is a test counts as live.
        livemode=told.get("livemode") is not False,
        email=told.get("customer_email") or details.get("email"),
        amount_minor=told.get("amount_total"),
        currency=told.get("currency"),
        intent=intent.get("id") if isinstance(intent, dict) else intent,
        refunded=bool(charge.get("refunded")) if isinstance(charge, dict) else False,
    )


@contextmanager
def _told() -> Iterator[None]:
    """Convert the library's errors to UndoError. The library does not retry a 429, and neither does this module."""
    import stripe

    from process.bounded_http import retry_after_s

    try:
        yield
    except stripe.RateLimitError as error:
        raise UndoError(_words(error), everything=True, retry_after_s=retry_after_s(error.headers or {})) from None
    except (stripe.AuthenticationError, stripe.PermissionError, stripe.APIConnectionError) as error:
        raise UndoError(_words(error), everything=True) from None
    except stripe.StripeError as error:
        raise UndoError(_words(error), repeats=(error.http_status or 0) >= 500) from None


def _words(error: stripe.StripeError) -> str:
    said = " ".join(str(error.user_message or error).split())[:300]
    return f"{type(error).__name__}{f' {error.http_status}' if error.http_status else ''}: {said}"
