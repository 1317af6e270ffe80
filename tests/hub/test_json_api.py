"""The lists of the JSON API: pages that lose and repeat nothing, filters, the form as CSV, and sentences for what is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.routing import APIRoute

from facts import Blame, Deploy, Event, Status, to_wire
from hub.listing import place_of, read_place
from store import Store, deploys, events
from tests.builders import A_MOMENT
from tests.databases import a_migrated_store
from tests.hub.conftest import Bench, a_bench
from tests.hub.routes import routes_of

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "hub.md"
LISTS = {
    "/api/runs": "runs",
    "/api/alerts": "alerts",
    "/api/incidents": "incidents",
    "/api/events": "events",
    "/api/deploys": "deploys",
    "/api/sla": "verdicts",
    "/api/sla/history": "rows",
}
CURSORS = ["", "x", "1", "~", "-1~x", f"{'9' * 20}~x", f"{'9' * 16}~x", "\u0661~x", "inc-x", "1~"]
WRONG = [
    ("limit", "0"),
    ("limit", "100000"),
    ("limit", "x"),
    ("format", "xml"),
    ("from", "yesterday"),
    ("from", "2026-01-01T00:00:00"),
]
PAGED = [path for path in LISTS if path != "/api/sla"]


def an_event(n: int, bench: Bench) -> Event:
    level, at = ("error" if n % 2 else "info"), bench.now - timedelta(minutes=n // 3)
    return Event(id=f"e~{n}", at=at, level=level, name="order", fields={"n": n})


def fill(bench: Bench) -> None:
    """Runs of two locations, most of them at the same times; failures that open incidents; events and deploys of one moment."""
    runs = [bench.slot_run(place, minutes_ago=n) for n in range(20, 40, 5) for place in ("us-east", "us-west")]
    bench.send(*runs)
    broken: dict[str, Any] = {
        "status": Status.FAILED,
        "blame": Blame.SITE,
        "failed_step": "proceed_to_stripe",
        "error": "=500",
    }
    bench.send(*(bench.slot_run(place, minutes_ago=1, **broken) for place in ("us-east", "us-west")))
    for _ in range(3):
        bench.tick()
    with bench.store.write() as connection:
        for source in ("website", "shop"):
            told = [an_event(n, bench) for n in range(7)]
            events.save(connection, told, source=source)
        for n in range(5):
            at = bench.now - timedelta(minutes=n // 2)
            deploys.add(connection, Deploy(id=f"deploy-{n}", at=at, version=f"1.{n}", received_at=at))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One hub for all tests here, which only read."""
    folder = tmp_path_factory.mktemp("api")
    with a_migrated_store(None, folder / "hub") as store, a_bench(store, folder) as bench:
        fill(bench)
        yield bench


def get(bench: Bench, path: str, **query: Any) -> dict[str, Any]:
    answer = bench.client.get(f"{path}?{urlencode(query)}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def pages(bench: Bench, path: str, limit: int, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list, each led to by the one before."""
    found: list[list[dict[str, Any]]] = []
    cursor: dict[str, str] = {}
    while True:
        told = get(bench, path, limit=limit, **query, **cursor)
        found.append(told[LISTS[path]])
        if told["next"] is None:
            return found
        cursor = {"cursor": told["next"]}
        assert len(found) < 100


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [repr(sorted(row.items())) for row in rows]


@pytest.mark.parametrize("path", PAGED)
def test_the_pages_of_a_list_are_the_list(full: Bench, path: str) -> None:
    (whole,) = pages(full, path, limit=200)
    assert len(whole) >= 2 or path in ("/api/alerts", "/api/incidents")
    assert whole
    for limit in (1, 2, 3):
        found = pages(full, path, limit=limit)
        assert names([row for page in found for row in page]) == names(whole), limit
        # The rows of a history that applied at its beginning come on top of its first page.
        assert all(len(page) <= limit for page in (found[1:] if "history" in path else found))


def test_what_comes_meanwhile_shifts_no_page(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path) as bench:
        fill(bench)
        (whole,) = pages(bench, "/api/runs", limit=200)
        first = get(bench, "/api/runs", limit=3)
        bench.now += timedelta(minutes=10)
        bench.send(bench.slot_run("us-east"))
        rest = get(bench, "/api/runs", limit=200, cursor=first["next"])["runs"]
        assert names([*first["runs"], *rest]) == names(whole)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_the_same_as_csv(full: Bench, path: str) -> None:
    query = "" if path == "/api/sla" else "?limit=2"
    rows = full.client.get(f"{path}{query}").json()[LISTS[path]]
    by_parameter = full.client.get(f"{path}{query}{'&' if query else '?'}format=csv")
    by_header = full.client.get(f"{path}{query}", headers={"Accept": "text/csv;q=1, application/json"})
    assert by_parameter.text == by_header.text
    assert by_parameter.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert by_parameter.headers["Content-Disposition"] == f'attachment; filename="{LISTS[path]}.csv"'
    told = list(csv.DictReader(io.StringIO(by_parameter.text)))
    assert len(told) == len(rows)
    for cells, row in zip(told, rows, strict=True):
        assert set(cells) <= set(row), "the columns are the keys"
        for key, value in row.items():
            if key in cells and isinstance(value, str):
                assert cells[key].removeprefix("'") == value


def test_a_text_that_a_spreadsheet_would_compute_is_text(full: Bench) -> None:
    told = full.client.get("/api/runs?status=failed&format=csv").text
    assert "'=500" in told


def test_the_link_of_a_page_leads_to_the_next(full: Bench) -> None:
    for query in ("limit=3&location=us-east", "limit=3&location=us-east&format=csv"):
        answer = full.client.get(f"/api/runs?{query}")
        link = re.fullmatch(r'<(\?[^>]*)>; rel="next"', answer.headers["Link"])
        assert link
        following = full.client.get(f"/api/runs{link[1]}")
        assert following.status_code == 200
        assert following.headers["Content-Type"] == answer.headers["Content-Type"]
        assert following.text != answer.text
    assert "Link" not in full.client.get("/api/runs?limit=500").headers


def test_filters_choose(full: Bench) -> None:
    assert {run["status"] for run in get(full, "/api/runs", status="failed")["runs"]} == {"failed"}
    assert {run["location"] for run in get(full, "/api/runs", location="us-west", limit=500)["runs"]} == {"us-west"}
    assert get(full, "/api/runs", journey="none")["runs"] == []
    since, until = full.now - timedelta(minutes=27), full.now - timedelta(minutes=21)
    started = [
        run["started_at"]
        for run in get(full, "/api/runs", **{"from": since.isoformat(), "to": until.isoformat()})["runs"]
    ]
    assert started
    assert all(to_wire(since) <= one < to_wire(until) for one in started)
    (alert,) = {one["rule"] for one in get(full, "/api/alerts", state="firing", rule="A1s")["alerts"]}
    assert alert == "A1s"
    assert get(full, "/api/alerts", severity="medium")["alerts"] == []
    assert get(full, "/api/alerts", journey="ga_purchase")["alerts"]
    rules = {one["rule"] for one in get(full, "/api/sla", journey="ga_purchase", rule="A1s")["verdicts"]}
    assert rules == {"A1s"}
    assert {e["source"] for e in get(full, "/api/events", source="shop", level="error")["events"]} == {"shop"}
    assert {e["level"] for e in get(full, "/api/events", source="shop", level="error")["events"]} == {"error"}
    assert get(full, "/api/events", name="none")["events"] == []
    assert get(full, "/api/incidents", state="resolved")["incidents"] == []


@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_that_is_not_known_is_refused_with_those_there_are(full: Bench, path: str) -> None:
    for query in ("befor=x", "Limit=5", "page=2", "status%00=1", "journeys=ga_purchase"):
        answer = full.client.get(f"{path}?{query}")
        assert answer.status_code in (400, 422), query
        assert "error" in answer.json()
    told = full.client.get(f"{path}?befor=x").json()["error"]
    assert told.startswith(f"'befor' is no parameter of {path}; there are: ")
    assert "format" in told
    if path in PAGED:
        assert "more than once" in full.client.get(f"{path}?limit=1&limit=2").json()["error"]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_is_none_is_refused(full: Bench, path: str, cursor: str) -> None:
    answer = full.client.get(f"{path}?{urlencode({'cursor': cursor})}")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("cursor: ")


@pytest.mark.parametrize("path", PAGED)
def test_other_wrong_values_get_a_sentence_that_names_the_parameter(full: Bench, path: str) -> None:
    for key, value in WRONG:
        answer = full.client.get(f"{path}?{urlencode({key: value})}")
        assert answer.status_code == 422, (key, value)
        assert answer.json()["error"].startswith(f"{key}: ")
    backwards = {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    answer = full.client.get(f"{path}?{urlencode(backwards)}")
    assert answer.status_code == 422
    assert "before it begins" in answer.json()["error"]
    first_times = {"to": "0001-01-01T00:00:00Z"}
    assert full.client.get(f"{path}?{urlencode(first_times)}").status_code in (200, 422)


def test_a_cursor_holds_the_exact_time_and_any_name() -> None:
    at = A_MOMENT + timedelta(microseconds=1)
    for name in ("run-1", "a~b~c", "ü\n", "x" * 300):
        assert read_place(place_of(at, name)) == (at, name)
    assert read_place(None) is None


def test_every_route_of_the_json_api_is_in_the_manual_and_nothing_else(full: Bench) -> None:
    app: Any = full.client.app
    routes = {
        (method, route.path)
        for route in routes_of(app)
        if isinstance(route, APIRoute) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    section = MANUAL.read_text(encoding="utf-8").partition("## The JSON API")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(GET|POST|PUT|DELETE) (/api/[^`?]*)`", section, re.MULTILINE))
    assert named == routes
    assert len(routes) > 30
    for route in routes_of(app):
        if isinstance(route, APIRoute) and route.path in LISTS and "GET" in (route.methods or ()):
            row = next(line for line in section.splitlines() if line.startswith(f"| `GET {route.path}`"))
            for parameter in route.dependant.query_params:
                if parameter.alias not in ("from", "to", "cursor", "limit", "format"):
                    assert f"`{parameter.alias}`" in row, (route.path, parameter.alias)
