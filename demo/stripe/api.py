"""The API's calls: what each path does, and what every call has in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.faults import Faults
from demo.stripe.account import StripeAccount
from demo.stripe.errors import StripeError, no_such
from demo.stripe.expansion import expanded, line_items
from demo.stripe.idempotency import Answers, Kept, lasting
from demo.stripe.keys import authorize
from demo.stripe.lists import Listing, events_page, page
from demo.stripe.objects import API_VERSION, Object, new_id
from demo.stripe.params import Params, parse
from demo.stripe.refunds import create_refund
from demo.stripe.sessions import create_session, expire_overdue, expire_session
from demo.stripe.webhooks import Courier

LISTINGS = (
    Listing(
        "checkout.session",
        "/v1/checkout/sessions",
        ("status", "payment_intent", "customer", "customer_details", "payment_link", "subscription"),
    ),
    Listing("payment_intent", "/v1/payment_intents", ("customer",)),
    Listing("charge", "/v1/charges", ("customer", "payment_intent", "transfer_group")),
    Listing("refund", "/v1/refunds", ("charge", "payment_intent")),
    Listing("balance_transaction", "/v1/balance_transactions", ("type", "currency", "source", "payout")),
    Listing("dispute", "/v1/disputes", ("charge", "payment_intent")),
)


@dataclass(frozen=True)
class Call:
    """One call of the API: who is asked, the parameters, the id in the path, and the address the caller used."""

    account: StripeAccount
    faults: Faults
    params: Params
    row_id: str
    base_url: str

    def row(self, kind: str) -> Object:
        """The object that the path names. Raises StripeError 404."""
        found = self.account.tables.find(kind, self.row_id)
        if found is None:
            raise no_such(kind, self.row_id)
        return found


Handler = Callable[[Call], Object]


def _create_session(call: Call) -> Object:
    if call.faults.on("payment_500"):
        raise StripeError(500, "An unknown error occurred.", kind="api_error")
    return create_session(call.account, call.params, call.base_url)


def _expire_session(call: Call) -> Object:
    call.params.allow(("expand",))
    return expire_session(call.account, call.row("checkout.session"))


def _session_items(call: Call) -> Object:
    return line_items(call.account, call.row("checkout.session"), call.params)


def _create_refund(call: Call) -> Object:
    return create_refund(call.account, call.params)


def _list_events(call: Call) -> Object:
    return events_page(call.account.tables.rows("event"), call.params)


def _balance(call: Call) -> Object:
    """What the account holds, everything still pending (https://docs.stripe.com/api/balance)."""
    sums: dict[str, int] = {}
    for row in call.account.tables.rows("balance_transaction"):
        sums[row["currency"]] = sums.get(row["currency"], 0) + row["net"]
    pending = [{"amount": amount, "currency": currency} for currency, amount in (sums or {"usd": 0}).items()]
    available = [{"amount": 0, "currency": row["currency"]} for row in pending]
    return {"object": "balance", "available": available, "livemode": call.account.live, "pending": pending}


def _lists(listing: Listing) -> Handler:
    return lambda call: page(listing, call.account.tables.rows(listing.kind), call.params)


def _retrieves(kind: str) -> Handler:
    def retrieve(call: Call) -> Object:
        call.params.allow(("expand",))
        return call.row(kind)

    return retrieve


def api_routes(account: StripeAccount, faults: Faults, courier: Courier) -> list[Route]:
    """Every path of the API under `/v1`, and last the answer to all others."""
    api = Api(account, faults, courier)
    routes = [
        api.route("POST", "/v1/checkout/sessions", _create_session),
        api.route("POST", "/v1/checkout/sessions/{id}/expire", _expire_session),
        api.route("GET", "/v1/checkout/sessions/{id}/line_items", _session_items),
        api.route("POST", "/v1/refunds", _create_refund),
        api.route("GET", "/v1/events", _list_events),
        api.route("GET", "/v1/events/{id}", _retrieves("event")),
        api.route("GET", "/v1/balance", _balance),
    ]
    for listing in LISTINGS:
        routes.append(api.route("GET", listing.url, _lists(listing)))
        routes.append(api.route("GET", f"{listing.url}/{{id}}", _retrieves(listing.kind)))
    return [*routes, Route("/v1/{rest:path}", _unrecognized, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


class Api:
    """What every call has in common: the key, the parameters, idempotency, expansion, and how errors are told."""

    def __init__(self, account: StripeAccount, faults: Faults, courier: Courier) -> None:
        self._account = account
        self._faults = faults
        self._courier = courier
        self._answers = Answers()

    def route(self, method: str, path: str, handler: Handler) -> Route:
        """The handler at a path."""

        async def serve(request: Request) -> Response:
            encoded = (await request.body()).decode("utf-8", "replace") if method == "POST" else request.url.query
            return self._answer(request, encoded, handler)

        return Route(path, serve, methods=[method])

    def _answer(self, request: Request, encoded: str, handler: Handler) -> Response:
        request_id = new_id("req_", 14)
        try:
            authorize(
                request.headers.get("authorization"), self._account.settings.secret_key, writes=request.method == "POST"
            )
            self._account.admit()
            return self._once(request, encoded, handler, request_id)
        except StripeError as error:
            return error_response(error, request_id)
        finally:
            self._courier.dispatch()

    def _once(self, request: Request, encoded: str, handler: Handler, request_id: str) -> Response:
        """The answer given before to the same idempotency key, or a new one, kept."""
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        asked = (request.url.path, encoded)
        kept = self._answers.find(key, asked) if key else None
        if kept is not None:
            return _response(
                kept.body,
                request_id,
                {"Idempotent-Replayed": "true", "Original-Request": kept.request_id},
                kept.status,
            )
        status, body = self._run(request, Params(parse(encoded)), handler)
        if key and lasting(status):
            self._answers.keep(key, Kept(asked, body, request_id, status))
        return _response(body, request_id, {"Idempotency-Key": key} if key else {}, status)

    def _run(self, request: Request, params: Params, handler: Handler) -> tuple[int, bytes]:
        """Status and body of a call, of one that failed too."""
        try:
            return 200, json.dumps(self._do(request, params, handler), indent=2).encode()
        except StripeError as error:
            return error.status, json.dumps(error.body(), indent=2).encode()

    def _do(self, request: Request, params: Params, handler: Handler) -> Object:
        expire_overdue(self._account)
        base_url = str(request.base_url).rstrip("/")
        call = Call(self._account, self._faults, params, request.path_params.get("id", ""), base_url)
        return expanded(self._account, handler(call), params.words("expand"))


def _response(body: bytes, request_id: str, headers: dict[str, str], status: int) -> Response:
    common = {"Request-Id": request_id, "Stripe-Version": API_VERSION, "Cache-Control": "no-cache, no-store"}
    return Response(body, status, media_type="application/json", headers={**common, **headers})


def error_response(error: StripeError, request_id: str) -> Response:
    """An error as the API tells it."""
    return JSONResponse(error.body(), error.status, headers={"Request-Id": request_id, "Stripe-Version": API_VERSION})


async def _unrecognized(request: Request) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return error_response(StripeError(404, message), new_id("req_", 14))
