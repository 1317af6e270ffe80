"""Stripe's events: which number each makes, what is left out, how the list is read, and every way it can fail."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from config import ConfigError, Secret
from config.stripe_key import source_key
from demo.faults import Faults
from demo.stripe.account import StripeAccount
from demo.stripe.app import create_stripe
from demo.stripe.settings import StripeSettings
from facts import Event, Sample
from hub.collect import CollectResult, collect_once, reading_errors
from metrics import sample_errors
from metrics.catalogue import SAMPLED
from sources import SourceError, SourceSettings
from sources.stripe import MOST_PAGES, PAGE, StripeSource
from sources.stripe_events import OLDEST, TYPES, EventFilter, StripeEventError, count_events, read_event
from store import Store, events, feeds, samples
from tests.databases import a_migrated_store
from tests.sources.stripe_account import NOW, PATTERN, FakeStripe, an_event, an_order

COUNTED = EventFilter(email_pattern=PATTERN, cities={"Dallas": "dallas"}, live=False)
MORE: dict[str, Any] = {"outcome": {"type": "issuer_declined"}, "failure_code": "card_declined"}


def read(*told: dict[str, Any], counted: EventFilter = COUNTED) -> list[Event]:
    return [event for one in told if (event := read_event(one, counted)) is not None]


def sums(found: list[Sample]) -> dict[str, float]:
    """The sum of each metric over all labels and moments."""
    names = sorted({one.metric for one in found})
    return {name: sum(one.value for one in found if one.metric == name) for name in names}


def numbers(*told: dict[str, Any], counted: EventFilter = COUNTED) -> dict[str, float]:
    return sums(count_events(read(*told, counted=counted)))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            an_event("charge.succeeded"),
            {"stripe_payments_succeeded": 1, "stripe_charged_minor": 100_000, "stripe_charges": 1},
        ),
        (an_event("charge.failed", **MORE), {"stripe_payments_declined": 1}),
        (an_event("charge.failed", outcome={"type": "blocked"}), {"stripe_payments_failed": 1}),
        (an_event("charge.failed", outcome={"type": "invalid"}), {"stripe_payments_failed": 1}),
        (an_event("charge.failed", outcome=None), {"stripe_payments_failed": 1}),
        (an_event("charge.failed", outcome=None, failure_code="card_declined"), {"stripe_payments_declined": 1}),
        (
            an_event("charge.failed", outcome={"type": "issuer_declined"}, failure_code="processing_error"),
            {"stripe_payments_failed": 1},
        ),
        (an_event("payment_intent.payment_failed", last_payment_error={"charge": "ch_1", "type": "card_error"}), {}),
        (
            an_event(
                "payment_intent.payment_failed", last_payment_error={"type": "card_error", "code": "expired_card"}
            ),
            {"stripe_payments_declined": 1},
        ),
        (
            an_event(
                "payment_intent.payment_failed",
                last_payment_error={"type": "invalid_request_error", "code": "payment_intent_authentication_failure"},
            ),
            {"stripe_payments_declined": 1},
        ),
        (
            an_event("payment_intent.payment_failed", last_payment_error={"type": "api_error"}),
            {"stripe_payments_failed": 1},
        ),
        (an_event("charge.refunded", amount_refunded=500), {"stripe_refunds": 1, "stripe_refunded_minor": 500}),
        (
            an_event("charge.refunded", amount_refunded=500, previous={"amount_refunded": 200}),
            {"stripe_refunds": 1, "stripe_refunded_minor": 300},
        ),
        (an_event("charge.dispute.created"), {"stripe_disputes": 1, "stripe_disputed_minor": 100_000}),
        (
            an_order(),
            {"stripe_sessions_completed": 1, "stripe_orders_minor": 100_000, "stripe_priced_sessions": 1},
        ),
        (
            an_order(payment_status="unpaid", amount_total=120_000),
            {"stripe_sessions_completed": 1, "stripe_priced_sessions": 1},
        ),
        (
            an_event("checkout.session.expired", amount_total=120_000, currency="usd"),
            {"stripe_sessions_expired": 1, "stripe_priced_sessions": 1},
        ),
        (an_event("checkout.session.expired", amount_total="-1", currency="usd"), {"stripe_sessions_expired": 1}),
        (an_order(payment_status="unpaid", amount_total=None), {"stripe_sessions_completed": 1}),
        (
            an_event("checkout.session.async_payment_succeeded", payment_status="paid"),
            {"stripe_orders_minor": 100_000},
        ),
        (an_event("checkout.session.expired", amount_total=None), {"stripe_sessions_expired": 1}),
        (an_event("customer.created"), {}),
    ],
)
def test_each_event_makes_its_numbers(told: dict[str, Any], expected: dict[str, float]) -> None:
    assert numbers(told) == expected


def test_an_order_is_told_by_city_tier_and_member() -> None:
    money = [one for one in count_events(read(an_order())) if one.metric == "stripe_orders_minor"]
    assert [one.labels for one in money] == [
        (("city", "dallas"), ("currency", "usd"), ("member", "yes"), ("tier", "vip"))
    ]


@pytest.mark.parametrize(
    ("metadata", "city", "tier", "member"),
    [
        (None, "unknown", "unknown", "unknown"),
        ({"cityId": "", "ticketType": " ", "isSixFBMember": "maybe"}, "unknown", "unknown", "unknown"),
        ({"cityId": "Dallas", "ticketType": "GA", "isSixFBMember": "False"}, "dallas", "ga", "no"),
        ({"cityId": "atlantis", "ticketType": "x" * 101}, "other", "unknown", "unknown"),
        ({"cityId": "a\0b", "ticketType": 3}, "unknown", "unknown", "unknown"),
    ],
)
def test_an_order_whose_metadata_says_nothing_is_counted_as_unknown(
    metadata: Any, city: str, tier: str, member: str
) -> None:
    (event,) = read(an_order(metadata=metadata))
    assert [event.fields[key] for key in ("city", "tier", "member")] == [city, tier, member]


@pytest.mark.parametrize(
    "where",
    [
        {"billing_details": {"email": "synthetic+01ab-cd@example.com"}},
        {"customer_email": "Synthetic+01@Example.com"},
        {"customer_details": {"email": " synthetic+01@example.com "}},
        {"receipt_email": "synthetic+01@example.com"},
        {"last_payment_error": {"payment_method": {"billing_details": {"email": "synthetic+01@example.com"}}}},
        {"metadata": {"email": "synthetic+01@example.com"}},
    ],
)
@pytest.mark.parametrize("kind", TYPES)
def test_the_synthetic_buyer_is_left_out_wherever_the_address_stands(kind: str, where: dict[str, Any]) -> None:
    assert read(an_event(kind, **where)) == []


@pytest.mark.parametrize(
    "email", ["synthetic@example.com", "synthetic+a b@example.com", "ann.synthetic+01@example.com"]
)
def test_another_buyer_with_a_similar_address_counts(email: str) -> None:
    assert numbers(an_event("charge.succeeded", billing_details={"email": email}))["stripe_payments_succeeded"] == 1


def test_a_pattern_without_a_place_for_the_run_is_the_address_itself() -> None:
    counted = replace(COUNTED, email_pattern="robot@example.com")
    of: dict[str, Any] = {"receipt_email": "robot@example.com"}
    assert numbers(an_event("charge.succeeded", **of), counted=counted) == {}
    assert numbers(an_event("charge.succeeded"), counted=counted) != {}


def test_events_of_the_other_mode_are_left_out() -> None:
    live = {**an_event("charge.succeeded"), "livemode": True}
    assert numbers(live) == {}
    assert numbers(live, counted=replace(COUNTED, live=True)) != {}
    assert numbers(live, counted=replace(COUNTED, live=None)) != {}


def test_nothing_personal_is_kept() -> None:
    (event,) = read(
        an_order(customer_details={"email": "ann@buyer.test", "name": "Ann Buyer", "phone": "+15551234567"})
    )
    assert set(event.fields) == {"paid", "price", "amount", "currency", "city", "tier", "member"}
    assert "ann" not in str(event).lower()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ([], "no event of Stripe's"),
        ({"object": "charge"}, "no event of Stripe's"),
        ({**an_event("charge.succeeded"), "id": "x"}, "begins with evt_"),
        ({**an_event("charge.succeeded"), "type": None}, "has no type"),
        ({**an_event("charge.succeeded"), "created": "now"}, "no time in seconds"),
        ({**an_event("charge.succeeded"), "created": 10**11}, "no time in seconds"),
        ({**an_event("charge.succeeded"), "data": []}, "tells of no object"),
        (an_event("charge.succeeded", amount=10.5), "no amount in minor units"),
        (an_event("charge.succeeded", amount=-1), "no amount in minor units"),
        (an_event("charge.succeeded", currency="dollars"), "none of three letters"),
        (an_order(amount_total=None), "amount_total is None"),
    ],
)
def test_what_is_no_event_of_stripe_is_told(told: Any, says: str) -> None:
    with pytest.raises(StripeEventError, match=says):
        read_event(told, COUNTED)


def test_the_same_events_make_the_same_samples_in_any_order_and_however_often() -> None:
    found = read(*(an_event("charge.succeeded", ago_s=n % 3) for n in range(50)))
    shuffled = [*found, *found]
    random.Random(7).shuffle(shuffled)
    assert count_events(shuffled) == count_events(found)
    assert sums(count_events(found))["stripe_payments_succeeded"] == 50


def test_every_number_it_brings_is_in_the_catalogue_and_every_one_of_the_catalogue_is_brought() -> None:
    stripe = FakeStripe([an_event(kind, amount_refunded=1) for kind in TYPES])
    stripe.events += [an_order(), an_event("charge.failed", **MORE)]
    collected = stripe.source().collect(None, NOW)
    found = [*collected.samples, *count_events(list(collected.events))]
    assert reading_errors(collected, "stripe") == []
    assert sample_errors(found, source="stripe") == []
    assert {one.metric for one in found} == {metric.name for metric in SAMPLED if metric.source == "stripe"}


# How the list is read.


def test_a_reading_is_one_request_that_names_the_types_and_goes_on_behind_the_last_event() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=ago) for ago in (9000, 8000, 7000)])
    source = stripe.source()
    first = source.collect(None, NOW)
    assert len(first.events) == 3
    stripe.events.append(an_event("charge.failed", ago_s=-30))
    second = source.collect(first.cursor, NOW + timedelta(minutes=5))
    assert [event.name for event in second.events] == ["charge.failed"]
    assert len(stripe.asked) == 2
    assert stripe.asked[0].params.get_list("types[]") == list(TYPES)
    assert stripe.asked[0].params["created[gte]"] == str(int((NOW - timedelta(days=1)).timestamp()))
    assert "ending_before" in stripe.asked[1].params


def test_recent_events_and_those_whose_webhook_waits_are_read_again_in_the_same_request() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=9000)])
    stripe.events.append(an_event("charge.succeeded", ago_s=8000, pending_webhooks=1, event_id="evt_waits"))
    stripe.events += [an_event("charge.succeeded", ago_s=ago) for ago in (7000, 60)]
    source = stripe.source()
    first = source.collect(None, NOW)
    assert sums(list(first.samples))["stripe_webhooks_oldest_pending_seconds"] == 8000
    stripe.events[1]["pending_webhooks"] = 0
    second = source.collect(first.cursor, NOW)
    assert [event.id for event in second.events] == [row["id"] for row in stripe.events[1:]]
    assert sums(list(second.samples)) == {
        "stripe_webhooks_pending": 0,
        "stripe_webhooks_oldest_pending_seconds": 0,
        "stripe_source_reads": 2,
    }
    assert len(stripe.asked) == 2


def test_an_event_that_is_listed_late_is_found() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=ago) for ago in (9000, 60)])
    source = stripe.source()
    first = source.collect(None, NOW)
    stripe.events.insert(1, an_event("charge.succeeded", ago_s=70, event_id="evt_late"))
    second = source.collect(first.cursor, NOW)
    assert "evt_late" in [event.id for event in second.events]


def test_every_page_is_read_where_there_are_more() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=9000)])
    source = stripe.source()
    cursor = source.collect(None, NOW).cursor
    stripe.events += [an_event("charge.succeeded", ago_s=0) for _ in range(250)]
    second = source.collect(cursor, NOW)
    assert (len(second.events), second.incomplete, len(stripe.asked)) == (250, None, 4)


@pytest.mark.parametrize("first_of_all", [True, False])
def test_a_reading_that_cannot_reach_the_newest_event_says_so_and_the_next_one_goes_on(first_of_all: bool) -> None:
    stripe = FakeStripe([] if first_of_all else [an_event("charge.succeeded", ago_s=9000)])
    source = stripe.source()
    cursor = None if first_of_all else source.collect(None, NOW).cursor
    n = MOST_PAGES * PAGE + 250
    stripe.events += [an_event("charge.succeeded", ago_s=n - i) for i in range(n)]
    cut = source.collect(cursor, NOW)
    assert "events were read" in (cut.incomplete or "")
    assert (len(cut.events), list(cut.samples)) == (MOST_PAGES * PAGE, [])
    rest = source.collect(cut.cursor, NOW)
    assert rest.incomplete is None
    seen = {event.id for one in (cut, rest) for event in one.events}
    newest = {row["id"] for row in stripe.events[-MOST_PAGES * PAGE :]}
    assert seen >= (newest if first_of_all else {row["id"] for row in stripe.events[1:]})


def test_a_cursor_that_stripe_does_not_list_any_more_is_no_end() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=60)])
    cursor = {"after": "evt_of_last_year", "since": 0, "reads": {}}
    collected = stripe.source().collect(cursor, NOW)
    assert len(collected.events) == 1
    assert stripe.asked[-1].params["created[gte]"] == str(int((NOW - OLDEST).timestamp()))
    assert stripe.source().collect({**cursor, "after": "evt_gone"}, NOW).cursor["after"] is None


def test_an_event_that_cannot_be_read_is_told_and_the_others_count() -> None:
    stripe = FakeStripe([an_event("charge.succeeded", amount="a lot"), an_event("charge.succeeded")])
    collected = stripe.source().collect(None, NOW)
    assert len(collected.events) == 1
    assert "1 events could not be read" in (collected.incomplete or "")


def test_it_reads_the_stand_in() -> None:
    account = StripeAccount(StripeSettings(secret_key="sk_test_shop", webhook_secret="whsec_x"))
    account.emit("charge.succeeded", {"id": "ch_1", "amount": 5, "currency": "usd", "livemode": False})
    told = SourceSettings(
        base_url="https://shop.test", stripe_key=Secret("rk_test_reader_1"), stripe_base="http://testserver"
    )
    with TestClient(create_stripe(account, Faults())) as client:
        collected = StripeSource(told, client).collect(None, NOW.fromtimestamp(account.now, NOW.tzinfo))
    assert [event.name for event in collected.events] == ["charge.succeeded"]


# How it fails.


def refusal(status: int, message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": message}}, headers=headers)


@pytest.mark.parametrize(
    ("answer", "says", "permanent", "wait_s"),
    [
        (refusal(401, "Invalid API Key provided: rk_test_of_the_source"), "does not know this key", True, None),
        (refusal(403, "Having the 'rak_event_read' permission would allow this"), "rak_event_read", True, None),
        (refusal(403), "the right to read Events", True, None),
        (refusal(429), "limits this account", False, 60.0),
        (refusal(429, **{"Retry-After": "7"}), "limits this account", False, 7.0),
        (refusal(500), "500", False, None),
        (httpx.Response(503, text="<html>"), "503", False, None),
        (httpx.Response(200, text="<html>"), "no JSON object", False, None),
        (httpx.Response(200, json={"data": {}}), "no list of events", False, None),
        (httpx.Response(200, json={"data": [], "has_more": True}), "no list of events", False, None),
        (httpx.Response(200, json={"data": [3], "has_more": False}), "what is no event", False, None),
        (httpx.ReadTimeout("rk_test_of_the_source"), "no answer", False, None),
    ],
)
def test_a_refusal_is_no_number(answer: Any, says: str, permanent: bool, wait_s: float | None) -> None:
    source = FakeStripe(refusals=[answer]).source()
    with pytest.raises(SourceError, match=says) as caught:
        source.collect(None, NOW)
    assert (caught.value.permanent, caught.value.retry_after_s) == (permanent, wait_s)
    assert "rk_test_of_the_source" not in str(caught.value)


def test_reads_are_counted_failed_ones_too_and_end_with_the_budget() -> None:
    stripe = FakeStripe(refusals=[refusal(500)])
    source = stripe.source(stripe_reads=3)
    with pytest.raises(SourceError, match="500"):
        source.collect(None, NOW)
    first = source.collect(None, NOW)
    assert sums(list(first.samples))["stripe_source_reads"] == 2
    second = source.collect(first.cursor, NOW)
    with pytest.raises(SourceError, match="all that stripe_reads allows") as caught:
        source.collect(second.cursor, NOW)
    assert caught.value.retry_after_s == 3600
    assert len(stripe.asked) == 3
    assert source.collect(second.cursor, NOW + timedelta(days=31)).incomplete is None


# What is configured.


def test_it_is_on_where_there_is_a_key() -> None:
    told = SourceSettings(base_url="https://shop.test")
    assert StripeSource.configured(told) == "STRIPE_SOURCE_KEY is not set"
    assert StripeSource.configured(replace(told, stripe_key=Secret("rk_test_1"))) is None


@pytest.mark.parametrize(
    ("key", "says"), [("sk_live_1", "only reads"), ("pk_live_1", "only reads"), ("whsec_1", "no Stripe key")]
)
def test_a_key_that_can_do_more_than_read_is_refused(key: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(key)
    for environment in ({"STRIPE_SOURCE_KEY": key}, {"STRIPE_SOURCE_KEY_FILE": str(file)}):
        with pytest.raises(ConfigError, match=says):
            source_key(environment)


def test_a_live_key_is_never_sent_to_a_stand_in() -> None:
    environment = {"STRIPE_SOURCE_KEY": "rk_live_1", "STRIPE_API_BASE": "http://127.0.0.1:12111"}
    with pytest.raises(ConfigError, match="stand-in"):
        source_key(environment)
    assert source_key({**environment, "STRIPE_SOURCE_KEY": "rk_test_1"}) == Secret("rk_test_1")


# What the hub keeps of it.


def total(store: Store, metric: str) -> float:
    with store.read() as connection:
        series = samples.read(connection, metric, since=NOW - timedelta(days=30))
    return sum(value for one in series for _, value in one.points)


def test_an_event_counts_once_however_often_it_is_read(tmp_path: Path) -> None:
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=60) for _ in range(3)])
    with a_migrated_store(None, tmp_path) as store:
        for minutes in range(4):
            stripe.events.append(an_event("charge.succeeded", ago_s=60))  # of the same second as the others
            assert collect_once(store, stripe.source(), NOW + timedelta(minutes=minutes)).events
        assert total(store, "stripe_payments_succeeded") == 7
        assert total(store, "stripe_charged_minor") == 700_000
        again = collect_once(store, stripe.source(), NOW + timedelta(minutes=9))
        assert (again.result, again.events) == (CollectResult.COLLECTED, 0)
        assert total(store, "stripe_payments_succeeded") == 7


def test_a_cut_reading_is_saved_and_is_no_good_one(tmp_path: Path) -> None:
    n = MOST_PAGES * PAGE + 50
    stripe = FakeStripe([an_event("charge.succeeded", ago_s=n - i) for i in range(n)])
    with a_migrated_store(None, tmp_path) as store:
        reading = collect_once(store, stripe.source(), NOW)
        assert reading.result is CollectResult.FAILED
        with store.read() as connection:
            feed = feeds.states(connection)["stripe"]
            kept = events.read(connection, since=NOW - OLDEST, source="stripe")
        assert (feed.last_good_at, feed.last_error) == (None, reading.error)
        assert len(kept) == MOST_PAGES * PAGE
        assert collect_once(store, stripe.source(), NOW).result is CollectResult.COLLECTED
