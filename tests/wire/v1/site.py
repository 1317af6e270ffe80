"""`site.yaml`: the shop that is watched, what it should charge, and who the buyer is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

# https://docs.stripe.com/testing: cards that are published, take no money, and are no secret.
TEST_CARDS = frozenset(
    {
        "4242424242424242",
        "4000056655665556",
        "5555555555554444",
        "2223003122003222",
        "5200828282828210",
        "5105105105105100",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "6011000990139424",
        "3056930009020004",
        "36227206271667",
        "3566002020360505",
        "6200000000000005",
        "4000000000000002",
        "4000000000009995",
        "4000000000009987",
        "4000000000009979",
        "4000000000000069",
        "4000000000000127",
        "4000000000000119",
    }
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STRICT: dict[str, Any] = {"extra": "forbid", "coerce_numbers_to_str": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What one ticket costs, in whole units of the currency (dollars), as the pages show it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    ga: float = 1000
    vip: float = 1500
    vip_member: float = 1200

    def __post_init__(self) -> None:
        for name in ("ga", "vip", "vip_member"):
            if not 0 < getattr(self, name) < 1_000_000:
                raise ValueError(f"{name}: {getattr(self, name):g} is not a price; write dollars, like 1350")
        if self.vip_member > self.vip:
            raise ValueError(
                f"vip_member: a member would pay {self.vip_member:g}, more than anybody else ({self.vip:g})"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """The person who buys. The phone is as the form wants it: digits."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    first_name: str = "Synthetic"
    last_name: str = "Buyer"
    phone: str = "5551234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A published test card and the billing address that goes with it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    number: str = "4242424242424242"
    expiry: str = "12/34"
    cvc: str = "123"
    name: str = "Synthetic Buyer"
    country: str = "US"
    line1: str = "1 Test Street"
    city: str = "Dallas"
    state: str = "TX"
    postal_code: str = "75201"

    def __post_init__(self) -> None:
        if self.digits not in TEST_CARDS:
            raise ValueError("number: not one of Stripe's published test cards, and no other card is ever typed")

    @property
    def digits(self) -> str:
        """The number without blanks and hyphens."""
        return re.sub(r"[\s-]", "", self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBudget:
    """What the site allows one client address: `requests` in a fixed window of `window_s` seconds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    requests: int = 100
    window_s: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The whole file.

    `city` is the city as its buttons call it (or its id); `cities` maps those names to the ids in the site's addresses.
    `payment` is `test` (pay with a test card once test mode is proved) or `stop_before_payment`.
    `email_pattern` names every synthetic order: `{run}` is the run's id.
    `basic_auth_file` holds `user:password`; `header_files` maps header names to files that hold their values.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    base_url: str
    city: str = "Dallas"
    cities: dict[str, str] = field(default_factory=dict)
    prices: Prices = field(default_factory=Prices)
    currency: str = "usd"
    member_email: str = "member@6fb.com"
    buyer: Buyer = field(default_factory=Buyer)
    card: Card = field(default_factory=Card)
    payment: Literal["test", "stop_before_payment"] = "test"
    email_pattern: str = "synthetic+{run}@example.com"
    request_budget: RequestBudget = field(default_factory=RequestBudget)
    basic_auth_file: str | None = None
    header_files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url: {self.base_url!r} is not an address; write it like https://shop.example.com")
        if self.city not in self.cities and self.city not in self.cities.values():
            known = ", ".join(self.cities) or "none"
            raise ValueError(f"city: {self.city!r} is not among the cities ({known}); add it there with its id")
        for name, address in (("member_email", self.member_email), ("email_pattern", self.email_for("x"))):
            if not _EMAIL.fullmatch(address):
                raise ValueError(f"{name}: {address!r} is not an e-mail address")

    @property
    def city_name(self) -> str:
        """The city as its buttons call it."""
        return next((name for name, city_id in self.cities.items() if self.city in (name, city_id)), self.city)

    @property
    def city_id(self) -> str:
        """The city as the site's addresses call it."""
        return self.cities[self.city_name]

    def email_for(self, run: str) -> str:
        """The address that marks the order of a run as synthetic."""
        return self.email_pattern.replace("{run}", re.sub(r"[^A-Za-z0-9-]", "-", run))

    def url(self, path: str) -> str:
        """The address of a path (`/pricing`) of the site."""
        return self.base_url.rstrip("/") + path
