"""`/success?session_id=`: says that all is well whatever happened, so the payment is proved at its source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from facts import Purchase
from journeys.checkout_session import Session, left_to_do, read_session
from journeys.money import minor_money, to_minor
from journeys.visit import SiteBroken, Visit

_ASK_AGAIN_AFTER_MS = 1000
_TRIES = 3


@dataclass(frozen=True)
class SuccessPage:
    """The page that confirms the purchase to the buyer."""

    visit: Visit

    def is_open(self) -> None:
        """Wait until the page says that the registration succeeded, which does not yet prove the payment."""
        path = urlsplit(self.visit.page.url).path
        if not path.startswith("/success"):
            raise SiteBroken(f"after the payment the buyer was sent to {path} instead of /success")
        self.visit.see(self.visit.page.get_by_role("heading", name=re.compile("Registration Successful")).first)

    def is_paid(self, session_id: str, price: float) -> None:
        """The session is paid, and with the price. Stripe's word may come a moment after its page has sent the buyer back."""
        due = to_minor(price)
        for attempt in range(_TRIES):
            if attempt:
                with self.visit.off_the_clock():
                    self.visit.pump(_ASK_AGAIN_AFTER_MS)
            session = read_session(self.visit, session_id)
            if session.paid:
                break
        self._note(session_id, session)
        if session.error:
            raise SiteBroken(
                f"the page says 'Registration Successful!', but nobody can tell whether it is paid: {session.error}",
                kind=session.whose,
            )
        if not session.paid:
            raise SiteBroken(
                f"the page says 'Registration Successful!', but {session.told_by} says the session is not paid"
            )
        if session.amount_minor != due:
            paid = (
                "nothing"
                if session.amount_minor is None
                else minor_money(session.amount_minor, self.visit.site.currency)
            )
            raise SiteBroken(
                f"{session.told_by} says {paid} was paid where {minor_money(due, self.visit.site.currency)} was due"
            )

    def _note(self, session_id: str, session: Session) -> None:
        known = self.visit.purchases.get(session_id)
        amount = session.amount_minor if known is None or session.amount_minor is not None else known.amount_minor
        state, note = left_to_do(session, pay_pressed=self.visit.was_pay_pressed(session_id))
        self.visit.purchase(
            Purchase(
                session_id=session_id,
                amount_minor=amount,
                currency=session.currency or self.visit.site.currency,
                state=state,
                note=note,
                proved_by=session.told_by,
            )
        )
