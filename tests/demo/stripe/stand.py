"""A served stand-in, a served shop that only listens, and sessions with defaults."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.faults import Faults
from demo.stripe import StripeAccount, StripeSettings, create_stripe

KEY = "sk_test_standin0123456789"
READ_KEY = "rk_test_standin0123456789"
WEBHOOK_SECRET = "whsec_standin"


class Clock:
    """A clock that a test may put forward; it never moves by itself."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


class Shop:
    """A shop's end: it keeps the webhooks it gets, answers them with `status`, and has a page to come back to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[tuple[bytes, str]] = []
        self.status = 200

    def app(self) -> ASGIApp:
        async def hook(request: Request) -> Response:
            self.received.append((await request.body(), request.headers["stripe-signature"]))
            return Response(status_code=self.status)

        async def page(_request: Request) -> Response:
            return HTMLResponse("<h1>Registration Successful!</h1>")

        return Starlette(routes=[Route("/hook", hook, methods=["POST"]), Route("/{rest:path}", page)])


class Stand:
    """The stand-in, where it is served, and the library's client for it."""

    def __init__(self, account: StripeAccount, faults: Faults, clock: Clock | None = None, *, url: str) -> None:
        self.account = account
        self.faults = faults
        self.clock = clock or Clock()
        self.url = url
        self.client = self.client_with(KEY)

    def client_with(self, key: str) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=0)

    def open_session(self, **params: Any) -> stripe.checkout.Session:
        return self.client.v1.checkout.sessions.create({**a_session(), **params})  # type: ignore[arg-type]


def a_session(amount: int = 100_000, quantity: int = 1) -> dict[str, Any]:
    """Parameters of a session for one General Admission ticket of $1,000, as the shop asks for it."""
    price = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "6FB Workshop - GA Ticket"}}
    return {
        "mode": "payment",
        "line_items": [{"quantity": quantity, "price_data": price}],
        "customer_email": "buyer@example.com",
        "billing_address_collection": "required",
        "metadata": {"ticketType": "GA"},
        "payment_intent_data": {"metadata": {"city": "Dallas"}},
        "success_url": "https://shop.example/success?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/register?cancelled=true",
    }


def a_payment(number: str = "4242424242424242", **card: str) -> dict[str, str]:
    """What the hosted page sends when everything is filled in."""
    fields = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123", **card}
    address = {"country": "US", "postal_code": "75201", "line1": "1 Main St", "city": "Dallas", "state": "TX"}
    return {
        **{f"card[{key}]": value for key, value in fields.items()},
        **{f"billing_details[address][{key}]": value for key, value in address.items()},
        "billing_details[name]": "Sam Buyer",
    }


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fail after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


class Stage:
    """A served place whose app changes from test to test: starting a server costs more than most tests."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage, served, with nothing on it."""
    stage = Stage()
    with served(stage) as stage.url:
        yield stage


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app on a free port of this machine, in a thread; gives its address."""
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # from here on a caller waits for the server instead of being refused
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def a_stand(stage: Stage) -> Stand:
    """A fresh stand-in on the stage."""
    clock, faults = Clock(), Faults()
    account = StripeAccount(StripeSettings(KEY, WEBHOOK_SECRET), clock)
    stage.app = create_stripe(account, faults)
    return Stand(account, faults, clock, url=stage.url)
