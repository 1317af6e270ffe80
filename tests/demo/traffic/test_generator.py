"""The generator is a pure function of seed and time, and tells what the sources can read."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from demo.shop import ShopSettings
from demo.traffic import Generator, Records
from demo.traffic.live import log_line
from sources.events import read_event
from sources.log_lines import event_in
from sources.sms import count_messages
from sources.stripe_events import EventFilter, count_events
from sources.stripe_events import read_event as read_stripe_event
from tests.demo.traffic.watching import ZONE, a_generator

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
ENDS = NOW.timestamp()
HOUR = 3600.0


def joined(parts: list[Records]) -> dict[str, list[str]]:
    """Everything of some spans, each list in an order of its own."""
    return {
        field.name: sorted(json.dumps(one) for part in parts for one in getattr(part, field.name))
        for field in fields(Records)
    }


@pytest.mark.parametrize("cut", [0.0, 0.001, 1.0, 61.5, 1799.9, 3599.0])
def test_spans_that_follow_one_another_make_what_the_whole_makes(cut: float) -> None:
    begins = ENDS - HOUR
    parts = [a_generator().between(begins, begins + cut), a_generator().between(begins + cut, ENDS)]
    assert joined(parts) == joined([a_generator().between(begins, ENDS)])


def test_the_same_seed_makes_the_same_whenever_it_is_asked() -> None:
    shop = ShopSettings(stripe_api_base="", stripe_key="", webhook_secret="")
    first, second, other = (Generator(ZoneInfo(ZONE), shop, seed=seed) for seed in ("a", "a", "b"))
    second.between(ENDS - 40 * HOUR, ENDS - 39 * HOUR)
    spans = [joined([one.between(ENDS - HOUR, ENDS)]) for one in (first, second, other)]
    assert spans[0] == spans[1]
    assert spans[0] != spans[2]


def test_an_empty_span_has_nothing() -> None:
    assert not any(joined([a_generator().between(ENDS, ENDS)]).values())


def test_a_day_is_busiest_in_the_evening_of_the_business_and_a_week_on_friday() -> None:
    orders = [at for at, _ in a_generator().orders(ENDS - 28 * 24 * HOUR, ENDS)]
    local = [datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(ZONE)) for at in orders]
    by_hour, by_weekday = Counter(at.hour for at in local), Counter(at.weekday() for at in local)
    assert by_hour.most_common(1)[0][0] == 19
    assert 1.6 < by_hour[19] / by_hour[3] < 2.4
    assert by_weekday.most_common(1)[0][0] == 4
    assert len(orders) / 28 == pytest.approx(240, rel=0.05)


def test_each_id_is_one_records_alone() -> None:
    found = a_generator().between(ENDS - 6 * HOUR, ENDS)
    for ids in (
        [one["id"] for one in (*found.events, *found.log)],
        [one["id"] for one in found.stripe],
        [one["sid"] for one in found.texts],
    ):
        assert ids
        assert len(set(ids)) == len(ids)


def test_the_sources_read_every_record() -> None:
    found = a_generator().between(ENDS - 12 * HOUR, ENDS)
    events = [read_event(one, now=NOW) for one in found.events]
    assert len(events) == len(found.events)
    lines = [event_in(json.dumps(log_line(one)), id_="x", now=NOW) for one in found.log]
    assert [line and (line.name, line.at.isoformat()[:19]) for line in lines] == [
        (one["name"], one["at"][:19]) for one in found.log
    ]
    told = [read_stripe_event(one, EventFilter()) for one in found.stripe]
    assert None not in told
    counted = {sample.metric for sample in count_events([one for one in told if one is not None])}
    assert {"stripe_charged_minor", "stripe_sessions_completed", "stripe_sessions_expired", "stripe_refunds"} <= counted
    delivered = [sample for sample in count_messages(found.texts, now=NOW) if sample.metric == "sms_delivered"]
    assert sum(sample.value for sample in delivered) > 0.95 * len(found.texts) - 10


def test_what_is_sold_is_paid_told_and_taken_out_of_the_inventory() -> None:
    found = a_generator().between(ENDS - 24 * HOUR, ENDS)
    paid = [one["amount_minor"] for one in found.events if one["name"] == "payment_successful"]
    charged = [one["data"]["object"]["amount"] for one in found.stripe if one["type"] == "charge.succeeded"]
    assert sorted(paid) == sorted(charged)
    assert len(found.sales) == len(paid)
    assert sum(paid) / len(paid) == pytest.approx(120_000, rel=0.05)
