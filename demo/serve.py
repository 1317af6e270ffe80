"""Opens the demo: the shop with a door a location, the stand-in Stripe, and a third party."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.faults import Faults
from demo.shop import ShopSettings, TierPrices, create_shop
from demo.shop.inventory import Inventory
from demo.stripe import StripeAccount, StripeSettings, create_stripe
from process.connections import Connections, limited_server
from process.descriptors import most_connections
from process.listeners import Listener

_STARTS_WITHIN_S = 10.0
_RATE_WINDOW_S = 900.0
_MOST_CONNECTIONS = 512


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How the demo is opened. `time_scale` makes the shop's rate window that many times shorter; `layout` is the layout of
    Stripe's hosted page (`single`, `accordion`, `frame`), `live` makes Stripe answer as in live mode. The others are the shop's
    (see ShopSettings).
    """

    prices: TierPrices = field(default_factory=TierPrices)
    member_discount: dict[str, int] = field(default_factory=lambda: {"ga": 20, "vip": 20})
    time_scale: float = 1
    rate_limit: int = 100
    grid_twice: bool = False
    checkout_needs_csrf: bool = False
    hydration_delay_ms: int = 0
    slow_answer_s: float = 8
    layout: str = "single"
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the demo is served: `host` is the address it listens at, `name` what others call that address, and its ports are
    `first_port` and the next ones: the shop's doors, Stripe, the third party. 0 lets the system choose each."""

    host: str = "127.0.0.1"
    name: str = "127.0.0.1"
    first_port: int = 0

    def sockets(self, count: int, *, after: int = 0) -> list[socket.socket]:
        """Listening sockets on ports that follow the first `after` ones. Raises OSError where one is taken."""
        first = self.first_port + after
        return [a_socket(self.host, first + n if self.first_port else 0) for n in range(count)]


class Served:
    """An application on its sockets, in a thread of its own."""

    def __init__(self, app: Any, sockets: Sequence[socket.socket], *, name: str = "127.0.0.1") -> None:
        self.urls = [f"http://{name}:{s.getsockname()[1]}" for s in sockets]
        self._sockets = list(sockets)
        limits = Connections(most_connections(at_most=_MOST_CONNECTIONS))
        self._server = limited_server(app, limits, log_level="critical", timeout_graceful_shutdown=1)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": self._sockets}, daemon=True)

    def start(self) -> None:
        """Start, and wait until it accepts."""
        self._thread.start()
        ends = time.monotonic() + _STARTS_WITHIN_S
        while not self._server.started:
            if time.monotonic() > ends or not self._thread.is_alive():
                raise RuntimeError("a server of the demo did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop, also while a request hangs; the port is closed afterwards."""
        self._server.should_exit = True
        self._thread.join(5)
        for sock in self._sockets:
            sock.close()


def a_socket(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket; port 0 lets the system choose."""
    sock = Listener(socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(128)
    return sock


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The demo while it is open. `doors` are the shop's addresses by location: each is a client address of its own."""

    doors: dict[str, str]
    stripe_url: str
    third_party_url: str
    stripe_key: str = field(repr=False)
    shop_settings: ShopSettings = field(repr=False)
    faults: Faults
    account: StripeAccount = field(repr=False)
    inventory: Inventory = field(repr=False)
    shop: Served = field(repr=False)

    @property
    def shop_url(self) -> str:
        """The shop by its first door."""
        return next(iter(self.doors.values()))

    def stop_shop(self) -> None:
        """Close the shop alone: its ports refuse connections."""
        self.shop.stop()

    def addresses(self) -> dict[str, Any]:
        """Every address by name."""
        return {
            "shop": self.shop_url,
            "doors": self.doors,
            "stripe": self.stripe_url,
            "third_party": self.third_party_url,
        }


@contextmanager
def serve_demo(
    *,
    settings: DemoSettings | None = None,
    faults: Faults | None = None,
    doors: Sequence[str] = ("local",),
    place: Place | None = None,
    stripe_key: str | None = None,
) -> Iterator[Demo]:
    """Open the demo, and close all of it afterwards: at `place`, else on free ports of 127.0.0.1.

    `stripe_key` is the key that Stripe knows, else a new one. Raises OSError where a port is taken.
    """
    settings, faults, place = settings or DemoSettings(), faults or Faults(), place or Place()
    with ExitStack() as stack:
        key, webhook_secret = stripe_key or f"sk_test_{secrets.token_hex(12)}", f"whsec_{secrets.token_hex(16)}"
        account = StripeAccount(
            StripeSettings(secret_key=key, webhook_secret=webhook_secret, layout=settings.layout, live=settings.live)
        )
        stripe = _serve(stack, create_stripe(account, faults), place.sockets(1, after=len(doors)), place.name)
        third_party = _serve(stack, _third_party(faults), place.sockets(1, after=len(doors) + 1), place.name)
        shop_settings = ShopSettings(
            stripe_api_base=stripe.urls[0],
            stripe_key=key,
            webhook_secret=webhook_secret,
            third_party_base=third_party.urls[0],
            prices=settings.prices,
            member_discount=settings.member_discount,
            rate_limit=settings.rate_limit,
            rate_window_s=_RATE_WINDOW_S / settings.time_scale,
            grid_twice=settings.grid_twice,
            checkout_needs_csrf=settings.checkout_needs_csrf,
            hydration_delay_ms=settings.hydration_delay_ms,
            slow_answer_s=settings.slow_answer_s,
        )
        inventory = Inventory(faults)
        shop = _serve(stack, create_shop(shop_settings, faults, inventory), place.sockets(len(doors)), place.name)
        account.webhook_url = f"{shop.urls[0]}/api/webhooks/stripe"
        yield Demo(
            doors=dict(zip(doors, shop.urls, strict=True)),
            stripe_url=stripe.urls[0],
            third_party_url=third_party.urls[0],
            stripe_key=key,
            shop_settings=shop_settings,
            faults=faults,
            account=account,
            inventory=inventory,
            shop=shop,
        )


def _serve(stack: ExitStack, app: Any, sockets: Sequence[socket.socket], name: str) -> Served:
    served = Served(app, sockets, name=name)
    served.start()
    stack.callback(served.stop)
    return served


def _third_party(faults: Faults) -> Starlette:
    """Somebody else's scripts: one that nobody needs, and a library that is down whenever a page asks for it."""

    async def analytics(_request: Request) -> Response:
        if faults.on("third_party_down"):
            return PlainTextResponse("Service Unavailable", status_code=503)
        return PlainTextResponse("", media_type="text/javascript")

    async def kit(_request: Request) -> Response:
        return PlainTextResponse("Service Unavailable", status_code=503)

    return Starlette(routes=[Route("/analytics.js", analytics), Route("/kit.js", kit)])
