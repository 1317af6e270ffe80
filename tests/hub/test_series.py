"""`/api/metrics`: the catalogue, and each metric's series as JSON and CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from facts import Role, Sample, Status, labels
from hub.access import Access
from metrics import CATALOGUE, SKETCHED
from store import samples
from tests.hub.conftest import Bench, a_bench


def save(bench: Bench, *values: tuple[float, float], metric: str = "inventory_remaining_tickets", **its: str) -> None:
    """Samples so many minutes ago, of dallas ga where nothing else is said."""
    its = its or {"city": "dallas", "tier": "ga"}
    some = [
        Sample(metric=metric, at=bench.now - timedelta(minutes=m), value=v, labels=labels(**its)) for m, v in values
    ]
    with bench.store.write() as connection:
        assert samples.save(connection, some, now=min(s.at for s in some), sketched=SKETCHED) == len(some)


def ask(bench: Bench, name: str, **how: Any) -> Any:
    answer = bench.client.get(f"/api/metrics/{name}", params=how)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_catalogue_is_told(light: Bench) -> None:
    told = light.client.get("/api/metrics").json()["metrics"]
    assert [one["name"] for one in told] == list(CATALOGUE)
    assert {"unit", "kind", "labels", "source", "formula", "guide", "window_s"} <= set(told[0])


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_metric_of_the_catalogue_answers(light: Bench, name: str) -> None:
    light.send(light.slot_run(), light.slot_run("us-west", status=Status.FAILED, minutes_ago=2))
    told = ask(light, name)
    assert told["metric"]["name"] == name
    if told["metric"]["source"] == "runs" and not name.startswith(("web_vital_fid", "web_vital_inp")):
        assert told["series"], "runs say something of it"


def test_samples_become_points(bench: Bench) -> None:
    save(bench, (90, 12), (5, 9), (4, 8))
    told = ask(bench, "inventory_remaining_tickets", step=3600)
    (series,) = told["series"]
    assert series["labels"] == {"city": "dallas", "tier": "ga"}
    assert [(p["value"], p["min"], p["n"]) for p in series["points"]] == [(12, 12, 1), (8, 8, 2)]
    assert told["step_s"] == 3600


def test_runs_become_points(bench: Bench) -> None:
    bench.send(*(bench.slot_run(minutes_ago=n) for n in (1, 6)), bench.slot_run("us-west", status=Status.MISSED))
    told = ask(bench, "journey_success_ratio", step=86_400)
    found = {one["labels"]["location"]: one["points"][-1] for one in told["series"]}
    assert (found["us-east"]["value"], found["us-east"]["n"]) == (1, 2)
    assert (found["us-west"]["value"], found["us-west"]["coverage"]) == (None, 0)


@pytest.mark.parametrize(("days", "step"), [(1, 300), (1, 60), (10, 3600), (10, 86_400)])
def test_raw_samples_and_rollups_of_a_window_say_the_same(light: Bench, days: int, step: int) -> None:
    save(light, *((60 * 24 * days - 90 * n - 30, float(n)) for n in range(16 * days)))
    since = light.now - timedelta(days=days)
    told = ask(light, "inventory_remaining_tickets", **{"from": since.isoformat(), "step": step})
    points = told["series"][0]["points"]
    assert sum(p["n"] for p in points) == 16 * days
    assert points[-1]["value"] == 16 * days - 1


def test_what_samples_were_is_still_known_when_they_are_gone(light: Bench) -> None:
    save(light, (60 * 24 * 100, 7))
    with light.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM samples")
    since = light.now - timedelta(days=120)
    told = ask(light, "inventory_remaining_tickets", **{"from": since.isoformat(), "step": 86_400})
    assert [p["value"] for p in told["series"][0]["points"]] == [7]


def test_percentiles_over_days_come_from_sketches(light: Bench) -> None:
    its = {"endpoint": "/", "location": "hub"}
    save(light, *((60 * 24 * 3 - n, (n + 1) / 1000) for n in range(1000)), metric="endpoint_response_seconds", **its)
    since = light.now - timedelta(days=4)
    told = ask(light, "endpoint_response_seconds", **{"from": since.isoformat(), "step": 86_400 * 30})
    (point,) = told["series"][0]["points"]
    assert point["n"] == 1000
    assert point["p95"] == pytest.approx(0.95, rel=0.02)


def test_runs_before_passed_ones_were_let_go_say_nothing(light: Bench) -> None:
    since = light.now - timedelta(days=60)
    told = ask(light, "journey_success_ratio", **{"from": since.isoformat(), "step": 86_400})
    assert told["since"] == (light.now - timedelta(days=35)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_label_chooses_series(light: Bench) -> None:
    save(light, (5, 1))
    save(light, (5, 2), city="dallas", tier="vip")
    told = ask(light, "inventory_remaining_tickets", tier="vip")
    assert [one["labels"]["tier"] for one in told["series"]] == ["vip"]
    assert ask(light, "inventory_remaining_tickets", tier="none")["series"] == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("nonsense", 404, "no metric is named 'nonsense'"),
        ("inventory_seats.json", 404, "no metric is named"),
        ("inventory_seats?town=x", 422, "no label 'town'; it has city, tier"),
        ("inventory_seats?from=yesterday", 422, "from"),
        ("inventory_seats?from=2026-11-01T00:00:00", 422, "from"),
        ("inventory_seats?from=2030-01-01T00:00:00Z", 422, "lie before `to`"),
        ("inventory_seats?to=0001-01-01T00:00:00%2B14:00", 422, "to: the moment is not between 1970 and 2200"),
        ("inventory_seats?from=9999-12-31T23:59:59-14:00", 422, "from: the moment is not between 1970 and 2200"),
        ("inventory_seats?step=1", 422, "larger step"),
        ("inventory_seats?step=0", 422, "step"),
        ("inventory_seats?step=99999999999", 422, "step"),
        ("inventory_seats?step=1.5", 422, "step"),
        ("inventory_seats?format=xml", 422, "format"),
        ("browser_request_seconds?from=2026-11-01T00:00:00Z&step=3600", 422, "7 days at most"),
    ],
)
def test_a_question_that_is_none_is_refused_with_what_to_ask(light: Bench, path: str, status: int, says: str) -> None:
    answer = light.client.get(f"/api/metrics/{path}")
    assert answer.status_code == status
    assert says in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("inventory_remaining_tickets", "text/csv"),
        ("inventory_remaining_tickets", "Text/CSV; q=0.9, */*"),
        ("inventory_remaining_tickets.csv", "*/*"),
        ("inventory_remaining_tickets?format=csv", "application/json"),
    ],
)
def test_csv_has_a_row_for_each_point(light: Bench, path: str, accept: str) -> None:
    save(light, (5, 9))
    answer = light.client.get(f"/api/metrics/{path}", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert 'filename="inventory_remaining_tickets.csv"' in answer.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["city"], row["tier"], row["value"], row["n"], row["p95"]) == ("dallas", "ga", "9.0", "1", "")


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, text/csv;q=0.5"])
def test_everybody_else_gets_json(light: Bench, accept: str) -> None:
    answer = light.client.get("/api/metrics/inventory_seats", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("city", ["=1+1", "+1", "-1", "@x", 'a,b"c'])
def test_a_spreadsheet_computes_nothing_that_a_site_says(light: Bench, city: str) -> None:
    save(light, (5, 9), city=city, tier="ga")
    (row,) = csv.DictReader(io.StringIO(light.client.get("/api/metrics/inventory_remaining_tickets.csv").text))
    assert row["city"] == (city if city.startswith("a") else f"'{city}")


def test_metrics_are_for_whoever_may_read_runs(light: Bench, tmp_path: Any) -> None:
    with a_bench(light.store, tmp_path, access=Access(public=True)) as closed:
        for path in ("/api/metrics", "/api/metrics/inventory_seats", "/api/metrics/inventory_seats.csv"):
            assert closed.client.get(path).status_code == closed.client.get("/api/runs").status_code == 401
        closed.log_in(Role.VIEWER)
        for path in ("/api/metrics", "/api/metrics/inventory_seats"):
            assert closed.client.get(path).status_code == closed.client.get("/api/runs").status_code == 200
