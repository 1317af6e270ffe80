"""The hosted checkout page's paths: showing it, counting what is typed, and taking the payment."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from demo.faults import Faults
from demo.stripe.account import StripeAccount
from demo.stripe.api import error_response
from demo.stripe.cards import Card
from demo.stripe.errors import StripeError, invalid, no_such
from demo.stripe.objects import Object, new_id
from demo.stripe.pages import CLOSED, HERE, NOT_FOUND, PAGE_LAYOUTS, checkout_page, headers, render
from demo.stripe.params import Params, parse
from demo.stripe.payments import Buyer, pay
from demo.stripe.sessions import KIND, expire_overdue, success_url
from demo.stripe.webhooks import Courier

PATIENCE = 10.0
"""Seconds that a buyer waits for the shop's webhook before being sent on all the same.

Source: https://docs.stripe.com/checkout/fulfillment (Stripe waits up to 10 seconds for `checkout.session.completed`).
"""


def hosted_routes(account: StripeAccount, faults: Faults, courier: Courier, patience: float) -> list[Route | Mount]:
    """Every path that a buyer's browser asks for."""
    hosted = Hosted(account, faults, courier, patience)
    return [
        Mount("/c/assets", StaticFiles(directory=HERE / "assets")),
        Route("/c/pay/{id}", hosted.show),
        Route("/c/pay/{id}/{part:str}", hosted.show_part),
        Route("/c/pay/{id}/keystrokes", hosted.count, methods=["POST"]),
        Route("/v1/payment_pages/{id}/confirm", hosted.confirm, methods=["POST"]),
    ]


class Hosted:
    """The hosted page of one account."""

    def __init__(self, account: StripeAccount, faults: Faults, courier: Courier, patience: float) -> None:
        self._account = account
        self._faults = faults
        self._courier = courier
        self._patience = patience

    async def show(self, request: Request) -> Response:
        """The page; for a session that is over, a page that says so; 404 for an unknown one."""
        return self._page(request, "frame_top.html" if PAGE_LAYOUTS[self._account.layout].framed else "checkout.html")

    async def show_part(self, request: Request) -> Response:
        """What the layout with frames shows inside: `outer` holds `inner`, and `inner` holds the form."""
        template = {"outer": "frame_outer.html", "inner": "frame_inner.html"}.get(request.path_params["part"])
        if template is None:
            return HTMLResponse(render("closed.html", NOT_FOUND), 404, headers())
        return self._page(request, template, framed=True)

    def _page(self, request: Request, template: str, *, framed: bool = False) -> Response:
        session = self._session(request)
        if session is None:
            return HTMLResponse(render("closed.html", NOT_FOUND), 404, headers(framed=framed))
        if session["status"] != "open":
            return HTMLResponse(render("closed.html", CLOSED[session["status"]]), headers=headers(framed=framed))
        return HTMLResponse(render(template, checkout_page(self._account, session)), headers=headers(framed=framed))

    def _session(self, request: Request) -> Object | None:
        expire_overdue(self._account)
        self._courier.dispatch()
        return self._account.tables.find(KIND, request.path_params["id"])

    async def count(self, request: Request) -> Response:
        """The page's report of how many input events it saw: a number as text."""
        body = (await request.body()).decode("ascii", "replace")
        if not re.fullmatch("[0-9]{1,4}", body):
            return Response(status_code=400)
        self._account.count_keystrokes(int(body))
        return Response(status_code=204)

    async def confirm(self, request: Request) -> Response:
        """Take the payment; answers `{"redirect_url": ...}` once the shop's webhook has answered, or an error of the API."""
        try:
            params = Params(parse((await request.body()).decode("utf-8", "replace")))
            session = self._open_session(request)
            await self._pay(session, params)
            return JSONResponse({"session_id": session["id"], "redirect_url": success_url(session)})
        except StripeError as error:
            self._courier.dispatch()
            return error_response(error, new_id("req_", 14))

    def _open_session(self, request: Request) -> Object:
        session = self._session(request)
        if session is None:
            raise no_such(KIND, request.path_params["id"])
        if session["status"] != "open":
            raise StripeError(400, CLOSED[session["status"]].title, code="checkout_not_open")
        return session

    async def _pay(self, session: Object, params: Params) -> None:
        if self._faults.on("success_unpaid"):
            return
        card, buyer = read_card(params.group("card")), read_buyer(params, session)
        pay(self._account, session, card, buyer, decline_all=self._faults.on("declined_card"))
        delivery = self._courier.dispatch().get("checkout.session.completed")
        if delivery is not None:
            await asyncio.wait({delivery}, timeout=self._patience)


def read_card(params: Params) -> Card:
    """The card that the page sent. Raises StripeError 400 or 402."""
    number = re.sub(r"\D", "", params.text("number"))
    cvc = params.text("cvc")
    if not re.fullmatch("[0-9]{3,4}", cvc):
        raise StripeError(402, "Your card's security code is invalid.", kind="card_error", code="invalid_cvc")
    return Card(
        number, params.integer("exp_month", low=1, high=12), params.integer("exp_year", low=2000, high=2100), cvc
    )


def read_buyer(params: Params, session: Object) -> Buyer:
    """What the buyer typed beside the card. Raises StripeError 400 where the session requires more."""
    details, address = params.group("billing_details"), params.group("billing_details").group("address")
    if session["billing_address_collection"] == "required":
        for key in ("line1", "city", "postal_code"):
            address.text(key)
    return Buyer(
        email=session["customer_email"] or details.text("email"),
        name=details.text("name"),
        phone=_phone(details, session),
        country=address.text("country"),
        postal_code=address.optional("postal_code") or "",
        line1=address.optional("line1") or "",
        line2=address.optional("line2") or "",
        city=address.optional("city") or "",
        state=address.optional("state") or "",
    )


def _phone(details: Params, session: Object) -> str:
    phone = details.optional("phone") or ""
    if session["phone_number_collection"]["enabled"] and not phone:
        raise invalid("billing_details[phone]", "A phone number is required.", "parameter_missing")
    return phone
