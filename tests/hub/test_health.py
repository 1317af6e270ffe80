"""`/healthz` and `/readyz`: what a balancer and an orchestrator may rely on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from datetime import timedelta

import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter
from starlette.concurrency import run_in_threadpool

from hub.app import create_app
from hub.health import Health
from store import StoreReplacedError, StoreUnavailableError
from tests.coroutines import finished
from tests.hub.conftest import Bench


def test_a_hub_is_alive_before_anything_was_judged(bench: Bench) -> None:
    assert bench.client.get("/healthz").status_code == 200
    answer = bench.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "no tick within a minute")


def test_a_hub_is_ready_while_any_hub_judges(bench: Bench) -> None:
    # The hub that answers has no evaluator at all; the tick is another's, and they share nothing but the database.
    bench.tick()
    assert bench.client.get("/readyz").status_code == 200
    bench.now += timedelta(seconds=59)
    assert bench.client.get("/readyz").status_code == 200


def test_nobody_is_ready_once_nobody_has_judged_for_a_minute(bench: Bench) -> None:
    bench.tick()
    bench.now += timedelta(seconds=61)
    assert bench.client.get("/readyz").status_code == 503
    assert bench.client.get("/healthz").status_code == 200


def locked(what: str = "locked") -> StoreUnavailableError:
    return StoreUnavailableError(f"the database /var/hub/sixfb.db is {what}", public=f"the database is {what}")


def test_a_database_that_took_no_write_is_not_ready_until_it_takes_one(light: Bench) -> None:
    light.tick()
    light.context.health.failed(locked())
    answer = light.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "the database is locked")
    assert light.client.get("/healthz").status_code == 200
    light.context.health.wrote()
    assert light.client.get("/readyz").json()["status"] == "ok"


def test_a_database_that_is_read_takes_no_writes_for_that(light: Bench) -> None:
    light.tick()
    health = light.context.health
    for error in (locked(), StoreReplacedError("another one")):
        health.failed(error)
        health.answered()
        assert light.client.get("/readyz").status_code == 503
    health.failed(StoreUnavailableError("does not answer", silent=True))
    health.answered()
    assert light.client.get("/readyz").status_code == 200


def test_a_batch_of_nothing_is_no_write(light: Bench) -> None:
    light.tick()
    light.context.health.failed(locked())
    assert light.client.post("/api/runs", json={"runs": []}).status_code == 200
    assert light.client.get("/readyz").status_code == 503
    assert light.send(light.slot_run())[0]["result"] == "accepted"
    assert light.client.get("/readyz").status_code == 200


def test_each_complaint_is_named(light: Bench) -> None:
    light.context.health.failed(locked())
    assert light.context.health.complaints(light.now) == ["the database is locked", "no tick within a minute"]
    assert light.client.get("/readyz").json() == {
        "status": "the database is locked; no tick within a minute",
        "last_tick": None,
    }


def test_readiness_asks_no_database(light: Bench) -> None:
    light.tick()
    light.store.close()
    with sqlite3.connect(light.store._engine.url.database or "", isolation_level=None) as other:
        other.execute("DROP TABLE meta")
        other.execute("BEGIN EXCLUSIVE")
        assert light.client.get("/readyz").status_code == 200
    other.close()


def test_who_asks_how_the_hub_is_needs_none_of_its_threads(light: Bench) -> None:
    over = threading.Event()

    async def ask_while_every_thread_is_busy() -> list[int]:
        current_default_thread_limiter().total_tokens = 1
        busy = asyncio.create_task(run_in_threadpool(over.wait, 30))
        transport = httpx.ASGITransport(create_app(light.context))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                asked = [client.get(path) for path in ("/healthz", "/readyz")]
                return [(await asyncio.wait_for(one, 10)).status_code for one in asked]
        finally:
            over.set()
            await busy

    assert finished(ask_while_every_thread_is_busy()) == [200, 503]


def test_what_is_wrong_is_logged_once_and_so_is_its_end(light: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sixfb.hub")
    health = Health()
    for error in (locked(), locked(), locked("damaged")):
        health.failed(error)
    for _ in range(2):
        health.wrote()
    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events == ["database_unusable", "database_unusable", "database_usable"]
