"""A rule of one's own goes the whole way: judged, fired, told, shown. And what an earlier version stored is understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from config import Document, read_document
from facts import Blame, Status, VerdictStatus
from hub.collect import CollectResult, collect_once
from hub.cycle import VERDICTS
from sla.targets import targets_from
from store import Store, meta, outbox
from store import alerts as alert_rows
from store.tables import alerts as alert_table
from tests.builders import a_request, an_attempt
from tests.drills.hub import ROOT
from tests.hub.conftest import Bench, a_bench
from tests.shipped import shipped_targets
from tests.source_doubles import a_source, some_samples

OWN: dict[str, Any] = {
    "MY_LOW_STOCK": {
        "kind": "threshold",
        "title": "Nearly gone",
        "metric": "inventory_remaining_tickets",
        "low": 20,
        "severity": "critical",
    },
    "CHECKOUT_SLOW": {
        "kind": "percentile",
        "endpoint": "/api/create-checkout-session",
        "target_ms": 100,
        "warning_ms": 200,
        "critical_ms": 60000,
        "min_n": 3,
    },
    "CITY": {"kind": "quorum", "title": "the city cannot be chosen", "steps": ["choose_city"]},
}


@pytest.fixture
def own(sqlite_store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub with three rules of its own beside those that ship."""
    targets = targets_from(Document("sla.yaml", OWN), shipped=read_document(ROOT / "sla.yaml"))
    with a_bench(sqlite_store, tmp_path, targets=targets) as opened:
        yield opened


def sells(bench: Bench, remaining: int) -> None:
    """The inventory tells of one tier, now."""
    assert (
        collect_once(bench.store, a_source(some_samples(float(remaining))), bench.now).result is CollectResult.COLLECTED
    )


def fails(bench: Bench, *places: str, step: str) -> None:
    """A step fails at some places, now."""
    facts: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE, "failed_step": step, "error": f"{step}: 500"}
    bench.send(*(bench.slot_run(place, **facts) for place in places))


def alerts_of(bench: Bench) -> dict[str, dict[str, Any]]:
    return {alert["key"]: alert for alert in bench.client.get("/api/alerts").json()["alerts"]}


def test_a_low_stock_rule_of_ones_own_is_judged_told_and_shown(own: Bench) -> None:
    sells(own, 12)
    own.tick()
    alert = alerts_of(own)["MY_LOW_STOCK/dallas/ga"]
    assert (alert["state"], alert["severity"], alert["runbook"]) == ("firing", "critical", None)
    assert alert["id"] == "MY_LOW_STOCK.dallas.ga.1"
    assert alert["traits"]["family"] == "business"
    with own.store.read() as connection:
        (message,) = (n.message for n in outbox.of_threads(connection, [alert["incident"]]))
    assert message["headline"].startswith("Critical: Nearly gone: dallas GA (since ")
    assert message["summary"] == "dallas GA: 12 (limit 20)"
    verdicts = {v["rule"]: v for v in own.client.get("/api/sla").json()["verdicts"]}
    assert (verdicts["MY_LOW_STOCK"]["verdict"], verdicts["MY_LOW_STOCK"]["value"]) == ("critical", 12)
    assert "MY_LOW_STOCK/dallas/ga" in own.client.get("/sla").text
    for page in ("/alerts", "/"):
        assert "Nearly gone: dallas GA" in own.client.get(page).text
    assert own.client.get("/api/alerts/MY_LOW_STOCK.dallas.ga.1").json()["rule"] == "MY_LOW_STOCK"
    sells(own, 30)
    own.tick()
    assert alerts_of(own)["MY_LOW_STOCK/dallas/ga"]["state"] == "resolved"


def test_a_slow_endpoint_of_ones_own_is_measured_though_no_shipped_rule_looks_at_it(own: Bench) -> None:
    slow = a_request("/api/create-checkout-session", method="POST", duration_ms=900.0)
    attempt = an_attempt(status=Status.PASSED, requests=(slow,))
    own.send(*(own.slot_run(place, attempts=(attempt,)) for place in ("us-east", "us-west", "eu-west")))
    own.tick()
    own.tick(after_s=60)
    found = next(v for v in own.client.get("/api/sla").json()["verdicts"] if v["rule"] == "CHECKOUT_SLOW")
    assert (found["verdict"], found["value"], found["n"]) == ("warning", 900, 3)


def test_a_second_quorum_fires_beside_the_first(own: Bench) -> None:
    fails(own, "us-east", "us-west", step="choose_city")
    own.tick()
    found = alerts_of(own)
    assert {"F0/ga_purchase", "CITY/ga_purchase"} <= set(found)
    assert "A1s/ga_purchase" not in found


def test_buyers_can_buy_is_said_of_journeys_and_not_of_rules(own: Bench) -> None:
    own.send(*(own.slot_run(place) for place in ("us-east", "us-west", "eu-west")))
    for place in ("us-east", "us-west", "eu-west"):
        own.send(own.slot_run(place, id=f"vip-{place}", journey="vip_member_discount"))
    sells(own, 100)
    own.tick()
    assert re.search(r"<h1[^>]*>Buyers can buy at all 3 locations\.</h1>", own.client.get("/").text)


def test_an_alert_of_ones_own_rule_is_closed_when_the_rule_goes(own: Bench) -> None:
    sells(own, 12)
    own.tick()
    own.cycle.targets = shipped_targets()
    own.tick()
    alert = alerts_of(own)["MY_LOW_STOCK/dallas/ga"]
    assert (alert["state"], alert["closed"]) == ("resolved", "closed: there is no rule MY_LOW_STOCK any more")


def test_a_hub_whose_rules_are_all_off_reads_no_runs_and_goes_on(light: Bench) -> None:
    fails(light, "us-east", "us-west", step="choose_city")
    light.tick()
    off = {name: {"enabled": False} for name in light.cycle.targets.rules()}
    light.cycle.targets = targets_from(Document("sla.yaml", off), shipped=read_document(ROOT / "sla.yaml"))
    light.cycle = replace(light.cycle)
    tick = light.tick()
    assert {verdict.verdict for verdict in tick.verdicts} == {VerdictStatus.OFF}
    assert {alert["state"] for alert in alerts_of(light).values()} == {"resolved"}


def as_an_earlier_version_stored(bench: Bench) -> None:
    """Take the traits out of every stored alert and verdict: an earlier version did not know them."""
    with bench.store.write() as connection:
        for alert in alert_rows.listed(connection):
            row = bench.client.get(f"/api/alerts/{alert.id}").json()
            stored = {key: value for key, value in row.items() if key not in ("traits", "changes", "notifications")}
            connection.execute(update(alert_table).where(alert_table.c.id == alert.id).values(alert=stored))
        told = meta.get(connection, VERDICTS)
        assert told is not None
        for verdict in told["verdicts"]:
            del verdict["traits"]
        meta.put(connection, VERDICTS, told)


def test_alerts_that_an_earlier_version_stored_go_on_and_end(light: Bench) -> None:
    fails(light, "us-east", "us-west", step="proceed_to_stripe")
    light.tick()
    as_an_earlier_version_stored(light)
    assert "Waiting for the first runs" not in light.client.get("/").text
    light.tick()
    found = alerts_of(light)
    assert found["F0/ga_purchase"]["inhibited_by"] == "A1s/ga_purchase", "inhibited as it was"
    assert found["A1s/ga_purchase"]["state"] == "firing"
    as_an_earlier_version_stored(light)
    light.now += timedelta(minutes=4)
    light.tick(after_s=0)
    places = ("us-east", "us-west", "eu-west")
    light.send(*(light.slot_run(place, minutes_ago=minutes) for place in places for minutes in (2, 0.5)))
    light.tick()
    assert {alerts_of(light)[key]["state"] for key in ("F0/ga_purchase", "A1s/ga_purchase")} == {"resolved"}


def test_an_oversold_tier_that_an_earlier_version_stored_still_waits_for_a_person(light: Bench) -> None:
    sells(light, -1)
    light.tick()
    as_an_earlier_version_stored(light)
    for _ in range(3):
        light.now += timedelta(seconds=30)
        sells(light, 5)
        light.tick(after_s=25)
    alert = alerts_of(light)["A2"]
    assert (alert["state"], alert["needs_review"]) == ("resolved", True)


def test_an_alert_that_an_earlier_version_stored_of_a_removed_location_is_closed(light: Bench) -> None:
    for _ in range(20):
        light.tick(after_s=50)
    assert alerts_of(light)["W1/eu-west"]["state"] == "firing"
    as_an_earlier_version_stored(light)
    fewer = {name: place for name, place in light.context.watched.locations.locations.items() if name != "eu-west"}
    locations = replace(light.context.watched.locations, locations=fewer)
    light.cycle.watched = replace(light.context.watched, locations=locations)
    light.tick()
    why = "closed: location eu-west is not on the plan in locations.yaml any more"
    assert alerts_of(light)["W1/eu-west"]["closed"] == why
