"""What a source still knows of its past is filled in: whole, once, within the allowance, and with a word on what is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from facts import FeedState
from hub.backfill import backfill
from hub.collect import collect_once
from hub.kept_series import KeptSeries
from sla.calendar import Calendar
from sla.targets import LoadPlan
from sources import SOURCES, WITHOUT_PAST, PastSource, SourceError, SourceSettings
from sources.stripe import PAGE
from store import Store, cursors, events, samples
from tests.sources.stripe_account import NOW, FakeStripe, an_event
from tests.sources.test_sms import NOW as SMS_NOW
from tests.sources.test_sms import FakeTwilio, sms

_DAY_S = 86_400
CHARGED = "stripe_charged_minor"


def charges(*days_ago: float, **more: Any) -> list[dict[str, Any]]:
    """A charge so many days ago each, oldest first."""
    return [an_event("charge.succeeded", ago_s=int(ago * _DAY_S), **more) for ago in sorted(days_ago, reverse=True)]


def sums(store: Store, metric: str, now: datetime = NOW) -> float:
    with store.read() as connection:
        found = samples.read(connection, metric, since=now - timedelta(days=40))
    return sum(value for one in found for _, value in one.points)


def cursor(store: Store, name: str = "stripe") -> Any:
    with store.read() as connection:
        return cursors.get(connection, name).cursor


def test_every_source_can_read_its_past_or_says_why_not() -> None:
    settings = SourceSettings(base_url="http://shop.test")
    for kind in SOURCES:
        source = kind(settings)
        assert isinstance(source, PastSource) != (kind.name in WITHOUT_PAST)
        source.close()


def test_events_of_a_month_count_once_however_often_and_beside_the_usual_readings(store: Store) -> None:
    stripe = FakeStripe(charges(29, 20, 20, 6.5, 3, 0.5))
    source = stripe.source()
    collect_once(store, source, NOW)
    assert sums(store, CHARGED) == 100_000
    before = cursor(store)
    for _ in range(2):
        filled = backfill(store, source, since=NOW - source.past, now=NOW)
        assert (filled.missing, filled.since) == (None, NOW - source.past)
        assert sums(store, CHARGED) == 600_000
    assert filled.events == 0
    assert cursor(store)["after"] == before["after"]
    collect_once(store, source, NOW + timedelta(minutes=5))
    assert sums(store, CHARGED) == 600_000
    with store.read() as connection:
        assert len(events.read(connection, since=NOW - timedelta(days=40))) == 2, (
            "older ones would only be deleted again"
        )
        days = samples.read_rollups(connection, CHARGED, width_s=_DAY_S, since=NOW - timedelta(days=40))
    assert [day.sum for day in days] == [100_000, 200_000, 100_000, 100_000, 100_000]


def test_only_what_was_asked_for_is_read(store: Store) -> None:
    stripe = FakeStripe(charges(29, 20, 3))
    backfill(store, stripe.source(), since=NOW - timedelta(days=21), now=NOW)
    assert sums(store, CHARGED) == 200_000


def test_the_reads_are_counted_and_leave_the_usual_readings_theirs(store: Store) -> None:
    stripe = FakeStripe(charges(*(n / 20 for n in range(1, 3 * PAGE + 1))))
    source = stripe.source(stripe_every_s=300, stripe_reads=8_642)
    filled = backfill(store, source, since=NOW - source.past, now=NOW)
    assert (filled.reads, len(stripe.asked)) == (2, 2)
    assert filled.missing is not None
    assert "no more than 2 reads" in filled.missing
    assert filled.since == NOW - timedelta(days=10) + timedelta(seconds=1)
    assert sums(store, CHARGED) == 100_000 * (2 * PAGE - 1), "of the second in which it ended a part may be missing"
    assert (sum(cursor(store)["reads"].values()), sum(cursor(store)["past_reads"].values())) == (2, 2)
    with pytest.raises(SourceError, match="no read is left for the past: 8,642 are allowed in 30 days"):
        backfill(store, source, since=NOW - source.past, now=NOW)
    collect_once(store, source, NOW)
    assert sum(cursor(store)["reads"].values()) > 2, "the usual readings go on"


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (httpx.Response(429, json={"error": {"code": "lock_timeout"}}), "Stripe limits this account's reads"),
        (httpx.Response(403, json={"error": {"message": "rak_event_read"}}), "the key may not read events"),
        (httpx.Response(200, text="<html>"), "no JSON object"),
        (httpx.Response(200, json={"data": [None], "has_more": True}), "what is no event"),
        (httpx.ReadTimeout("slow"), "no answer"),
    ],
)
def test_a_page_that_fails_ends_it_with_what_was_read_before(
    store: Store, refusal: httpx.Response | httpx.HTTPError, says: str
) -> None:
    stripe = FakeStripe(charges(*(n / 20 for n in range(1, 2 * PAGE + 1))))

    def answer(request: httpx.Request) -> httpx.Response:
        if "starting_after" in request.url.params and refusal not in stripe.refusals:
            stripe.refusals.append(refusal)
        return stripe.answer(request)

    source = stripe.source()
    source._client = httpx.Client(transport=httpx.MockTransport(answer))
    filled = backfill(store, source, since=NOW - source.past, now=NOW)
    assert filled.missing is not None
    assert says in filled.missing
    assert filled.reads == 2
    assert sums(store, CHARGED) == 100_000 * (PAGE - 1)


def test_an_event_that_cannot_be_read_is_told_and_the_others_count(store: Store) -> None:
    bad = an_event("charge.succeeded", ago_s=10 * _DAY_S, amount=-5)
    stripe = FakeStripe([*charges(20), bad, *charges(8)])
    filled = backfill(store, stripe.source(), since=NOW - timedelta(days=30), now=NOW)
    assert filled.missing is not None
    assert "amount is -5" in filled.missing
    assert sums(store, CHARGED) == 200_000


def test_messages_of_past_days_count_once(store: Store) -> None:
    twilio = FakeTwilio(
        [sms(f"SM{n}", minutes_ago=minutes) for n, minutes in enumerate((10, 1500, 12_000, 12_001, 40_000))]
    )
    source = twilio.source()
    collect_once(store, source, SMS_NOW)
    assert sums(store, "sms_delivered", SMS_NOW) == 2
    for _ in range(2):
        filled = backfill(store, source, since=SMS_NOW - source.past, now=SMS_NOW)
        assert filled.missing is None
        assert sums(store, "sms_delivered", SMS_NOW) == 5


def test_a_day_of_messages_that_cannot_be_read_ends_it(store: Store) -> None:
    twilio = FakeTwilio([sms("SM1"), sms("SM2", minutes_ago=1500), sms("SM3", date_sent="soon", minutes_ago=1500)])
    twilio.messages[2] |= {"date_sent": twilio.messages[1]["date_sent"], "status": None}
    filled = backfill(store, twilio.source(), since=SMS_NOW - timedelta(days=5), now=SMS_NOW)
    assert filled.missing is not None
    assert "a message without sid or status" in filled.missing
    assert filled.since == datetime(2026, 11, 30, tzinfo=UTC)
    assert sums(store, "sms_delivered", SMS_NOW) == 1


def test_the_hub_sees_what_was_filled_in_weeks_ago(store: Store) -> None:
    kept, feeds = KeptSeries(), {"stripe": FeedState(source="stripe", configured=True, last_good_at=NOW)}
    plan = LoadPlan(
        runs=timedelta(),
        details=timedelta(),
        endpoints=frozenset(),
        server_errors=False,
        third_parties=False,
        series={CHARGED: timedelta(hours=1)},
        weekly={CHARGED: (2, timedelta(hours=1))},
    )

    def points() -> int:
        with store.read() as connection:
            kept.look(connection, feeds)
            found = kept.series(connection, plan, now=NOW, until=NOW, calendar=Calendar(timezone="UTC"))
        return sum(len(one.points) for one in found[CHARGED])

    stripe = FakeStripe(charges(14.01, 7.01, 0.01))
    collect_once(store, stripe.source(), NOW)
    assert points() == 1
    backfill(store, stripe.source(), since=NOW - timedelta(days=30), now=NOW)
    assert points() == 3
