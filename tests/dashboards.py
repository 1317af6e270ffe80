"""Numbers of a ticket shop for the dashboards: as they are computed from, and as samples in a store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from facts import Alert, AlertState, FeedState, Labels, Sample, Severity, labels
from reports.dashboards import DASHBOARDS, Numbers, View, Widget, needs_of, view_of
from reports.dashboards.numbers import WEEK_S, Key, Need
from store import Store, feeds, samples
from store.rollups import Rollup
from store.samples import Bucket, bucket_start

NOW = datetime.fromisoformat("2026-11-19T22:40:00+00:00")
"""A Thursday, 16:40 in Chicago."""
CHICAGO = ZoneInfo("America/Chicago")
CITIES = ("dallas", "atlanta", "chicago")
PLACES = ("eu-west", "us-east", "us-west")
SOURCES = ("stripe", "inventory", "sms", "events")


def a_view(path: str = "/executive", now: datetime = NOW, /, **asked: str) -> View:
    """What an address asks for."""
    dashboard = DASHBOARDS[path]
    return view_of(
        asked, now=now, business=CHICAGO, usual_range=dashboard.usual_range, usual_alerts=dashboard.usual_alerts
    )


def a_feed(
    source: str, *, age: timedelta = timedelta(minutes=3), now: datetime = NOW, error: str | None = None
) -> FeedState:
    """A source that brought something so long ago."""
    return FeedState(source=source, configured=True, last_good_at=now - age, last_error=error)


def rolled_up(told: Iterable[Sample], view: View, path: str) -> dict[Key, list[Bucket]]:
    """The buckets of samples that a dashboard asks for, as the store makes them."""
    by_metric: dict[str, list[Sample]] = defaultdict(list)
    for one in told:
        by_metric[one.metric].append(one)
    found: dict[Key, list[Bucket]] = {}
    for need in needs_of(DASHBOARDS[path], view):
        parts: dict[tuple[datetime, Labels], list[float]] = defaultdict(list)
        for one in by_metric[need.metric]:
            start = _start(one.at, need, view)
            if start is not None and set(need.where) <= set(one.labels):
                parts[start, one.labels].append(one.value)
        found[need.key] = [
            a_bucket(start, *values, width_s=need.width_s, its=its) for (start, its), values in sorted(parts.items())
        ]
    return found


def _start(at: datetime, need: Need, view: View) -> datetime | None:
    """When the bucket begins that a moment lies in; None where it is not asked for."""
    if need.width_s == WEEK_S:
        return next((begins for begins, ends in view.weeks(20) if need.since <= begins <= at < ends), None)
    start = bucket_start(at, need.width_s)
    return start if start >= bucket_start(need.since, need.width_s) else None


def a_bucket(start: datetime, *values: float, width_s: int = 3600, its: Labels = ()) -> Bucket:
    """One bucket of some values."""
    return Bucket(
        labels=its,
        width_s=width_s,
        start=start,
        n=len(values),
        sum=sum(values),
        min=min(values),
        max=max(values),
        last=values[-1],
    )


def numbers_of(path: str, told: Iterable[Sample] = (), *, view: View | None = None, **more: Any) -> Numbers:
    """What a dashboard is computed from, of some samples; every source brought something three minutes ago."""
    view = view or a_view(path)
    facts: dict[str, Any] = {
        "buckets": rolled_up(told, view, path),
        "feeds": {source: a_feed(source, now=view.now) for source in SOURCES},
        "journeys": {"ga_purchase": PLACES, "vip_member_discount": PLACES},
        "cities": {"dallas": "Dallas", "atlanta": "Atlanta"},
    }
    return Numbers(**{**facts, **more})


def drawn(name: str, numbers: Numbers, view: View | None = None, **asked: str) -> Widget:
    """A widget of any dashboard by its name."""
    path, kind = next((p, k) for p, d in DASHBOARDS.items() for k in d.widgets if k.name == name)
    return kind.draw(kind, view or a_view(path, **asked), numbers)


def an_alert(severity: Severity = Severity.CRITICAL, **facts: Any) -> Alert:
    """An alert that fires since 19 minutes."""
    usual: dict[str, Any] = {
        "id": "A1s.ga_purchase.1",
        "key": "A1s:ga_purchase",
        "rule": "A1s",
        "severity": severity,
        "state": AlertState.FIRING,
        "episode": 1,
        "pending_since": NOW - timedelta(minutes=20),
        "fired_at": NOW - timedelta(minutes=19),
        "summary": "payment fails at us-east and us-west",
        "title": "GA purchase: payment fails",
        "journey": "ga_purchase",
    }
    return Alert(**{**usual, **facts})


def a_day(journey: str, start: datetime, *, passed: int = 288, failed: int = 0) -> Rollup:
    """The runs of a day."""
    counts = {"passed": passed, "failed": failed}
    return Rollup(
        width_s=86_400, start=start, journey=journey, location="us-east", counts=counts, durations={}, steps={}
    )


@cache
def a_usual_shop(path: str, key: str | None = None) -> dict[Key, list[Bucket]]:
    """What a dashboard asks for of `a_shop`, in one range; made once, because every widget is drawn from it."""
    view = a_view(path, **({"range": key} if key else {}))
    return rolled_up(_usual_samples(), view, path)


@cache
def _usual_samples() -> tuple[Sample, ...]:
    return tuple(a_shop())


def a_shop(*, now: datetime = NOW, days: int = 30, quiet_since: datetime | None = None) -> Iterator[Sample]:
    """What all sources bring of a shop that sells in the business's day; nothing after `quiet_since`."""
    end = quiet_since or now
    at = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    hour = 0
    while at < end:
        here = at.astimezone(CHICAGO)
        if 8 <= here.hour <= 21:
            yield from _sold(at, hour)
        yield from _visited(at, hour, busy=8 <= here.hour <= 21)
        at += timedelta(hours=1)
        hour += 1
    yield from _lately(end)


def _sold(at: datetime, hour: int) -> Iterator[Sample]:
    city, tier = CITIES[hour % 3], "vip" if hour % 4 == 0 else "ga"
    member = "yes" if hour % 5 < 2 else "no"
    minor = 150_000 if tier == "vip" else 100_000
    its = labels(city=city, member=member, tier=tier)
    money = labels(city=city, currency="usd", member=member, tier=tier)
    yield Sample(metric="stripe_sessions_completed", at=at, value=2, labels=its)
    yield Sample(metric="stripe_charged_minor", at=at, value=2 * minor, labels=labels(currency="usd"))
    yield Sample(metric="stripe_orders_minor", at=at, value=2 * minor, labels=money)
    if hour % 20 == 0:
        yield Sample(metric="stripe_sessions_expired", at=at, value=1, labels=its)
    channel = ("instagram", "email", "unknown")[hour % 3]
    yield Sample(metric="app_channel_payments", at=at, value=2, labels=labels(channel=channel))
    yield Sample(metric="sms_delivered", at=at, value=4)
    yield Sample(metric="sms_no_receipt", at=at, value=hour % 3)
    yield Sample(metric="sms_failed", at=at, value=float(hour % 97 == 0))


def _visited(at: datetime, hour: int, *, busy: bool) -> Iterator[Sample]:
    views = 40 + hour % 7 if busy else 5
    steps = {
        "page_view": 1.0,
        "form_start": 0.3,
        "ticket_selection": 0.2,
        "checkout_start": 0.1,
        "payment_complete": 0.08,
    }
    for step, share in steps.items():
        yield Sample(metric="app_funnel_steps", at=at, value=round(views * share), labels=labels(step=step))


def _lately(end: datetime) -> Iterator[Sample]:
    first = end.replace(second=0, microsecond=0) - timedelta(hours=8)
    for number in range(96):
        at = first + number * timedelta(minutes=5)
        for endpoint in ("/api/create-checkout-session", "/api/inventory"):
            its = labels(endpoint=endpoint, method="POST")
            yield Sample(metric="app_requests", at=at, value=20, labels=its)
            if number % 31 == 7:
                yield Sample(metric="app_5xx_requests", at=at, value=2, labels=its)
        yield Sample(metric="stripe_webhooks_pending", at=at, value=float(number % 3 == 0))
        yield Sample(metric="stripe_webhooks_oldest_pending_seconds", at=at, value=float(number % 9))
        for place, city in enumerate(CITIES):
            for tier, left, seats in (("ga", 112 - 40 * place, 500), ("vip", 2 + 10 * place, 120)):
                its = labels(city=city, tier=tier)
                yield Sample(metric="inventory_remaining_tickets", at=at, value=left, labels=its)
                yield Sample(metric="inventory_seats", at=at, value=seats, labels=its)


def requests_of_an_hour() -> dict[str, list[float]]:
    """Seconds of the browser's requests by endpoint."""
    return {
        "/api/create-checkout-session": [0.6 + 0.02 * n for n in range(36)],
        "/success": [0.5 + 0.02 * n for n in range(36)],
        "/register": [0.9 + 0.02 * n for n in range(36)],
        "/api/inventory": [0.05] * 5,
    }


def typical(path: str, **more: Any) -> Numbers:
    """A day on which all is well."""
    midnight = NOW.replace(hour=0, minute=0)
    days = [a_day(j, midnight - timedelta(days=n)) for j in ("ga_purchase", "vip_member_discount") for n in range(80)]
    usual: dict[str, Any] = {
        "run_at": NOW - timedelta(seconds=22),
        "days": days,
        "requests": requests_of_an_hour(),
        "judged_at": NOW,
    }
    return numbers_of(path, **{**usual, "buckets": a_usual_shop(path), **more})


def fill(store: Store, told: Iterable[Sample], *, now: datetime, sources: Mapping[str, datetime] | None = None) -> None:
    """Put samples into a store, and note when each source brought something."""
    with store.write() as connection:
        samples.save(connection, told, now=now)
        for source, at in (sources or dict.fromkeys(SOURCES, now)).items():
            feeds.note_good(connection, source, at)
