"""Every text that comes from outside and reaches the database: too long, with NUL or half of a surrogate pair; never a 500, and never a
tick that fails."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from facts import Role, to_wire
from hub.collect import CollectResult, collect_once
from sources import SourceSettings
from sources.inventory import InventorySource
from store import feeds
from tests.hub.conftest import PASSWORD, Bench, csrf_of

ODD = {
    "long": "x" * 5000,
    "NUL": "a\0b",
    "half a pair": "a\ud800b",
    "beyond the plane": "\U0001f600" * 300,
}


def statuses(bench: Bench, text: str) -> dict[str, int]:
    """What each door answers to a text in each of its places."""
    client, raw = bench.client, text.encode("utf-8", "surrogatepass")
    header = raw.replace(b"\0", b"%00")
    run = to_wire(bench.slot_run())
    found: dict[str, httpx.Response] = {}
    for key in ("id", "journey", "location", "failed_step", "error", "site", "browser", "plan", "status", "blame"):
        found[f"run {key}"] = client.post("/api/runs", content=json.dumps({"runs": [{**run, key: text}]}))
    for key in ("id", "version", "trouble", "ledger", "sent_at"):
        body = {"location": "us-east", "runs": [], "runner": {"id": "r1", key: text}}
        found[f"runner {key}"] = client.post("/api/runs", content=json.dumps(body))
    found["batch location"] = client.post(
        "/api/runs", content=json.dumps({"location": text, "runs": [], "runner": {"id": "r"}})
    )
    ask = {"journey": "ga_purchase", "location": "us-east", "slot": to_wire(bench.now), "runner": "r1"}
    for key in ask:
        found[f"claim {key}"] = client.post("/api/slots/claim", content=json.dumps({**ask, key: text}))
    for name in ("X-Evidence-Kind", "X-Evidence-Run", "X-Evidence-Let-Go"):
        told = {"X-Evidence-Kind": b"trace", name: header}
        found[name] = client.put(f"/api/evidence/{'a' * 64}", content=b"x", headers=told)
    quoted = httpx.URL("/", params={"q": raw.decode("utf-8", "replace")}).query.decode()[2:]
    for path in ("/api/runs/", "/api/alerts/", "/runs/", "/journeys/", "/evidence/", "/static/", "/trace/"):
        found[path] = client.get(path + quoted.replace("+", "%20"))
    for query in (
        "/api/runs?journey=",
        "/api/runs?location=",
        "/api/runs?status=",
        "/api/plan?location=",
        "/login?next=",
    ):
        found[query] = client.get(query + quoted)
    for name in ("User-Agent", "X-Sixfb-Person", "Referer", "Accept", "If-None-Match", "Authorization"):
        found[name] = client.post("/api/alerts/none/ack", json={}, headers={name: header})
    return {door: answer.status_code for door, answer in found.items()}


def test_no_door_answers_with_a_fault_of_our_own(bench: Bench) -> None:
    for name, text in ODD.items():
        assert {door: status for door, status in statuses(bench, text).items() if status >= 500} == {}, name
    assert bench.tick().wrote


def test_nor_does_the_login(bench: Bench) -> None:
    bench.user(Role.OPERATOR)
    for text in (ODD["long"], ODD["NUL"], ODD["half a pair"]):
        try_login_with(bench, text)


def try_login_with(bench: Bench, text: str) -> None:
    """A text in each cookie and in each field of the form."""
    for cookie in ("sixfb_session", "sixfb_known_x", "sixfb_login"):
        value = text.encode("ascii", "replace").decode().replace("\0", "")
        assert bench.client.get("/alerts", headers={"Cookie": f"{cookie}={value}"}).status_code == 303
    for key in ("name", "password", "next", "csrf"):
        form = {"csrf": csrf_of(bench.client.get("/login").text), "name": "operator", "password": PASSWORD, "next": "/"}
        body = {name: value.encode() for name, value in form.items()} | {key: text.encode("utf-8", "surrogatepass")}
        encoded = httpx.QueryParams({name: value.decode("latin-1") for name, value in body.items()})
        answer = bench.client.post(
            "/login", content=str(encoded), headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code < 500, key
        bench.client.cookies.clear()


@pytest.mark.parametrize(
    "city",
    [
        {"cityId": "x" * 101, "actualAvailable": {"ga": 1}},
        {"cityId": "a\0b", "actualAvailable": {"ga": 1}},
        {"cityId": "a\ud800", "actualAvailable": {"ga": 1}},
        {"cityId": "dallas", "actualAvailable": {"t" * 33: 1}},
        {"cityId": "dallas", "actualAvailable": {"ga": 2**40}},
    ],
)
def test_an_inventory_that_no_column_holds_is_a_failed_reading(bench: Bench, city: dict[str, Any]) -> None:
    body = json.dumps({"success": True, "data": [city]})
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=body)))
    source = InventorySource(SourceSettings(base_url="http://shop.test"), client)
    assert collect_once(bench.store, source, bench.now).result is CollectResult.FAILED
    with bench.store.read() as connection:
        assert "GET /api/inventory" in str(feeds.states(connection)["inventory"])


def test_half_of_a_surrogate_pair_never_comes_further_than_the_door(light: Bench) -> None:
    """It could be stored as an escape, and then no page and no answer that shows it could be sent."""
    odd = json.dumps(ODD["half a pair"])
    asked = '{"match": {"journey": [ODD], "rule": "F0"}, "for": "1h", "reason": ODD}'.replace("ODD", odd)
    headers = {"Content-Type": "application/json"}
    made = light.client.post("/api/silences", content=asked, headers=headers)
    assert (made.status_code, made.json()["reason"]) == (200, "a\ufffdb")
    assert made.json()["match"]["journey"] == ["a\ufffdb"]
    told = light.client.post("/api/deploys", content=f'{{"version": "\\ud83d\\ude00 {odd[1:-1]}"}}', headers=headers)
    assert (told.status_code, told.json()["version"]) == (201, "\U0001f600 a\ufffdb")
    for page in ("/alerts", "/api/silences", "/api/deploys"):
        assert light.client.get(page).status_code == 200, page
    assert light.tick().wrote


@pytest.mark.parametrize(
    "path", ["/api/runs", "/api/sla/history", "/api/alerts", "/api/deploys", "/api/incidents", "/api/metrics/runs"]
)
def test_a_period_beyond_all_calendars_is_refused(light: Bench, path: str) -> None:
    first, last = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
    names = ("before",) if path == "/api/runs" else ("from", "to")
    for name in names:
        for at in (first, last, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            assert light.client.get(path, params={name: at}).status_code in (404, 422), (name, at)
    assert light.client.get(path, params={"from": first, "to": last, "before": last}).status_code in (404, 422)
