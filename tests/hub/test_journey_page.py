"""`/journeys/{name}`: ranges and filters in the address, the way from a cell to its run, the CSV, and the target's own budget."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from facts import Blame, Deploy, Run, Status
from hub.journey_pages import grain_of
from reports.live.journey_runs import PAGE_SIZE
from store import deploys, runs
from tests.hub.conftest import Bench
from tests.reports.markup import parsed

GA = "/journeys/ga_purchase"
FAILED = {"status": Status.FAILED, "blame": Blame.SITE, "failed_step": "proceed_to_stripe", "error": "answered 500"}
DAY_S = 86_400


def a_failed(bench: Bench, place: str = "us-east", minutes_ago: float = 10) -> Run:
    return bench.slot_run(place, minutes_ago=minutes_ago, **FAILED)


def rows_of(html: str) -> list[str]:
    """The ids of the runs of the list, in its order."""
    listed = html[html.index('id="live-runs"') :]
    return re.findall(r'href="/runs/([^"]+)"', listed)


@pytest.mark.parametrize(
    ("days", "period_s", "grain"),
    [
        (1, 300, (300, 900, 1800, 1800)),
        (7, 300, (3600, 7200, 14_400, 14_400)),
        (30, 300, (DAY_S, DAY_S, DAY_S, DAY_S)),
        # Time that runs five times as fast, as in the demo.
        (0.2, 60, (300, 300, 600, 300)),
        # No shorter than the journey's interval, or every other point would be missing.
        (1, 1800, (300, 1800, 1800, 1800)),
        (1, 3000, (300, 3600, 3600, 3600)),
        (7, DAY_S, (3600, DAY_S, DAY_S, DAY_S)),
        (1, 2 * DAY_S, (300, DAY_S, DAY_S, DAY_S)),
    ],
)
def test_a_point_is_never_shorter_than_the_interval(
    days: float, period_s: int, grain: tuple[int, int, int, int]
) -> None:
    assert grain_of(timedelta(days=days), period_s) == grain


@pytest.mark.parametrize("range_key", ["24h", "7d", "30d"])
def test_each_range_shows_its_runs(light: Bench, range_key: str) -> None:
    within, before = {"24h": (0.5, 1.5), "7d": (5, 8), "30d": (20, 31)}[range_key]
    light.send(light.slot_run(minutes_ago=within * 1440), light.slot_run("us-west", minutes_ago=before * 1440))
    html = light.client.get(GA, params={"range": range_key}).text
    assert rows_of(html) == [light.slot_run(minutes_ago=within * 1440).id]
    assert "1 of 1 first attempts passed" in html
    assert f"range={range_key}" in html[: html.index("<main")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("range=2h", "there are 1h, 6h, 24h, 7d, 30d, 13mo, custom"),
        ("range=", "there are 1h, 6h, 24h, 7d, 30d, 13mo, custom"),
        ("range=custom", "from: '' is no moment"),
        ("range=custom&from=2026-11-01T00:00", "to: '' is no moment"),
        ("range=custom&from=2026-11-02T00:00&to=2026-11-01T00:00", "at least 5 minutes before its end"),
        ("range=custom&from=2026-11-02T00:00&to=2026-11-02T00:04", "at least 5 minutes before its end"),
        ("status=broken", "there are passed, failed"),
        ("location=mars", "there are us-east"),
        ("page=0", "write 1 or more"),
        ("page=-1", "write 1 or more"),
        ("page=x", "write 1 or more"),
        ("page=41", "the list ends with page 40"),
    ],
)
@pytest.mark.parametrize("path", [GA, f"{GA}.csv"])
def test_an_address_that_asks_for_what_there_is_not_is_told_what_there_is(
    path: str, query: str, said: str, light: Bench
) -> None:
    answer = light.client.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize("path", ["/journeys/none", "/journeys/none.csv", "/journeys/none/run"])
def test_a_journey_that_is_not_on_the_schedule_is_not_found(path: str, light: Bench) -> None:
    answer = light.client.get(path)
    assert answer.status_code == 404
    assert "no journey 'none' on the schedule" in answer.text


def test_failed_runs_come_first_and_filters_keep_the_others_out(light: Bench) -> None:
    good, bad, newer = light.slot_run(minutes_ago=5), a_failed(light), light.slot_run("us-west", minutes_ago=1)
    light.send(good, bad, newer)
    assert rows_of(light.client.get(GA).text) == [bad.id, newer.id, good.id]
    assert rows_of(light.client.get(GA, params={"status": "passed"}).text) == [newer.id, good.id]
    assert rows_of(light.client.get(GA, params={"status": "failed", "location": "us-east"}).text) == [bad.id]
    empty = light.client.get(GA, params={"status": "failed", "location": "us-west"}).text
    assert rows_of(empty) == []
    assert "None of 24 h is of this status and location." in empty


def test_a_click_on_a_point_of_the_duration_opens_its_slowest_run(light: Bench) -> None:
    quick, slow = (
        light.slot_run(minutes_ago=3, duration_ms=9000),
        light.slot_run("us-west", minutes_ago=4, duration_ms=19_000),
    )
    light.send(quick, slow, a_failed(light, "eu-west", minutes_ago=2))
    html = light.client.get(GA).text
    assert f'data-run="{GA}/run?for=900&amp;at="' in html
    asked = {"for": 900, "at": round((light.now - timedelta(minutes=10)).timestamp())}
    answer = light.client.get(f"{GA}/run", params=asked, follow_redirects=False)
    assert answer.headers["location"] == f"/runs/{slow.id}"


def test_a_long_range_and_a_custom_one_count_in_the_buckets(light: Bench) -> None:
    light.send(light.slot_run(minutes_ago=5), a_failed(light, minutes_ago=200))
    assert "1 of 2 first attempts passed in 13 mo" in light.client.get(GA, params={"range": "13mo"}).text
    since, until = (f"{light.now - timedelta(minutes=n):%Y-%m-%dT%H:%MZ}" for n in (60, 0))
    asked = {"range": "custom", "from": since, "to": until, "back": "24h"}
    html = light.client.get(GA, params=asked).text
    assert "1 of 1 first attempts passed in the chosen time" in html
    assert "Back to 24 h" in html
    assert light.client.get(f"{GA}.csv", params=asked).text.count("passed") == 2


def test_the_pages_of_the_list_have_each_run_once(light: Bench) -> None:
    sent = [light.slot_run(minutes_ago=5 * n) for n in range(1, PAGE_SIZE + 3)] + [
        a_failed(light, "us-west", minutes_ago=5 * n) for n in range(1, 4)
    ]
    light.send(*sent)
    first = light.client.get(GA).text
    older = next(link for link in parsed(first).links() if "page=2" in link)
    second = light.client.get(GA + older.partition("#")[0]).text
    found = rows_of(first) + rows_of(second)
    assert len(rows_of(first)) == PAGE_SIZE
    assert sorted(found) == sorted(run.id for run in sent)
    assert not [link for link in parsed(second).links() if "page=3" in link]


def test_the_csv_has_all_runs_of_the_filter(light: Bench) -> None:
    light.send(light.slot_run(minutes_ago=5), a_failed(light))
    answer = light.client.get(f"{GA}.csv", params={"status": "failed"})
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(answer.text.splitlines())
    assert (row["status"], row["error"], row["location"]) == ("failed", "answered 500", "us-east")
    assert len(light.client.get(f"{GA}.csv").text.splitlines()) == 3


def test_a_click_on_a_cell_leads_to_its_failed_run(light: Bench) -> None:
    bad = a_failed(light, minutes_ago=62)
    light.send(light.slot_run(minutes_ago=61), bad, light.slot_run("us-west", minutes_ago=60.5))
    links = [link for link in parsed(light.client.get(GA).text).links() if "/run?" in link and "us-east" in link]
    found = [light.client.get(link, follow_redirects=False) for link in links]
    assert found
    assert {one.status_code for one in found} == {303}
    assert f"/runs/{bad.id}" in {one.headers["Location"] for one in found}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("location=us-east&at=1764500400&for=900", 404),
        ("location=mars&at=1764500400&for=900", 422),
        ("location=us-east&at=&for=900", 422),
        ("location=us-east&at=-1&for=900", 422),
        ("location=us-east&at=99999999999&for=900", 422),
        ("location=us-east&at=9999999999&for=900", 404),
        ("location=us-east&at=1764500400&for=0", 422),
        ("location=us-east&at=1764500400&for=99999999", 422),
        ("location=us-east&at=1764500400&for=٣", 422),
        ("", 422),
    ],
)
def test_a_cell_that_nothing_is_kept_of_is_an_error_that_says_so(query: str, status: int, light: Bench) -> None:
    answer = light.client.get(f"{GA}/run?{query}", follow_redirects=False)
    assert answer.status_code == status, answer.text


def test_the_budget_is_that_of_the_page_it_leads_to(light: Bench) -> None:
    light.send(*(a_failed(light, minutes_ago=300 * n) for n in range(1, 5)), light.slot_run(minutes_ago=2))
    light.tick()
    html = light.client.get(GA).text
    link = next(link for link in parsed(html).links() if link.startswith("/sla/"))
    card = html[html.index('data-widget="budget"') :]
    left, minutes = re.findall(r"<b>([\d.]+)</b>.*?class=\"delta\">([^<]+) of", card)[0]
    target = light.client.get(link).text
    assert "4 bad first attempts" in card
    assert f"<b>{left} %</b>" in target
    assert f"{minutes} of" in target


def test_a_journey_without_a_result_says_what_to_do(light: Bench) -> None:
    html = light.client.get(GA).text
    assert "It is not known yet whether buyers can finish the GA purchase." in html
    assert "Start a runner: sixfb runner --location NAME." in html


def test_a_long_history_of_marks_stays_within_a_page(light: Bench) -> None:
    with light.store.write() as connection:
        for number in range(40):
            at = light.now - timedelta(minutes=10 * number + 1)
            deploys.add(connection, Deploy(id=f"d{number}", version=f"v{number}", by="ci", at=at, received_at=at))
    for place in ("us-east", "us-west", "eu-west"):
        light.send(*(light.slot_run(place, minutes_ago=30 * n + 2) for n in range(47)))
    html = light.client.get(GA).text
    assert html.count("/run?location=") > 130
    assert len(html.encode()) < 150_000, len(html.encode())


def test_what_a_person_reclassified_is_listed_as_what_it_is_now(light: Bench) -> None:
    bad = a_failed(light)
    light.send(bad, light.slot_run(minutes_ago=5))
    with light.store.write() as connection:
        runs.reclassify(connection, bad.id, blame=Blame.RUNNER, by="ann", reason="our network", at=light.now)
    assert rows_of(light.client.get(GA).text)[0] != bad.id
    assert rows_of(light.client.get(GA, params={"status": "failed"}).text) == []
    assert rows_of(light.client.get(GA, params={"status": "errored"}).text) == [bad.id]


def test_times_are_those_of_the_zone_that_the_reader_chose(light: Bench) -> None:
    run = replace(light.slot_run(minutes_ago=5), slot=None)
    light.send(run)
    html = light.client.get(GA, params={"zone": "local", "tz": "Asia/Kolkata"}).text
    shown = run.started_at + timedelta(hours=5, minutes=30)
    assert f"{shown:%H:%M}<span" in html
    assert "ad hoc" in html
