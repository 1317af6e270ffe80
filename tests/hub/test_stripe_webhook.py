"""Stripe's webhook: what is signed is counted once, by whichever way it comes; everything else is refused with a sentence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from config import ConfigError, Secret
from demo.stripe.webhooks import signature
from facts import Role
from hub.app import create_app
from hub.collect import collect_once, stripe_webhook_secret
from hub.stripe_webhook import LARGEST_EVENT, TOLERANCE_S, EventResult, StripeWebhook
from sources.stripe_events import OLDEST, EventFilter
from store import Store, events, samples
from tests.hub.conftest import Bench, a_bench
from tests.sources.stripe_account import PATTERN, FakeStripe, an_event

SECRET = "whsec_of_this_endpoint"
DOOR = "/api/webhooks/stripe"
PAYMENTS = "stripe_payments_succeeded"


@pytest.fixture
def open_door(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub that takes webhooks, on each kind of database."""
    with a_bench(store, tmp_path) as bench, with_webhook(bench) as opened:
        yield opened


@pytest.fixture
def door(light: Bench) -> Iterator[Bench]:
    """A hub that takes webhooks."""
    with with_webhook(light) as opened:
        yield opened


@contextmanager
def with_webhook(bench: Bench) -> Iterator[Bench]:
    """The same hub with a secret."""
    webhook = StripeWebhook(Secret(SECRET), EventFilter(email_pattern=PATTERN, live=False))
    context = replace(bench.context, stripe_webhook=webhook)
    ours = "http://127.0.0.1:8600"
    with TestClient(create_app(context), base_url=ours, client=("127.0.0.1", 50000)) as client:
        yield replace(bench, client=client, context=context)


def send(
    bench: Bench, told: Any, *, ago_s: int = 0, secret: str = SECRET, header: str | None = None, proxied: str = ""
) -> httpx.Response:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    signed = signature(body, secret, int(time.time()) - ago_s) if header is None else header
    more = {"Stripe-Signature": signed} if signed else {}
    more |= {"X-Forwarded-For": proxied} if proxied else {}
    answer: httpx.Response = bench.client.post(DOOR, content=body, headers=more)
    return answer


def paid(bench: Bench, **more: Any) -> dict[str, Any]:
    return an_event("charge.succeeded", now=bench.now, **more)


def counted(bench: Bench, metric: str = PAYMENTS) -> float:
    with bench.store.read() as connection:
        series = samples.read(connection, metric, since=bench.now - timedelta(days=7))
    return sum(value for one in series for _, value in one.points)


def test_a_signed_event_is_saved_and_counted(open_door: Bench) -> None:
    answer = send(open_door, paid(open_door, event_id="evt_1", billing_details={"email": "ann@buyer.test"}))
    assert (answer.status_code, answer.json()) == (200, {"result": "new"})
    assert counted(open_door) == 1
    with open_door.store.read() as connection:
        (event,) = events.read(connection, since=open_door.now - OLDEST, source="stripe")
    assert (event.id, event.name) == ("evt_1", "charge.succeeded")
    assert "ann" not in str(event)


def test_an_event_counts_once_whether_it_is_pushed_or_polled_or_both(open_door: Bench) -> None:
    stripe = FakeStripe([paid(open_door) for _ in range(4)])  # of one second
    by_both, by_poll, by_push, _ = stripe.events
    assert send(open_door, by_both).json() == {"result": "new"}
    collect_once(open_door.store, stripe.source(), open_door.now)
    assert counted(open_door) == 4
    assert send(open_door, by_poll, ago_s=1).json() == {"result": "duplicate"}
    assert send(open_door, by_push, ago_s=2).json() == {"result": "duplicate"}
    assert send(open_door, paid(open_door, event_id="evt_pushed_alone")).json() == {"result": "new"}
    collect_once(open_door.store, stripe.source(), open_door.now + timedelta(minutes=5))
    assert counted(open_door) == 5
    assert counted(open_door, "stripe_charged_minor") == 500_000


def test_events_of_one_second_that_come_at_once_all_count(open_door: Bench) -> None:
    webhook = open_door.context.stripe_webhook
    assert webhook is not None
    stripe = FakeStripe([paid(open_door) for _ in range(12)])

    def push(told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        webhook.take(open_door.store, body, signature(body, SECRET, int(time.time())), now=open_door.now)

    threads = [threading.Thread(target=push, args=(told,)) for told in stripe.events]
    threads.append(threading.Thread(target=collect_once, args=(open_door.store, stripe.source(), open_door.now)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(open_door) == 12


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"header": ""}, "Stripe-Signature is missing"),
        ({"header": "v1=abc"}, "written t=...,v1=..."),
        ({"header": "t=now,v1=abc"}, "written t=...,v1=..."),
        ({"header": "t=1"}, "written t=...,v1=..."),
        ({"header": "\xe9"}, "none of Stripe's"),
        ({"secret": "whsec_of_another"}, "not of this endpoint's secret"),
        ({"ago_s": TOLERANCE_S + 5}, "older than 5 minutes"),
    ],
)
def test_what_is_not_signed_with_the_secret_lately_is_refused(door: Bench, how: dict[str, Any], says: str) -> None:
    told = json.dumps(paid(door)).encode()
    header = how.get("header")
    if header == "\xe9":
        answer = door.client.post(DOOR, content=told, headers=[(b"Stripe-Signature", b"t=1,v1=\xe9")])
    else:
        answer = send(door, told, **how)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert counted(door) == 0


def test_a_body_that_was_changed_under_way_is_refused(door: Bench) -> None:
    told = json.dumps(paid(door)).encode()
    signed = signature(told, SECRET, int(time.time()))
    assert send(door, told.replace(b"100000", b"900000"), header=signed).status_code == 400


@pytest.mark.parametrize("again", ["the same header", "a header written otherwise"])
def test_a_delivery_that_was_taken_is_not_taken_again(door: Bench, again: str) -> None:
    told = json.dumps(paid(door)).encode()
    signed = signature(told, SECRET, int(time.time()))
    assert send(door, told, header=signed).status_code == 200
    answer = send(door, told, header=signed if again == "the same header" else f"v1=00,{signed},v0=x")
    assert (answer.status_code, "taken already" in answer.json()["error"]) == (409, True)
    assert send(door, told, ago_s=3).json() == {"result": "duplicate"}  # Stripe tries again, signed anew
    assert counted(door) == 1


@pytest.mark.parametrize(
    ("told", "status", "says"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 422, "no event of Stripe's"),
        (b'{"object": "event", "id": "evt_1"}', 422, "has no type"),
    ],
)
def test_a_signed_body_of_another_shape_is_told(door: Bench, told: bytes, status: int, says: str) -> None:
    answer = door.client.post(DOOR, content=told, headers={"Stripe-Signature": _signed_raw(told)})
    assert answer.status_code == status
    assert says in answer.json()["error"]


def _signed_raw(told: bytes) -> str:
    return signature(told, SECRET, int(time.time()))


def test_a_body_that_is_too_large_is_not_read(door: Bench) -> None:
    answer = send(door, b" " * (LARGEST_EVENT + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "customer.created"},
        {"ago_s": int(OLDEST.total_seconds()) + 60},
        {"billing_details": {"email": "synthetic+01@example.com"}},
    ],
)
def test_what_is_not_counted_is_taken_and_left_out(door: Bench, more: dict[str, Any]) -> None:
    told = an_event(more.pop("kind", "charge.succeeded"), now=door.now, **more)
    assert send(door, told).json() == {"result": "left out"}
    assert counted(door) == 0


def test_the_door_is_shut_until_there_is_a_secret(light: Bench) -> None:
    answer = send(light, paid(light))
    assert answer.status_code == 404
    assert "STRIPE_WEBHOOK_SECRET is not set" in answer.json()["error"]


def test_it_needs_no_login_and_passes_a_proxy(door: Bench) -> None:
    door.user(Role.ADMIN)
    assert send(door, paid(door), proxied="54.187.174.169").status_code == 200
    assert door.client.get("/api/runs").status_code == 401


def test_a_secret_of_another_shape_is_refused_and_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    assert stripe_webhook_secret({}) is None
    assert stripe_webhook_secret({"STRIPE_WEBHOOK_SECRET_FILE": str(file)}) == Secret(SECRET)
    with pytest.raises(ConfigError, match="begins with whsec_"):
        stripe_webhook_secret({"STRIPE_WEBHOOK_SECRET": "sk_test_1"})


def test_the_results_are_those_of_the_description() -> None:
    assert [one.value for one in EventResult] == ["new", "duplicate", "left out"]


def test_what_is_pushed_is_judged_at_once_and_not_at_the_next_reading(door: Bench) -> None:
    collect_once(door.store, FakeStripe().source(), door.now)

    def verdict() -> Any:
        (found,) = [one for one in door.tick().verdicts if one.key == "A1b"]
        return found

    assert verdict().n == 0
    for n in range(3):
        failed = an_event("charge.failed", now=door.now, event_id=f"evt_{n}", outcome={"type": "invalid"})
        assert send(door, failed).json() == {"result": "new"}
    assert (verdict().n, verdict().breached) == (3, True)
