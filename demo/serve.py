"""Opens the demo: the shop with a door a location, the stand-in Stripe, a third party, and the panel."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.faults import Faults
from demo.panel import Panel
from demo.shop import ShopSettings, TierPrices, create_shop
from demo.stripe import StripeAccount, StripeSettings, create_stripe
from facts import Run

_STARTS_WITHIN_S = 10.0
_RATE_WINDOW_S = 900.0


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How the demo is opened. `time_scale` makes the shop's rate window that many times shorter; `layout` is the layout of
    Stripe's hosted page (`single`, `accordion`, `frame`), `live` makes Stripe answer as in live mode. The others are the shop's.
    """

    prices: TierPrices = field(default_factory=TierPrices)
    member_discount: dict[str, int] = field(default_factory=lambda: {"ga": 20, "vip": 20})
    time_scale: float = 1
    rate_limit: int = 100
    grid_twice: bool = False
    checkout_needs_csrf: bool = False
    hydration_delay_ms: int = 0
    layout: str = "single"
    live: bool = False


class Served:
    """An application on its sockets, in a thread of its own."""

    def __init__(self, app: Any, sockets: Sequence[socket.socket]) -> None:
        self.urls = [f"http://127.0.0.1:{s.getsockname()[1]}" for s in sockets]
        self._sockets = list(sockets)
        config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
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


def a_socket() -> socket.socket:
    """A listening socket on a port that the system chose. Named TCP: asyncio sets TCP_NODELAY on no other."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    return sock


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The demo while it is open. `doors` are the shop's addresses by location: each is a client address of its own."""

    doors: dict[str, str]
    stripe_url: str
    third_party_url: str
    panel_url: str | None
    stripe_key: str = field(repr=False)
    shop_settings: ShopSettings = field(repr=False)
    faults: Faults
    account: StripeAccount = field(repr=False)
    shop: Served = field(repr=False)
    panel: Panel = field(repr=False)

    @property
    def shop_url(self) -> str:
        """The shop by its first door."""
        return next(iter(self.doors.values()))

    def stop_shop(self) -> None:
        """Close the shop alone: its ports refuse connections."""
        self.shop.stop()

    def show(self, runs: Sequence[Run]) -> None:
        """Show a round on the panel."""
        self.panel.show(runs)

    def addresses(self) -> dict[str, Any]:
        """Every address by name."""
        return {
            "shop": self.shop_url,
            "doors": self.doors,
            "stripe": self.stripe_url,
            "third_party": self.third_party_url,
            "panel": self.panel_url,
        }


@contextmanager
def serve_demo(
    *,
    settings: DemoSettings | None = None,
    faults: Faults | None = None,
    doors: Sequence[str] = ("local",),
    report: Path | None = None,
) -> Iterator[Demo]:
    """Open the demo on free ports of 127.0.0.1, and close all of it afterwards.

    `report` is the folder that the panel shows at `/report/`; without one there is no panel.
    """
    settings, faults = settings or DemoSettings(), faults or Faults()
    with ExitStack() as stack:
        key, webhook_secret = f"sk_test_{secrets.token_hex(12)}", f"whsec_{secrets.token_hex(16)}"
        account = StripeAccount(
            StripeSettings(secret_key=key, webhook_secret=webhook_secret, layout=settings.layout, live=settings.live)
        )
        stripe = _serve(stack, create_stripe(account, faults), [a_socket()])
        third_party = _serve(stack, _third_party(faults), [a_socket()])
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
        )
        shop = _serve(stack, create_shop(shop_settings, faults), [a_socket() for _ in doors])
        account.webhook_url = f"{shop.urls[0]}/api/webhooks/stripe"
        panel = Panel(faults, shop_url=shop.urls[0], report=report)
        panel_url = _serve(stack, panel.app(), [a_socket()]).urls[0] if report else None
        yield Demo(
            doors=dict(zip(doors, shop.urls, strict=True)),
            stripe_url=stripe.urls[0],
            third_party_url=third_party.urls[0],
            panel_url=panel_url,
            stripe_key=key,
            shop_settings=shop_settings,
            faults=faults,
            account=account,
            shop=shop,
            panel=panel,
        )


def _serve(stack: ExitStack, app: Any, sockets: Sequence[socket.socket]) -> Served:
    served = Served(app, sockets)
    served.start()
    stack.callback(served.stop)
    return served


def _third_party(faults: Faults) -> Starlette:
    """Somebody else's script."""

    async def analytics(_request: Request) -> Response:
        if faults.on("third_party_down"):
            return PlainTextResponse("Service Unavailable", status_code=503)
        return PlainTextResponse("", media_type="text/javascript")

    return Starlette(routes=[Route("/analytics.js", analytics)])
