"""Behind a proxy every client of ours goes through it: the hub's, and Stripe's in both processes that speak with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from journeys.checkout_session import StripeAccess, _from_stripe
from runner.ledger.undo import StripeDesk
from runner.spool.hub_client import HubClient, hub_http_client

SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "amount_total": 100000,
    "currency": "usd",
    "status": "open",
    "payment_status": "unpaid",
    "created": 1795000000,
    "livemode": False,
}
PLAN = {"location": "us-east", "hash": "p1"}


class Proxy(ThreadingHTTPServer):
    """Answers in place of any host, and remembers what it was asked for."""

    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    """A request to a proxy names the whole address."""

    def do_GET(self) -> None:
        cast(Proxy, self.server).asked.append(self.path)
        body = json.dumps(PLAN if "/api/plan" in self.path else SESSION).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    server = Proxy(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask_the_hub() -> None:
    with hub_http_client() as client:
        HubClient("http://hub.test", location="us-east", client=client).get_plan()


def read_a_session() -> None:
    assert _from_stripe(StripeAccess("sk_test_1234567890", "http://stripe.test"), "cs_test_1").amount_minor == 100000


def find_a_session() -> None:
    desk = StripeDesk(StripeAccess("sk_test_1234567890", "http://stripe.test"))
    try:
        assert desk.find("cs_test_1") is not None
    finally:
        desk.close()


@pytest.mark.parametrize(
    ("ask", "address"),
    [
        (ask_the_hub, "http://hub.test/api/plan"),
        (read_a_session, "http://stripe.test/v1/checkout/sessions/cs_test_1"),
        (find_a_session, "http://stripe.test/v1/checkout/sessions/cs_test_1"),
    ],
)
def test_it_goes_through_the_proxy(proxy: Proxy, ask: Callable[[], None], address: str) -> None:
    ask()
    assert [asked.partition("?")[0] for asked in proxy.asked] == [address]
