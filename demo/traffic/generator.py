"""Makes the records of a span of time: what the site tells, and what Stripe and Twilio tell of its buyers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from demo.shop.settings import ShopSettings
from demo.traffic import visits
from demo.traffic.arrivals import Arrival, Arrivals, Stream
from demo.traffic.orders import (
    CHANNELS,
    CITY_SHARES,
    PRODUCT_SHARES,
    Order,
    declined_event,
    expired_event,
    failed_event,
    paid_events,
    products,
    refunded_event,
    text_message,
)

SEED = "sixfb"
ORDERS_PER_DAY = 240
VISITS = Stream(name="visits", per_day=5700, shares=visits.SHARES)
_ORDERS = Stream(name="orders", per_day=ORDERS_PER_DAY, shares=PRODUCT_SHARES)
_UNPAID = Stream(name="unpaid", per_day=46, shares={"declined": 9, "gone": 14})
_FAILED = Stream(name="failed", per_day=0.6)
_EXPIRED = Stream(name="expired", per_day=9, shares=PRODUCT_SHARES)
_REFUNDS = Stream(name="refunds", per_day=3.4, shares=PRODUCT_SHARES)
_REMINDERS = Stream(name="reminders", per_day=70)
_TEXT_STATUS = {"delivered": 196, "undelivered": 1, "sent": 3}
_SCORES = Stream(name="scores", per_day=40, shares={"5": 12, "4": 6, "3": 1, "2": 1})
_SUPPORT = Stream(name="support", per_day=1.5)
_LOGINS = Stream(name="logins", per_day=30)
_TIMEOUTS = Stream(name="timeouts", per_day=0.4)
_LOG = Stream(
    name="log",
    per_day=60,
    shares={"inventory_updated": 34, "rate_limit_exceeded": 3, "email_bounce": 2, "api_timeout": 1},
)
_LEVELS = {"inventory_updated": "info", "rate_limit_exceeded": "warn", "email_bounce": "warn", "api_timeout": "error"}
_CATEGORIES = ("email_bounce", "api_timeout")


class Sale(NamedTuple):
    """Tickets that are sold: when (epoch seconds), the city's id, the tier, and how many."""

    at: float
    city: str
    tier: str
    quantity: int


@dataclass(slots=True, kw_only=True)
class Records:
    """What happened in a span of time, each list by the way it comes to the hub.

    `events` are sent to `POST /api/events`, `log` are lines of the site's log file; both are the site's events, as JSON objects.
    `stripe` are events as Stripe's API lists them, `texts` messages as Twilio's lists them, and `sales` take tickets out of the
    inventory.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    stripe: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)


def site_event(id_: str, at: float, name: str, level: str = "info", **fields: Any) -> dict[str, Any]:
    """Return an event of the site as its JSON object."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return {"id": id_, "at": moment, "level": level, "name": name, **fields}


def times(every_s: float, since: float, until: float) -> list[float]:
    """Return the multiples of `every_s` from `since` up to `until` (exclusive), epoch seconds."""
    return [n * every_s for n in range(math.ceil(since / every_s), math.ceil(until / every_s))]


class Generator:
    """Generates the visitors and buyers of the shop: the same seed and time span always give the same records.

    Generating consecutive spans gives the same records as generating the whole span at once. `zone` is the time zone of the daily
    and weekly pattern, `shop` has the prices.
    """

    def __init__(self, zone: ZoneInfo, shop: ShopSettings, *, seed: str = SEED) -> None:
        self.seed = seed
        self.arrivals = Arrivals(seed, zone)
        self._products = products(shop.prices.ga, shop.prices.vip, shop.member_discount)

    @property
    def usual_day_minor(self) -> int:
        """What buyers pay on a usual day, in cents."""
        of_a_deck = sum(n * self._products[kind].cents for kind, n in PRODUCT_SHARES.items())
        return round(ORDERS_PER_DAY * of_a_deck / sum(PRODUCT_SHARES.values()))

    def between(self, since: float, until: float) -> Records:
        """Return the records of a span, from `since` up to `until` (exclusive), epoch seconds, each list in the order of time."""
        found = Records(
            events=[
                *self._of_visitors(since, until),
                *self._of_the_load_balancer(since, until),
                *self.payments(since, until),
                *self.other_events(since, until),
            ],
            log=self.log(since, until),
            stripe=self.stripe(since, until),
            texts=self.texts(since, until),
            sales=self.sales(since, until),
        )
        found.events.sort(key=lambda event: (event["at"], event["id"]))
        return found

    def order(self, number: str, kind: str, *, city: str | None = None) -> Order:
        """Return the order of a number, of a kind of product."""
        chance = random.Random(f"{self.seed}/order/{number}")
        return Order(
            number=number,
            product=self._products[kind],
            city=city or _drawn(CITY_SHARES, chance),
            channel=_drawn(CHANNELS, chance),
        )

    def visitors(self, since: float, until: float) -> list[tuple[Arrival, Sequence[visits.Told]]]:
        """Return all visits that begin in a span, with what each tells, but for the payments (`payments`)."""
        of = self.arrivals.between
        return [
            *((one, visits.VISITS[one.kind]) for one in of(VISITS, since, until)),
            *((one, PAYING) for one in of(_ORDERS, since, until)),
            *((one, DECLINED if one.kind == "declined" else LEAVING) for one in of(_UNPAID, since, until)),
        ]

    def orders(self, since: float, until: float, *, after_s: float = visits.PAID_AFTER_S) -> list[tuple[float, Order]]:
        """Return the paid orders of which something happens in a span, `after_s` after the visit began, each with that moment."""
        found = self.arrivals.between(_ORDERS, since - after_s, until - after_s)
        return [(one.at + after_s, self.order(one.number, one.kind)) for one in found]

    def payments(self, since: float, until: float) -> list[dict[str, Any]]:
        """Return the site's events of payments that succeeded."""
        return [
            site_event(f"{order.number}-paid", at, "payment_successful", **sold(order))
            for at, order in self.orders(since, until)
        ]

    def sales(self, since: float, until: float) -> list[Sale]:
        """Return the tickets that are sold."""
        found = self.orders(since, until)
        return [Sale(at, one.city, one.product.tier, one.product.quantity) for at, one in found]

    def stripe(self, since: float, until: float) -> list[dict[str, Any]]:
        """Return the events that Stripe tells, in the order of time."""
        found = [event for at, order in self.orders(since, until) for event in paid_events(order, at)]
        for one in self.arrivals.between(_UNPAID, since - visits.PAID_AFTER_S, until - visits.PAID_AFTER_S):
            if one.kind == "declined":
                found.append(declined_event(self.order(one.number, "ga"), one.at + visits.PAID_AFTER_S))
        rest = ((_FAILED, failed_event), (_EXPIRED, expired_event), (_REFUNDS, refunded_event))
        for stream, event in rest:
            for one in self.arrivals.between(stream, since, until):
                found.append(event(self.order(one.number, one.kind or "ga"), one.at))
        return sorted(found, key=lambda event: (event["created"], event["id"]))

    def texts(self, since: float, until: float) -> list[dict[str, Any]]:
        """Return the texts that the shop sends: one for each order, and reminders."""
        found = [
            self._text(order.number, at)
            for at, order in self.orders(since, until, after_s=visits.PAID_AFTER_S + TEXT_AFTER_S)
        ]
        reminders = self.arrivals.between(_REMINDERS, since, until)
        return [*found, *(self._text(one.number, one.at) for one in reminders)]

    def other_events(self, since: float, until: float) -> list[dict[str, Any]]:
        """Return the site's events that belong to no visit: answers to surveys, and support tickets."""
        of = self.arrivals.between
        return [
            *(
                site_event(one.number, one.at, "survey_answered", score=int(one.kind))
                for one in of(_SCORES, since, until)
            ),
            *(site_event(one.number, one.at, "support_ticket_created") for one in of(_SUPPORT, since, until)),
        ]

    def log(self, since: float, until: float) -> list[dict[str, Any]]:
        """Return the lines of the site's log, in the order of time."""
        found = [
            site_event(one.number, one.at, name, "warn")
            for stream, name in ((_LOGINS, "login_failed"), (_TIMEOUTS, "database_query_timeout"))
            for one in self.arrivals.between(stream, since, until)
        ]
        for one in self.arrivals.between(_LOG, since, until):
            of_kind = {"category": one.kind} if one.kind in _CATEGORIES else {}
            found.append(site_event(one.number, one.at, one.kind, _LEVELS[one.kind], **of_kind))
        return sorted(found, key=lambda event: (event["at"], event["id"]))

    def _of_visitors(self, since: float, until: float) -> Iterator[dict[str, Any]]:
        for visit, told in self.visitors(since - visits.LONGEST_S, until):
            for n, one in enumerate(told):
                at = visit.at + one.after_s
                if not since <= at < until:
                    continue
                took: dict[str, Any] = {}
                if one.endpoint is not None:
                    chance = random.Random(f"{self.seed}/took/{visit.number}/{n}")
                    took = {"duration_ms": visits.took_ms(one.endpoint, chance)}
                yield site_event(f"{visit.number}-{n}", at, one.name, **one.fields, **took)

    def _of_the_load_balancer(self, since: float, until: float) -> Iterator[dict[str, Any]]:
        for at in times(visits.HEALTH_EVERY_S, since, until):
            usual_ms = visits.TYPICAL_MS["GET", "/api/health"]
            yield site_event(f"health-{at:.0f}", at, visits.HEALTH.name, **visits.HEALTH.fields, duration_ms=usual_ms)

    def _text(self, number: str, at: float) -> dict[str, Any]:
        return text_message(number, at, _drawn(_TEXT_STATUS, random.Random(f"{self.seed}/text/{number}")))


TEXT_AFTER_S = 15.0
"""From the payment to the text that confirms it, in seconds."""
LEAVING = tuple(visits.check_out())
DECLINED = (
    *LEAVING,
    visits.Told(visits.PAID_AFTER_S, "payment_processing_failed", {"category": "payment_declined"}),
)
PAYING = (
    *LEAVING,
    visits.request(visits.PAID_AFTER_S, "POST", "/api/webhooks/stripe"),
    visits.request(visits.PAID_AFTER_S + 2, "GET", "/success"),
    visits.step(visits.PAID_AFTER_S + 2, "payment_complete"),
    visits.Told(visits.PAID_AFTER_S + TEXT_AFTER_S, "sms_notification_sent", {}),
)
"""The visits of those who come as far as Stripe's page."""


def sold(order: Order) -> dict[str, Any]:
    """Return the fields of the site's event of a payment."""
    product = order.product
    return {
        "amount_minor": product.cents,
        "currency": "usd",
        "city": order.city,
        "tier": product.tier,
        "is_member": product.is_member,
        "channel": order.channel,
    }


def _drawn(shares: Mapping[str, int], chance: random.Random) -> str:
    return chance.choices(list(shares), weights=list(shares.values()))[0]
