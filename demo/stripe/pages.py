"""What the hosted page shows: its contexts, its layouts, and the policy it is served with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo.stripe.account import StripeAccount
from demo.stripe.money import shown
from demo.stripe.objects import Object
from demo.stripe.places import COUNTRIES, US_STATES

HERE = Path(__file__).parent
BUSINESS = "6FB Methodologies"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)


@dataclass(frozen=True)
class Layout:
    """How one layout differs; the ids of the fields are the same in all.

    Attributes:
        methods: payment methods to choose from before a form appears; empty shows the card's form at once.
        framed: the form sits in a frame inside a frame.
        fixed_email: a known email is plain text and has no `#email`; otherwise it is a read-only field.
        saves: "Save my information" is ticked from the start, and then a phone number is required.
        name_label, zip_label: what Stripe calls two of the fields this month.
    """

    name: str
    methods: tuple[tuple[str, str], ...] = ()
    framed: bool = False
    fixed_email: bool = False
    saves: bool = False
    name_label: str = "Name on card"
    zip_label: str = "ZIP code"


_METHODS = (("card", "Card"), ("cashapp", "Cash App Pay"), ("klarna", "Klarna"), ("us_bank_account", "US bank account"))

PAGE_LAYOUTS = {
    "single": Layout("single", name_label="Cardholder name", zip_label="ZIP"),
    "accordion": Layout("accordion", methods=_METHODS, fixed_email=True, saves=True),
    "frame": Layout("frame", framed=True),
}


@dataclass(frozen=True)
class Item:
    """A line of the summary, amounts as shown."""

    name: str
    quantity: int
    each: str
    total: str


@dataclass(frozen=True)
class CheckoutPage:
    """Everything the hosted page needs; texts go into the template escaped."""

    session_id: str
    business: str
    livemode: bool
    publishable_key: str
    total: str
    items: tuple[Item, ...]
    cancel_url: str | None
    email: str | None
    full_address: bool
    phone_required: bool
    layout: Layout
    countries: dict[str, str]
    states: dict[str, str]


@dataclass(frozen=True)
class ClosedPage:
    """A page that takes no payment, and why."""

    business: str
    title: str
    sentence: str


CLOSED = {
    "complete": ClosedPage(
        BUSINESS, "You're all done here", "You've already completed your payment. It's safe to close this page."
    ),
    "expired": ClosedPage(
        BUSINESS, "This checkout session has expired", "Go back to the shop and start again; nothing was charged."
    ),
}
NOT_FOUND = ClosedPage(
    BUSINESS,
    "Something went wrong",
    "The page you were looking for could not be found. Please check the URL or contact the merchant.",
)


def checkout_page(account: StripeAccount, session: Object) -> CheckoutPage:
    """The page of an open session, in the account's layout of the moment."""
    return CheckoutPage(
        session_id=session["id"],
        business=BUSINESS,
        livemode=session["livemode"],
        publishable_key=account.publishable_key(session["livemode"]),
        total=shown(session["amount_total"], session["currency"]),
        items=tuple(_item(row) for row in account.order(session["id"]).items),
        cancel_url=session["cancel_url"],
        email=session["customer_email"],
        full_address=session["billing_address_collection"] == "required",
        phone_required=session["phone_number_collection"]["enabled"],
        layout=PAGE_LAYOUTS[account.layout],
        countries=COUNTRIES,
        states=US_STATES,
    )


def _item(row: Object) -> Item:
    price, currency = row["price"], row["currency"]
    return Item(
        row["description"], row["quantity"], shown(price["unit_amount"], currency), shown(row["amount_total"], currency)
    )


_environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)


def render(template: str, page: CheckoutPage | ClosedPage) -> str:
    """The HTML of a page."""
    return _environment.get_template(template).render(page=page)


def headers(*, framed: bool = False) -> dict[str, str]:
    """What a page is served with; only the framed parts may be framed, and only by the stand-in itself."""
    return {
        "Content-Security-Policy": POLICY.format(ancestors="'self'" if framed else "'none'"),
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
