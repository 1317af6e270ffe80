"""What a visitor does at the shop: the requests and the steps of the funnel of each kind of visit, as the site's events tell them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Fields = dict[str, Any]

TYPICAL_MS: Mapping[tuple[str, str], float] = {
    ("GET", "/"): 180,
    ("GET", "/pricing"): 210,
    ("GET", "/register"): 230,
    ("GET", "/success"): 190,
    ("GET", "/api/health"): 4,
    ("GET", "/api/inventory"): 60,
    ("POST", "/api/verify-member"): 140,
    ("POST", "/api/create-checkout-session"): 420,
    ("POST", "/api/webhooks/stripe"): 110,
}
"""How long each endpoint usually takes, in milliseconds."""
_SPREAD = 0.35
HEALTH_EVERY_S = 2
"""The load balancer asks so often whether the shop is well, day and night: without it a quiet minute of the night would look odd."""


class Told(NamedTuple):
    """One event of a visit: how many seconds after its beginning, its name, and its fields without a duration."""

    after_s: float
    name: str
    fields: Fields

    @property
    def endpoint(self) -> tuple[str, str] | None:
        """Method and path of a request; None for what is none."""
        return (self.fields["method"], self.fields["endpoint"]) if "endpoint" in self.fields else None


def took_ms(endpoint: tuple[str, str], chance: random.Random) -> float:
    """Return how long a request took, in milliseconds; the same distribution as `usual_seconds`."""
    return round(TYPICAL_MS[endpoint] * math.exp(_SPREAD * chance.gauss(0, 1)), 1)


def usual_seconds(endpoint: tuple[str, str]) -> tuple[float, ...]:
    """Return durations that stand for all of an endpoint's, in seconds: quantiles of its distribution."""
    return tuple(TYPICAL_MS[endpoint] * math.exp(_SPREAD * z) / 1000 for z in _NORMAL)


# Quantiles of the standard normal distribution.
_NORMAL = (-2.2, -1.6, -1.3, -1.0, -0.8, -0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.2)


def request(after_s: float, method: str, path: str, status: int = 200) -> Told:
    """Return the event of one request."""
    return Told(after_s, "api_request", {"endpoint": path, "method": method, "status": status})


HEALTH = request(0, "GET", "/api/health")
"""One question of the load balancer."""


def step(after_s: float, name: str) -> Told:
    """Return the event of one step of the funnel."""
    return Told(after_s, name, {"funnel_step": name})


def _page(after_s: float, path: str) -> Iterator[Told]:
    yield request(after_s, "GET", path)
    yield request(after_s, "GET", "/api/inventory")


def _glance() -> Iterator[Told]:
    yield from _page(0, "/")
    yield step(0, "page_view")


def _read() -> Iterator[Told]:
    yield from _glance()
    yield from _page(25, "/pricing")


def _begin_form() -> Iterator[Told]:
    yield from _read()
    yield from _page(70, "/register")
    yield step(75, "form_start")


def _choose() -> Iterator[Told]:
    yield from _begin_form()
    yield step(95, "ticket_selection")
    yield request(120, "POST", "/api/verify-member")


def check_out() -> Iterator[Told]:
    """Yield what a buyer does until Stripe's page is open."""
    yield from _choose()
    yield request(150, "POST", "/api/create-checkout-session")
    yield step(151, "checkout_start")
    yield Told(151, "checkout_session_created", {})


VISITS: Mapping[str, Sequence[Told]] = {
    "glance": tuple(_glance()),
    "read": tuple(_read()),
    "form": tuple(_begin_form()),
    "choice": tuple(_choose()),
    "glitch": (*_glance(), request(1, "GET", "/api/inventory", 500)),
}
"""The visits of those who buy nothing, by kind."""
SHARES: Mapping[str, int] = {"glance": 150, "read": 22, "form": 14, "choice": 13, "glitch": 1}
PAID_AFTER_S = 210.0
"""From a buyer's first page to the payment, in seconds."""
LONGEST_S = 240.0
"""No visit tells anything later than this, in seconds after its beginning."""
