"""Stripe's hosted page. It changes its layout often, so the form is looked for in every frame, by several names."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass, field

from playwright.sync_api import Error, Frame, Locator

from facts import Purchase
from journeys.checkout_session import Session, read_session
from journeys.failure import Kind
from journeys.money import minor_money, to_minor
from journeys.recording import LIVE
from journeys.site import Card
from journeys.visit import SiteBroken, Visit

_SESSION = re.compile(r"cs_(test|live)_\w+")
_CARD_FIELD = (
    "#cardNumber, [data-elements-stable-field-name=cardNumber], [name=cardNumber], [name=cardnumber], "
    "[autocomplete=cc-number], [placeholder='1234 1234 1234 1234']"
)
_CARD_CHOICE = "[data-testid=card-accordion-item-button], [data-testid=card-accordion-item], #payment-method-accordion-item-title-card"
_COMPLAINT = "[role=alert]:visible, .FieldError:visible, .ConfirmPaymentError:visible, .PaymentErrorMessage:visible"
_PUZZLE = re.compile(
    r"hcaptcha\.com/.*(challenge|checkbox)|recaptcha/(api2|enterprise)/bframe|challenges\.cloudflare\.com"
)
_LOOK_EVERY_MS = 100
_CONTROLS_OF_A_FORM = 2
_BACK_EVERY_MS = 25
_COMPLAINS_AFTER_MS = 250
_COMPLAINT_MS = 50
_COMMITS_WITHIN_MS = 1000
# One question for all fields, because each costs the buyer's clock a few milliseconds.
_VISIBLE_FIELDS = """
fields => Object.fromEntries(fields
  .filter(field => field.getClientRects().length && !field.disabled)
  .map(field => [field.id || field.dataset.elementsStableFieldName || field.name, field.localName]))
"""


@dataclass
class CheckoutPage:
    """The page on which a buyer pays, at Stripe's own address. `session_id` is known once it is open."""

    visit: Visit
    session_id: str = ""
    _session: Session | None = field(default=None, repr=False)

    def is_open(self) -> None:
        """Wait until the page offers a way to pay; `wait_for_url` would accept an error page too."""
        match = _SESSION.search(self.visit.page.url)
        self.session_id = match[0] if match else ""
        self._note_purchase(None, None)  # before anything else can go wrong: it is open at Stripe from now on
        self.visit.wait_until("Stripe's payment page", self._has_controls, every_ms=_LOOK_EVERY_MS)

    def charges(self, price: float) -> None:
        """Check that the session charges exactly this price, by its source or, if that does not respond, by the page."""
        visit, due = self.visit, to_minor(price)
        self._session = session = self._read()
        amount, told_by = session.amount_minor, session.told_by
        if amount is None:
            visit.note(f"{session.error}; the amount was read from Stripe's page")
            amount, told_by = self._amount_shown(due), "Stripe's page"
        else:
            visit.note(f"the amount was read from {told_by}")
        self._note_purchase(amount, told_by)
        currency = session.currency or visit.site.currency
        if amount is not None and currency.lower() != visit.site.currency.lower():
            raise SiteBroken(f"{told_by} says it is charged in {currency} where {visit.site.currency} is due")
        if amount != due:
            charged = "an unknown amount" if amount is None else minor_money(amount, visit.site.currency)
            raise SiteBroken(
                f"{told_by} says {charged} is charged where {minor_money(due, visit.site.currency)} is due"
            )

    def reason_not_to_pay(self) -> str | None:
        """Return why no card may be typed here; None if test mode is proved and payment is configured."""
        if self.visit.site.payment == "stop_before_payment":
            return "payment: stop_before_payment is set"
        with self.visit.off_the_clock():
            reason = self._doubt_about_test_mode()
        if reason:
            return f"test mode is not proved: {reason}"
        proofs = "its address says cs_test_ and no live key is on the page"
        if self._session and self._session.livemode is False:
            proofs += ", and Stripe's API says livemode: false"
        self.visit.note(f"test mode is proved: {proofs}")
        return None

    def pay(self, card: Card) -> None:
        """Fill in the card and its address, press Pay, and wait until Stripe sends the buyer back."""
        form = self._form()
        self._choose_card(form)
        self._fill(form, card)
        button = self._pay_button(form)
        self.visit.about_to_pay(self.session_id)
        button.click()
        self._wait_for_the_way_back(form)

    # -- proof -------------------------------------------------------------------------------------------------------

    def _doubt_about_test_mode(self) -> str | None:
        address = _SESSION.search(self.visit.page.url)
        if not address or address[1] != "test":
            return "the address of the checkout carries no cs_test_ session"
        if self._session and self._session.livemode:
            return "Stripe's API says livemode: true"
        if self.visit.stripe and (self._session is None or self._session.livemode is None):
            return "a Stripe key is set, but Stripe's API could not tell the session's mode"
        live = next(filter(None, (LIVE.search(content) for content in self._contents())), None)
        if live:
            return (
                f"a live Stripe {'session (cs_live_)' if live[1] == 'cs' else f'key ({live[1]}_live_)'} is on the page"
            )
        if self.visit.recorder.live_key:
            return f"a live Stripe key went out with {self.visit.recorder.live_key}"
        return None

    def _contents(self) -> list[str]:
        contents = []
        for frame in self.visit.page.frames:
            try:
                contents.append(frame.content())
            except Error:
                continue  # a frame that went away meanwhile has nothing to type into
        return contents

    def _read(self) -> Session:
        if not self.session_id:
            return Session(told_by="the address", error="the address of the checkout carries no session id")
        return read_session(self.visit, self.session_id)

    def _amount_shown(self, due: int) -> int | None:
        """Return the amount that the page names as due, else the largest amount, which is the total."""
        with self.visit.off_the_clock():
            text = self._form().locator("body").inner_text(timeout=2000) + self.visit.page.locator("body").inner_text(
                timeout=2000
            )
        amounts = {to_minor(float(a.replace(",", ""))) for a in re.findall(r"[$€£]\s?([\d,]+\.\d\d)", text)}
        return due if due in amounts else max(amounts, default=None)

    def _note_purchase(self, amount: int | None, told_by: str | None) -> None:
        if self.session_id:
            self.visit.purchase(
                Purchase(
                    session_id=self.session_id,
                    amount_minor=amount,
                    currency=(self._session and self._session.currency) or self.visit.site.currency,
                    state="open",
                    note="open, expires in 24 h",
                    proved_by=told_by,
                )
            )

    # -- the form ----------------------------------------------------------------------------------------------------

    def _form(self) -> Frame:
        """Wait for the frame that contains the card's form, and return it."""
        return self.visit.wait_until("Stripe's payment form", self._find_form, every_ms=_LOOK_EVERY_MS)

    def _find_form(self) -> Frame | None:
        self._look_for_a_puzzle()
        for frame in self.visit.page.frames:
            try:
                if frame.locator(_CARD_FIELD).count() or frame.locator(_CARD_CHOICE).count():
                    return frame
            except Error:
                continue  # the frame is just being replaced; the next look finds the new one
        return None

    def _has_controls(self) -> bool:
        """A form we know, or at least fields and buttons: whether we can find our way in them is a question of paying."""
        if self._find_form():
            return True
        controls = self.visit.page.locator("input:visible, button:visible, iframe:visible")
        return controls.count() >= _CONTROLS_OF_A_FORM

    def _look_for_a_puzzle(self) -> None:
        for frame in self.visit.page.frames:
            if _PUZZLE.search(frame.url) and frame.frame_element().is_visible():
                raise SiteBroken("a CAPTCHA stands before the payment", kind=Kind.WALLED)

    def _choose_card(self, form: Frame) -> None:
        # Stripe animates this button or gives it no height, so the click is dispatched instead of aimed.
        card_field, choice = form.locator(_CARD_FIELD).first, form.locator(_CARD_CHOICE).first
        if not card_field.is_visible() and choice.count():
            choice.dispatch_event("click")
            self.visit.see(card_field)

    def _fill(self, form: Frame, card: Card) -> None:
        for name, value in (
            ("cardNumber", card.digits),
            ("cardExpiry", card.expiry.replace("/", " / ")),
            ("cardCvc", card.cvc),
        ):
            self._one(form, name).fill(value)
        # Which others are asked for depends on the session and the layout, and a country may bring some up.
        self._fill_those_there(form, {"billingCountry": card.country})
        rest = {"billingName": card.name, "billingAddressLine1": card.line1, "billingLocality": card.city}
        rest |= {"billingPostalCode": card.postal_code, "billingAdministrativeArea": card.state}
        self._fill_those_there(form, rest)
        self._decline_link(form)

    def _one(self, form: Frame, name: str) -> Locator:
        return form.locator(f"#{name}, [data-elements-stable-field-name={name}], [name={name}]").first

    def _fill_those_there(self, form: Frame, fields: dict[str, str]) -> None:
        there = form.locator("input, select").evaluate_all(_VISIBLE_FIELDS)
        for name, value in fields.items():
            kind = there.get(name)
            if kind == "select":
                self._one(form, name).select_option(value)
            elif kind:
                self._one(form, name).fill(value)

    def _decline_link(self, form: Frame) -> None:
        """Decline Stripe's offer to remember the card, which would require a phone number."""
        ticked = form.locator("#enableStripePass:checked")
        if ticked.count():
            ticked.uncheck(force=True)

    def _pay_button(self, form: Frame) -> Locator:
        # Several buttons may be called Pay, so the form's own submit comes first.
        for selector in ("[data-testid=hosted-payment-submit-button]", ".SubmitButton", "form button[type=submit]"):
            for frame in (form, self.visit.page.main_frame):
                if frame.locator(selector).count():
                    return frame.locator(selector).first
        return form.get_by_role("button", name=re.compile("^Pay"), exact=True).first

    def _wait_for_the_way_back(self, form: Frame) -> None:
        looks = itertools.count(1)
        every = _COMPLAINS_AFTER_MS // _BACK_EVERY_MS

        def back_or_refused() -> bool:
            return self._is_back() or (next(looks) % every == 0 and not self._is_leaving() and self._refused(form))

        self.visit.wait_until("the way back from Stripe to the shop", back_or_refused, every_ms=_BACK_EVERY_MS)

    # A page that is being left answers no question until the next one has come, which may be never.
    def _is_leaving(self) -> bool:
        recorder = self.visit.recorder
        return any(r.is_main and r.party == "first" and r.status is None for r in recorder.in_step(recorder.step))

    def _is_back(self) -> bool:
        page, is_the_sites = self.visit.page, self.visit.recorder.is_the_sites
        # What the shop answered, good or bad, is the next step's affair, as soon as it stands in the page.
        if not is_the_sites(page.url) and self._is_answered():
            with contextlib.suppress(Error):
                page.wait_for_url(is_the_sites, wait_until="commit", timeout=_COMMITS_WITHIN_MS)
        return is_the_sites(page.url)

    def _is_answered(self) -> bool:
        recorder = self.visit.recorder
        return any(
            r.is_main and r.party == "first" and r.status is not None and not 300 <= r.status < 400
            for r in recorder.in_step(recorder.step)
        )

    def _refused(self, form: Frame) -> bool:
        self._look_for_a_puzzle()
        complaint = form.locator(_COMPLAINT)
        try:
            # With a limit: a page that is just being left answers a plain question when the next one has come, which may be never.
            complaint.first.wait_for(state="visible", timeout=_COMPLAINT_MS)
            complaints = [" ".join(text.split()) for text in complaint.all_inner_texts()]
        except Error:
            return False  # the form is gone, so the buyer is on the way back
        said = "; ".join(dict.fromkeys(text for text in complaints if text))
        if said and not self._is_back():
            raise SiteBroken(f"Stripe's page said '{said}'", kind=Kind.THIRD_PARTY)
        return False
