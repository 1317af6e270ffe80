"""An event is read from its JSON, checked key by key, bounded, and rid of personal data; what is wrong with one is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Event
from redact.personal import is_personal_key, mask_personal
from sources.events import EventError, endpoint_of, read_events, split_batch

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def an_event(id_: str = "e1", **more: Any) -> dict[str, Any]:
    return {"id": id_, "at": NOW.isoformat(), "level": "info", "name": "checkout_session_created", **more}


def read(body: bytes | str) -> list[tuple[str | None, Event | EventError]]:
    text = body if isinstance(body, str) else body.decode("utf-8", "surrogateescape")
    return list(read_events(split_batch(text), now=NOW))


BAD: list[tuple[dict[str, Any] | bytes, str]] = [
    ({"id": None}, "id: must be"),
    ({"id": ""}, "id: must be"),
    ({"id": 7}, "id: must be"),
    ({"id": "x" * 201}, "id: must be"),
    ({"id": "a\u202eb"}, "id: must be"),
    ({"at": None}, "at: is missing"),
    ({"at": "yesterday"}, "at: 'yesterday' is no moment"),
    ({"at": 1_700_000_000}, "is no moment"),
    ({"at": "2026-11-30T12:00:00"}, "has no zone"),
    ({"at": "9999-12-31T23:59:59Z"}, "in the hub's future"),
    ({"at": "0001-01-01T00:00:00+14:00"}, "at: "),
    ({"level": "loud"}, "level: 'loud' is none of"),
    ({"level": 3}, "level: '3' is none of"),
    ({"name": None}, "name: is missing"),
    ({"name": "two\nlines"}, "name: must be one line"),
    ({"name": "x" * 101}, "name: must be one line"),
    ({"name": {"a": 1}}, "name: must be a text"),
    ({"category": ["a"]}, "category: must be a text"),
    ({"amount_minor": -1, "currency": "usd"}, "amount_minor: must be 0 to"),
    ({"amount_minor": 10**13, "currency": "usd"}, "amount_minor: must be 0 to"),
    ({"amount_minor": 10.5, "currency": "usd"}, "amount_minor: must be a whole number"),
    ({"amount_minor": "100", "currency": "usd"}, "amount_minor: must be a whole number"),
    ({"amount_minor": True, "currency": "usd"}, "amount_minor: must be a whole number"),
    ({"amount_minor": 100}, "currency: is missing beside amount_minor"),
    ({"price_minor": -5, "currency": "usd"}, "price_minor: must be 0 to"),
    ({"price_minor": 5}, "currency: is missing beside price_minor"),
    ({"amount_minor": 100, "currency": ["usd", "eur"]}, "currency: must be the three letters of one"),
    ({"amount_minor": 100, "currency": "usd,eur"}, "currency: must be the three letters of one"),
    ({"status": 99}, "status: must be 100 to 599"),
    ({"status": "500"}, "status: must be a whole number"),
    ({"duration_ms": -0.1}, "duration_ms: must be 0 to"),
    ({"duration_ms": "fast"}, "duration_ms: must be a number"),
    ({"endpoint": "api/x"}, "endpoint: must be a path"),
    ({"method": "GET /"}, "method: must be a method"),
    ({"is_member": "yes"}, "is_member: must be true or false"),
    ({"score": "good"}, "score: must be a number"),
    ({"city": 5}, "city: must be a text"),
    ({"note": "x" * 17_000}, "larger than 16 KiB"),
    (b"not json", "is not JSON"),
    (b"{", "is not JSON"),
    (b'"text"', "no JSON object"),
    (b"17", "no JSON object"),
    (b'{"id": "\xff", "name": "x"}', "is not UTF-8"),
    (b'{"id": "a", "amount_minor": NaN}', "NaN is no number"),
    (b'{"id": "a", "currency": "usd", "currency": "eur"}', "'currency': stands in the event twice"),
    (b'{"id": "a", "score": 1e999}', "score: must be a number"),
    (b'{"a":' * 3000 + b"1" + b"}" * 3000, ""),
]


@pytest.mark.parametrize(("bad", "says"), BAD)
def test_a_bad_record_is_told_and_those_around_it_are_read(bad: dict[str, Any] | bytes, says: str) -> None:
    record = bad if isinstance(bad, bytes) else json.dumps(an_event("bad") | bad).encode()
    good = [json.dumps(an_event(id_)).encode() for id_ in ("first", "last")]
    first, (told, error), last = read(b"\n".join([good[0], record, good[1]]))
    assert isinstance(first[1], Event)
    assert isinstance(last[1], Event)
    assert isinstance(error, EventError)
    assert says in str(error)
    assert told is None or len(told) <= 200


def test_one_bad_record_in_an_array_costs_itself_alone() -> None:
    good = json.dumps(an_event()).encode()
    found = read(b'[{"id": "x\xff"}, ' + good + b", 5]")
    assert [isinstance(one, Event) for _, one in found] == [False, True, False]


@pytest.mark.parametrize("rest", [b"", b", ", b", nonsense]", b" x]", b"] x", b", " + b"[" * 50_000])
def test_an_array_that_is_broken_is_told_at_the_place_and_what_came_before_is_read(rest: bytes) -> None:
    (_, first), (_, error) = read(b"[" + json.dumps(an_event()).encode() + rest)
    assert isinstance(first, Event)
    assert isinstance(error, EventError)
    assert "array" in str(error)


@pytest.mark.parametrize(
    ("level", "days", "is_taken"),
    [
        ("info", 6.9, True),
        ("debug", 7.1, False),
        ("warn", 29, True),
        ("warning", 31, False),
        ("error", 33, True),
        ("fatal", 35, False),
    ],
)
def test_an_event_older_than_it_is_kept_is_not_taken_because_it_could_count_twice(
    level: str, days: float, is_taken: bool
) -> None:
    record = an_event(at=(NOW - timedelta(days=days)).isoformat(), level=level)
    ((_, found),) = read(json.dumps(record))
    assert isinstance(found, Event) is is_taken


@pytest.mark.parametrize(("ahead_s", "is_of_the_future"), [(59, None), (61, True)])
def test_an_event_may_be_a_minute_ahead(ahead_s: float, is_of_the_future: bool | None) -> None:
    ((_, found),) = read(json.dumps(an_event(at=(NOW + timedelta(seconds=ahead_s)).isoformat())))
    assert getattr(found, "is_of_the_future", None) is is_of_the_future


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("/api/cities/12?q=1#x", "/api/cities/{id}"),
        ("https://shop.test/b/550e8400-e29b-41d4-a716-446655440000", "/b/{id}"),
        ("/s/cs_test_a1b2c3d4e5", "/s/{id}"),
        ("/api/create-checkout-session", "/api/create-checkout-session"),
        ("/api/webhooks/stripe", "/api/webhooks/stripe"),
        ("/api/api_documentation", "/api/api_documentation"),
        ("https://shop.test", "/"),
        ("/", "/"),
    ],
)
def test_an_endpoint_has_no_ids_and_no_query(address: str, endpoint: str) -> None:
    assert endpoint_of(address) == endpoint


@pytest.mark.parametrize(
    "personal",
    [
        "ann@example.com",
        "ann%40example.com",
        "a.b+c@mail.example.co.uk",
        "+1 352 555 0123",
        "+49 (30) 1234-5678",
        "0049 30 123456",
        "(352) 555-0123",
        "352.555.0123",
        "3525550123",
        "13525550123",
        "020 7946 0958",
        "4111 1111 1111 1111",
        "4111111111111111",
        "10.0.0.1",
        "fe80::1ff:fe23:4567:890a",
        "2001:db8:0:0:0:0:0:1",
        "sk_live_abcdefgh",
    ],
)
@pytest.mark.parametrize("around", ["{}", "of {} at noon", '"{}",', "x={}&y=1", "<{}>"])
def test_personal_data_is_masked_wherever_it_stands(personal: str, around: str) -> None:
    masked = mask_personal(around.format(personal))
    assert personal not in masked
    assert "***" in masked
    assert mask_personal(masked) == masked


@pytest.mark.parametrize(
    "harmless",
    [
        "1733000000",
        "1733000000123",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-30T12:00:00Z",
        "12:30:45",
        "4242424242424242",
        "cs_test_a1b2c3",
        "evt_1QABC2352555012",
        "v1.2.3",
        "dallas-jan-2026",
        "2050:1048576",
        "order 123456",
    ],
)
def test_what_is_not_personal_stays(harmless: str) -> None:
    assert mask_personal(harmless) == harmless


def test_keys_that_hold_personal_data_are_known_in_every_spelling() -> None:
    personal = (
        "email customerEmail e-mail firstName last_name full-name phone phoneNumber clientIp ip user_agent zip address "
        "billing_address_line1 password cardNumber billing.name"
    )
    assert [key for key in personal.split() if not is_personal_key(key)] == []
    others = "city cityId tier price eventType requestId tip skip status session description urgency remainingSpots"
    assert [key for key in others.split() if is_personal_key(key)] == []
