"""Defines the contents of `site.yaml`: the shop to watch, its prices, and the buyer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config import Complaint, ConfigError
from config.bounds import Address, Bounds, Flag, Form, Length, SectionOrOff, Whole, refuse, without_login
from config.durations import seconds
from config.pings import MOST_CHECKS, ExpectedPing, JobName
from facts import left_out_when_none
from redact.cards import TEST_CARDS

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_STRICT: dict[str, Any] = {"extra": "forbid", "coerce_numbers_to_str": True}
_Price = Annotated[float, Bounds(0.01, 999_999, "it is what one ticket costs; write dollars, like 1350")]
SHOP = Address("https://shop.example.com", may=frozenset({"login"}))
"""What the address of a site may be."""
_HeaderName = Annotated[str, Form(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", "is no header's name")]


_USUAL_CITY = "Dallas"
"""The city where a file names cities and chooses none."""
_HINTS = {
    "city": "write city and cities, as the shipped site.yaml does, or leave this journey out of locations.yaml",
}


def missing(key: str, why: str) -> Complaint:
    """Return the complaint that `site.yaml` lacks a key that a journey needs."""
    return Complaint(file="site.yaml", key=key, what=f"is missing, and {why}", hint=_HINTS.get(key, f"write {key}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Holds the price of one ticket in whole units of the currency (dollars), as the pages show it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    ga: _Price = 1000
    vip: _Price = 1500
    vip_member: _Price = 1200

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        for name in ("ga", "vip", "vip_member"):
            if not 0 < getattr(self, name) < 1_000_000:
                yield f"{name}: {getattr(self, name):g} is not a price; write dollars, like 1350"
            elif round(getattr(self, name), 2) != getattr(self, name):
                yield f"{name}: {getattr(self, name):.12g} has parts of a cent, which nobody can pay"
        if self.vip_member > self.vip:
            yield f"vip_member: a member would pay {self.vip_member:g}, more than anybody else ({self.vip:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Holds the buyer's personal data. The phone number has digits only, as the form requires."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    first_name: str = "Synthetic"
    last_name: str = "Buyer"
    phone: Annotated[
        str, Form(r"[+(]?[0-9][0-9 ().-]{5,24}", "is no phone number; write its digits, like 5551234567")
    ] = "5551234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Holds a published test card and its billing address."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    number: str = "4242424242424242"
    expiry: Annotated[str, Form(r"(0[1-9]|1[0-2]) ?/? ?[0-9]{2}", "is no month and year; write it like 12/34")] = (
        "12/34"
    )
    cvc: Annotated[str, Form(r"[0-9]{3,4}", "is no card's check value; write three or four digits")] = "123"
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
    """What the site allows one client address: `requests` in a fixed window of `window_s` seconds.

    `static_files` is whether its scripts, styles, pictures and fonts count as well, beside its pages and calls.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    requests: Annotated[int, Whole(1, 1_000_000, "it is how many requests the site allows one address")]
    window_s: Annotated[int, Whole(1, 86_400, "it is the length of the site's window in seconds, a day at most")] = 900
    static_files: Annotated[bool, Flag()] = False

    def __post_init__(self) -> None:
        for name in ("requests", "window_s"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not a number of at least 1")


_BUDGET_OR_OFF = SectionOrOff(
    "requests",
    "write `requests` and `window_s` (seconds) below request_budget, or `request_budget: off` where the site has no limit",
)


_CHECKS_OR_OFF = SectionOrOff("", "write `every` and `paths` below endpoint_checks, or `endpoint_checks: off`")
_Path = Annotated[
    str, Form(r"/[!\"$-~]{0,199}", "is no path of the site; write it like /api/inventory, 200 characters at most")
]
_MOST_PATHS = 12
_LogFile = Annotated[
    str, Form(r"/[^\x00-\x1f]{1,499}", "is no path of a file; write it whole, like /var/log/shop/app.log")
]
_MOST_LOG_FILES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChecks:
    """What the hub asks of the site, by GET alone: `paths` with what each answers (`html`, `json` or `any`), once `every` so long.

    Without `paths` it is the home page, and for the ticket shop its registration, its inventory and its webhook's state as well.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    every: Annotated[
        str, Length("30s", "1h", "more often spends the site's request budget, more seldom tells of nothing in time")
    ] = "5m"
    paths: dict[_Path, Literal["any", "html", "json"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.paths) > _MOST_PATHS:
            raise ValueError(
                f"paths: {len(self.paths)} are too many: {_MOST_PATHS} at most are checked within one round"
            )


_READS_OR_OFF = SectionOrOff("", "write `every` and `orders_a_day` below stripe_reads, or leave it out")
_READS_A_MONTH, _READS_OF_AN_ORDER, _MONTH_DAYS = 10_000, 500, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeReads:
    """How often the hub reads Stripe's events, and how many orders a day the shop has, from which follows what Stripe allows.

    Stripe allows an account 500 reads for each transaction of the last 30 days, and 10,000 at least, the shop's own among them
    (https://docs.stripe.com/rate-limits).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    every: Annotated[
        str, Length("30s", "1h", "more often spends Stripe's read allowance, more seldom tells of nothing in time")
    ] = "5m"
    orders_a_day: Annotated[
        float, Bounds(0, 1_000_000, "it is how many orders the shop has in a day, like 5 or 0.5")
    ] = 0

    def __post_init__(self) -> None:
        if self.needed > self.allowed:
            raise ValueError(
                f"every: {self.every} makes {self.needed:,} reads in {_MONTH_DAYS} days, and for {self.orders_a_day:g} orders a day "
                f"Stripe allows the account {self.allowed:,}; read less often, or write how many orders there are (orders_a_day)"
            )

    @property
    def needed(self) -> int:
        """Return how many reads are made in 30 days if each time needs one."""
        return math.ceil(timedelta(days=_MONTH_DAYS).total_seconds() / seconds(self.every))

    @property
    def allowed(self) -> int:
        """Return how many reads Stripe allows the account in 30 days."""
        return max(_READS_A_MONTH, int(_READS_OF_AN_ORDER * _MONTH_DAYS * self.orders_a_day))


_SMS_OR_OFF = SectionOrOff("", "write `every` and `from_numbers` below sms_reads, or `sms_reads: off`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReads:
    """How often the hub reads what became of the shop's SMS at Twilio.

    `from_numbers` are those from which the shop sends; without them all SMS of the account count.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    every: Annotated[
        str, Length("1m", "1h", "each reading lists three days, and more seldom tells of nothing in time")
    ] = "5m"
    from_numbers: list[
        Annotated[str, Form(r"\+[1-9][0-9]{6,14}", "is no number in E.164; write it like +15551234567")]
    ] = field(default_factory=list)


_BUSINESS_OR_OFF = SectionOrOff("", "write `timezone` below business, or leave it out")
_Moment = Annotated[
    str,
    Form(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?",
        "is no local time; write it like 2026-11-27T09:00",
    ),
]
_LocalDate = Annotated[str, Form(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "is no date; write it like 2026-12-24")]
_LONGEST_SALE = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleWindow:
    """Holds a period with more sales than usual, with its start and end in the business's own time zone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    begins: _Moment
    ends: _Moment

    def __post_init__(self) -> None:
        moments = []
        for name in ("begins", "ends"):
            try:
                moments.append(datetime.fromisoformat(getattr(self, name)))
            except ValueError:
                raise ValueError(f"{name}: {getattr(self, name)} is no time that there is") from None
        if not timedelta() < moments[1] - moments[0] <= _LONGEST_SALE:
            raise ValueError(f"ends: must be after {self.begins}, and {_LONGEST_SALE.days} days after it at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """When the business is: by which clock its days begin, and which days are not like others.

    `timezone` is an IANA name. `country` (and its `subdivision`) names whose public holidays are left out of baselines, `holidays`
    are further ones; on them, and in `sale_windows`, numbers are not compared with those of usual weeks.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    timezone: Annotated[
        str, Form(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", "is no time zone; write it like America/Chicago")
    ] = "UTC"
    country: Annotated[str, Form(r"[A-Z]{2}", "is no country; write its two letters, like US")] | None = None
    subdivision: Annotated[str, Form(r"[A-Z0-9-]{1,8}", "is no part of a country; write its code, like TX")] | None = (
        None
    )
    holidays: list[_LocalDate] = field(default_factory=list)
    sale_windows: list[SaleWindow] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"timezone: {self.timezone} is no time zone that is known; write it like America/Chicago"
        for day in self.holidays:
            try:
                date.fromisoformat(day)
            except ValueError:
                yield f"holidays: {day} is no date that there is"
        if self.subdivision is not None and self.country is None:
            yield "subdivision: says nothing without a country"
        elif self.country is not None:
            yield from self._unknown_country()

    def _unknown_country(self) -> Iterator[str]:
        import holidays  # it takes longer to load than a runner's check of the file should

        known = holidays.list_supported_countries()
        if self.country not in known:
            yield f"country: no holidays are known of {self.country}; leave it out, and name your own days (holidays)"
        elif self.subdivision is not None and self.subdivision not in known[self.country]:
            yield f"subdivision: no part of {self.country} is named {self.subdivision}; there are: {', '.join(known[self.country])}"


_STATUS_OR_OFF = SectionOrOff("", "write `folder` and `title` below status_page, or leave it out")
_PathOnDisk = Annotated[str, Form(r"/[^\x00-\x1f]{1,499}", "is no path; write it whole, like /srv/status")]
_PublicName = Annotated[
    str, Form(r"[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*", "is no name; write a line of words, like Buying tickets")
]
_LONGEST_NAME = 80
_WEB = Address("https://status.example.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """The public status page: where it is written each minute, and how it looks.

    Without `folder` it is published by `sixfb status publish DIR` alone. `logo` is the file of a picture, `home` the address of the
    shop, and `url` that of the page itself, to which its feed links. `components` are the names of journeys for visitors.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    folder: _PathOnDisk | None = None
    title: _PublicName = "Status"
    accent: Annotated[str, Form(r"#[0-9A-Fa-f]{6}", "is no colour; write it like #3b48cc")] = "#3b48cc"
    logo: _PathOnDisk | None = None
    home: Annotated[str, _WEB] | None = None
    url: Annotated[str, _WEB] | None = None
    components: dict[str, _PublicName] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        for key, name in (("title", self.title), *((f"components.{j}", name) for j, name in self.components.items())):
            if len(name) > _LONGEST_NAME:
                yield f"{key}: has {len(name)} characters; {_LONGEST_NAME} at most fit on the page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The whole file.

    Only `base_url` must be there. What the ticket shop's journeys read beside it (cities, prices, a member, a card, how far they pay)
    means nothing to other journeys, and may be left out of a file for another shop.
    `city` is the city as its buttons call it (or its id); `cities` maps those names to the ids in the site's addresses.
    `payment` is `test` (pay with a test card once test mode is proved) or `stop_before_payment`.
    `request_budget` is None where the site has no limit, or tells its limit itself.
    `endpoint_checks` is None where the hub asks for no addresses by itself.
    `stripe_reads` is None where Stripe's events, if they are read, are read as often as usual.
    `sms_reads` is None where no SMS are read.
    `log_files` are the site's log files on the hub's machine; None where the hub follows none.
    `business` is None where its clock is UTC and no day is unlike another.
    `status_page` is None where none is published by schedule.
    `pings` are the jobs of the shop that report their runs to the hub; None where none does.
    `email_pattern` names every synthetic order: `{run}` is the run's id.
    `basic_auth_file` holds `user:password`; `header_files` maps header names to files that hold their values.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    base_url: Annotated[str, SHOP]
    city: str = ""
    cities: dict[str, str] = field(default_factory=dict)
    prices: Prices = field(default_factory=Prices)
    currency: Annotated[str, Form(r"[A-Za-z]{3}", "is no currency; write its three letters, like usd")] = "usd"
    member_email: str = "member@6fb.com"
    buyer: Buyer = field(default_factory=Buyer)
    card: Card = field(default_factory=Card)
    payment: Literal["test", "stop_before_payment"] = "test"
    email_pattern: str = "synthetic+{run}@example.com"
    request_budget: Annotated[RequestBudget | None, _BUDGET_OR_OFF] = field(default=None, metadata=left_out_when_none())
    endpoint_checks: Annotated[EndpointChecks | None, _CHECKS_OR_OFF] = field(
        default=None, metadata=left_out_when_none()
    )
    stripe_reads: Annotated[StripeReads | None, _READS_OR_OFF] = field(default=None, metadata=left_out_when_none())
    sms_reads: Annotated[SmsReads | None, _SMS_OR_OFF] = field(default=None, metadata=left_out_when_none())
    log_files: list[_LogFile] | None = field(default=None, metadata=left_out_when_none())
    business: Annotated[Business | None, _BUSINESS_OR_OFF] = field(default=None, metadata=left_out_when_none())
    status_page: Annotated[StatusPage | None, _STATUS_OR_OFF] = field(default=None, metadata=left_out_when_none())
    pings: dict[JobName, ExpectedPing] | None = field(default=None, metadata=left_out_when_none())
    basic_auth_file: str | None = None
    header_files: dict[_HeaderName, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cities and not self.city:
            # Written out, because runners of an earlier version read it from the plan.
            object.__setattr__(self, "city", _USUAL_CITY)
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        files = self.log_files or []
        if len(files) > _MOST_LOG_FILES or len(set(files)) < len(files):
            yield f"log_files: name each file once, and {_MOST_LOG_FILES} at most"
        yield from self._wrong_pings()
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = without_login(self.base_url)
            yield f"base_url: {shown!r} is not an address; write it like https://shop.example.com"
        # Neither of the two: it sells no tickets.
        if self.city and self.city not in self.cities and self.city not in self.cities.values():
            known = ", ".join(self.cities) or "none"
            yield f"city: {self.city!r} is not among the cities ({known}); add it there with its id"
        for name, address in (("member_email", self.member_email), ("email_pattern", self.email_for("x"))):
            if not _EMAIL.fullmatch(address):
                yield f"{name}: {address!r} is not an e-mail address"

    def _wrong_pings(self) -> Iterator[str]:
        jobs = self.pings or {}
        if len(jobs) > MOST_CHECKS:
            yield f"pings: {len(jobs)} jobs are too many; {MOST_CHECKS} at most"
        first: dict[str, str] = {}
        for name, one in jobs.items():
            if (other := first.setdefault(one.uuid.lower(), name)) != name:
                yield f"pings.{name}.uuid: is that of {other} as well; each job has its own"

    @property
    def shown_url(self) -> str:
        """Return the address without its password."""
        return without_login(self.base_url)

    @property
    def sells_tickets(self) -> bool:
        """Whether the file describes the ticket shop, whose cities it names."""
        return bool(self.cities)

    @property
    def city_name(self) -> str:
        """Return the city's name on the buttons. Raises ConfigError if the file names no cities."""
        if not self.cities:
            raise ConfigError(missing("city", "a journey of the ticket shop asked for it"))
        return next((name for name, city_id in self.cities.items() if self.city in (name, city_id)), self.city)

    @property
    def city_id(self) -> str:
        """Return the city's id in the site's addresses. Raises ConfigError if the file names no cities."""
        return self.cities[self.city_name]

    def email_for(self, run: str) -> str:
        """Return the e-mail address that marks the order of a run as synthetic."""
        return self.email_pattern.replace("{run}", re.sub(r"[^A-Za-z0-9-]", "-", run))

    def url(self, path: str) -> str:
        """Return the address of a path (`/pricing`) of the site."""
        return self.base_url.rstrip("/") + path
