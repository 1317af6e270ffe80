"""What each fault of the traffic does to the records of a span: a pure function, so that tests need no real time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from demo.faults import TRAFFIC_FAULTS
from demo.traffic.generator import Generator, Records, Sale, site_event, times
from demo.traffic.orders import expired_event, failed_event, in_parts, paid_events, refunded_event, text_message

HELD_BACK = ("sf-apr-2026", "ga", 60)
"""City, tier, and how many tickets of them are left on sale under `sellout_near`."""


def with_faults(generator: Generator, records: Records, on: Collection[str], since: float, until: float) -> Records:
    """Return the records of a span from `since` up to `until` (epoch seconds) as they are while some faults are on."""
    for name in TRAFFIC_FAULTS:
        if name in on:
            records = EFFECTS[name](generator, records, since, until)
    return records


def _times(name: str, every_s: float, since: float, until: float) -> Iterator[tuple[str, float]]:
    """Yield a number and a moment for each multiple of `every_s` in a span."""
    for at in times(every_s, since, until):
        yield f"{name}-{at:.2f}", at


def _sales_stop(generator: Generator, records: Records, since: float, until: float) -> Records:
    failing = [failed_event(generator.order(number, "ga"), at) for number, at in _times("sales_stop", 10, since, until)]
    gone = ("charge.succeeded", "checkout.session.completed")
    sold = ("payment_successful", "payment_complete")
    return replace(
        records,
        events=[one for one in records.events if one["name"] not in sold],
        stripe=_in_order([*(one for one in records.stripe if one["type"] not in gone), *failing]),
        sales=[],
    )


def _refund_wave(generator: Generator, records: Records, since: float, until: float) -> Records:
    more = [refunded_event(generator.order(number, "ga"), at) for number, at in _times("refund_wave", 2, since, until)]
    return replace(records, stripe=_in_order([*records.stripe, *more]))


def _abandonment(generator: Generator, records: Records, since: float, until: float) -> Records:
    more = [expired_event(generator.order(number, "ga"), at) for number, at in _times("abandonment", 4, since, until)]
    return replace(records, stripe=_in_order([*records.stripe, *more]))


def _webhook_backlog(_generator: Generator, records: Records, since: float, until: float) -> Records:
    errors = _events("webhook_backlog", 10, since, until, "webhook_processing_failed", "error", category=True)
    return replace(
        records,
        stripe=[{**one, "pending_webhooks": 1} for one in records.stripe],
        log=[*records.log, *errors],
    )


def _sellout_near(generator: Generator, records: Records, since: float, until: float) -> Records:
    city, tier, _ = HELD_BACK
    rush = [(generator.order(number, tier, city=city), at) for number, at in _times("sellout_near", 15, since, until)]
    return replace(
        records,
        stripe=_in_order([*records.stripe, *(event for order, at in rush for event in paid_events(order, at))]),
        sales=[*records.sales, *(Sale(at, city, tier, 1) for _, at in rush)],
    )


def _sms_failing(_generator: Generator, records: Records, since: float, until: float) -> Records:
    failed = [{**one, "status": "undelivered", "error_code": 30005} for one in records.texts]
    more = [text_message(number, at, "undelivered") for number, at in _times("sms_failing", 6, since, until)]
    return replace(records, texts=[*failed, *more])


def _sms_expensive(_generator: Generator, records: Records, since: float, until: float) -> Records:
    more = [text_message(number, at, "delivered") for number, at in _times("sms_expensive", 6, since, until)]
    return replace(records, texts=[in_parts(one, 4) for one in (*records.texts, *more)])


def _errors_5xx(_generator: Generator, records: Records, since: float, until: float) -> Records:
    broken = [{**one, "status": 500} if one.get("endpoint") == "/api/inventory" else one for one in records.events]
    tried_again = _events(
        *("errors_5xx", 1.2, since, until, "api_request", "info"),
        endpoint="/api/inventory",
        method="GET",
        status=500,
        duration_ms=70.0,
    )
    return replace(records, events=[*broken, *tried_again])


def _traffic_spike(_generator: Generator, records: Records, since: float, until: float) -> Records:
    asked = _events(
        *("traffic_spike", 0.25, since, until, "api_request", "info"),
        endpoint="/pricing",
        method="GET",
        status=200,
        duration_ms=240.0,
    )
    return replace(records, events=[*records.events, *asked])


def _conversion_drop(_generator: Generator, records: Records, since: float, until: float) -> Records:
    # The page tells of the view itself: it comes out of a cache, and costs the site no request.
    views = _events("conversion_drop", 1, since, until, "page_view", "info", funnel_step="page_view")
    return replace(records, events=[*records.events, *views])


def _in_log(name: str, every_s: float, told: str, level: str, *, category: bool = False) -> Effect:
    def change(_generator: Generator, records: Records, since: float, until: float) -> Records:
        more = _events(name, every_s, since, until, told, level, category=category)
        return replace(records, log=[*records.log, *more])

    return change


def _support_spike(_generator: Generator, records: Records, since: float, until: float) -> Records:
    more = _events("support_spike", 6, since, until, "support_ticket_created", "info")
    return replace(records, events=[*records.events, *more])


def _events(
    name: str,
    every_s: float,
    since: float,
    until: float,
    told: str,
    level: str,
    *,
    category: bool = False,
    **fields: Any,
) -> list[dict[str, Any]]:
    of_kind = {"category": told} if category else {}
    return [
        site_event(number, at, told, level, **of_kind, **fields) for number, at in _times(name, every_s, since, until)
    ]


def _in_order(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(told, key=lambda event: (event["created"], event["id"]))


Effect = Callable[[Generator, Records, float, float], Records]
EFFECTS: Mapping[str, Effect] = {
    "sales_stop": _sales_stop,
    "refund_wave": _refund_wave,
    "abandonment": _abandonment,
    "webhook_backlog": _webhook_backlog,
    "sellout_near": _sellout_near,
    "sms_failing": _sms_failing,
    "sms_expensive": _sms_expensive,
    "errors_5xx": _errors_5xx,
    "traffic_spike": _traffic_spike,
    "conversion_drop": _conversion_drop,
    "support_spike": _support_spike,
    "login_attacks": _in_log("login_attacks", 1, "login_failed", "warn"),
    "fraud_attempt": _in_log("fraud_attempt", 30, "fraud_suspected", "warn"),
    "database_slow": _in_log("database_slow", 5, "database_query_timeout", "warn"),
    "memory_leak_event": _in_log("memory_leak_event", 15, "memory_leak_detected", "error", category=True),
}
"""By fault, what it makes of the records of a span."""
