"""Yesterday's runner works with today's hub: what it sends is taken, and what it is told it understands.

`batch.json` and `plan.json` were recorded when the wire was at version 1, and the package `v1` is the code that read it then.
None of them may be changed to make a test pass: runners in the field are not changed by it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from facts import WIRE_VERSION, Plan, from_wire, to_wire
from journeys.site import Prices, RequestBudget, Site
from runner.spool.hub_client import HubClient, HubError
from runner.spool.sender import Sender
from runner.spool.spool import Spool
from tests.builders import a_run
from tests.hub.conftest import Bench, bench  # noqa: F401 - the fixture
from tests.wire.v1 import wire as then
from tests.wire.v1.plan import Plan as PlanThen
from tests.wire.v1.site import Site as SiteThen

V1 = Path(__file__).parent / "v1"


def recorded(name: str) -> Any:
    return json.loads((V1 / name).read_text(encoding="utf-8"))


def lost(sent: Any, kept: Any, at: str = "") -> list[str]:
    """Where what was kept is not what was sent; keys that were added since are none."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [path for key in sent for path in lost(sent[key], kept.get(key), f"{at}.{key}")]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [
            path
            for i, (one, other) in enumerate(zip(sent, kept, strict=True))
            for path in lost(one, other, f"{at}[{i}]")
        ]
    return [] if sent == kept else [at]


def test_the_hub_takes_a_batch_of_version_1(bench: Bench) -> None:  # noqa: F811
    batch = recorded("batch.json")
    answer = bench.client.post("/api/runs", json=batch)
    assert answer.status_code == 200, answer.text
    assert [one["result"] for one in answer.json()["results"]] == ["accepted"] * len(batch["runs"])
    assert [one["id"] for one in answer.json()["results"]] == [run["id"] for run in batch["runs"]]
    for run in batch["runs"]:
        kept = bench.client.get(f"/api/runs/{run['id']}").json()
        assert lost(run, kept) == []


def test_its_statuses_are_all_that_a_runner_of_version_1_writes() -> None:
    assert {run["status"] for run in recorded("batch.json")["runs"]} == {"passed", "failed", "errored", "missed"}


def test_a_runner_of_version_1_understands_todays_plan(bench: Bench) -> None:  # noqa: F811
    told = bench.client.get("/api/plan", params={"location": "us-east"}).json()
    plan = then.from_wire(PlanThen, told)
    site = then.from_wire(SiteThen, plan.site)
    today = bench.context.watched
    assert [(p.journey, p.period_s) for p in plan.journeys] == [
        (journey, schedule.period_s) for journey, schedule in today.schedules().items()
    ]
    assert (plan.version, site.base_url, site.city_id) == (1, today.site.base_url, today.site.city_id)


def test_every_key_of_todays_site_is_one_that_version_1_reads_or_ignores() -> None:
    site = Site(
        base_url="https://shop.example",
        cities={"Dallas": "dallas"},
        prices=Prices(ga=900),
        payment="stop_before_payment",
        basic_auth_file="/run/secrets/basic",
        header_files={"X-Key": "/run/secrets/key"},
    )
    read = then.from_wire(SiteThen, to_wire(site))
    assert (read.prices.ga, read.payment, read.header_files) == (900, site.payment, site.header_files)


@pytest.mark.parametrize("budget", [None, RequestBudget(requests=50, window_s=60, static_files=True)])
def test_a_site_with_and_without_a_request_budget_is_one_that_version_1_reads(budget: RequestBudget | None) -> None:
    site = Site(base_url="https://shop.example", cities={"Dallas": "dallas"}, request_budget=budget)
    read = then.from_wire(SiteThen, to_wire(site))
    assert read.request_budget.requests == (50 if budget else 100), "it goes on with its own default"
    assert from_wire(Site, to_wire(site)) == site


def test_a_plan_that_was_cached_by_version_1_is_read_today() -> None:
    plan = from_wire(Plan, recorded("plan.json"))
    assert [planned.journey for planned in plan.journeys] == ["ga_purchase", "vip_member_discount"]
    assert from_wire(Site, plan.site).city_id == "dallas"


@pytest.mark.parametrize("newer", ["envelope", "run"])
def test_a_newer_version_is_kept_by_the_runner_until_the_hub_is_newer_too(
    bench: Bench,  # noqa: F811
    tmp_path: Path,
    newer: str,
) -> None:
    hub_knows, sent = False, 0

    def hub(request: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        body = json.loads(request.content)
        of_whom = body if newer == "envelope" else body["runs"][0]
        of_whom["version"] = WIRE_VERSION if hub_knows else WIRE_VERSION + 1
        answer = bench.client.post("/api/runs", json=body)
        return httpx.Response(answer.status_code, content=answer.content)

    spool = Spool(tmp_path)
    spool.keep(bench.slot_run())
    spool.keep(bench.slot_run("us-east", minutes_ago=6))
    client = HubClient("http://hub.test", location="us-east", client=httpx.Client(transport=httpx.MockTransport(hub)))
    sender = Sender(spool, client)
    wait = sender.send_all()
    assert wait > 0
    assert (spool.depth(), sent) == (2, 1)
    assert "425" in (sender.trouble or "")
    assert "upgrade the hub" in (sender.trouble or "")
    assert bench.client.get("/api/runs").json()["runs"] == []
    hub_knows = True
    sender.send_all()
    assert (spool.depth(), sender.trouble) == (0, None)
    assert len(bench.client.get("/api/runs").json()["runs"]) == 2
    spool.close()


def test_a_newer_plan_is_left_alone(bench: Bench) -> None:  # noqa: F811
    plan = replace(bench.context.watched.plan_for("us-east"), version=WIRE_VERSION + 1)
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=to_wire(plan)))
    client = HubClient("http://hub.test", location="us-east", client=httpx.Client(transport=transport))
    with pytest.raises(HubError, match="upgrade"):
        client.get_plan()


def test_what_is_sent_today_says_its_version() -> None:
    assert to_wire(a_run())["version"] == WIRE_VERSION
    assert to_wire(Plan(location="x", hash="y"))["version"] == WIRE_VERSION
