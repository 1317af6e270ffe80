"""Reports as pages of the hub: the list, each report, its file, and what is no report."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from facts import Blame, Status
from hub.permissions import Requirement, need
from reports.periodic.registry import REPORTS
from tests.hub.conftest import Bench


def test_the_list_has_every_report_with_the_period_that_it_is_and_the_last_ones(light: Bench) -> None:
    page = light.client.get("/reports").text
    for name, kind in REPORTS.items():
        assert kind.title in page
        links = re.findall(rf'href="/reports/{name}\?for=([^"&]+)"', page)
        assert len(set(links)) == 3
        for link in set(links):
            assert light.client.get(f"/reports/{name}?for={link}").status_code == 200
    assert page.count("so far") == len(REPORTS)
    assert "November 2026" in page
    assert 'aria-current="page">Reports' in page


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opens_in_the_frame_of_the_hub_about_the_last_whole_period(light: Bench, name: str) -> None:
    light.send(light.slot_run(minutes_ago=10), light.slot_run("us-west", status=Status.FAILED, blame=Blame.SITE))
    light.now += timedelta(days=40)
    page = light.client.get(f"/reports/{name}").text
    assert 'aria-label="Pages"' in page
    assert "What to do" in page
    assert "so far" not in page
    assert "download=1" in page


def test_a_download_is_the_file_that_the_command_writes(light: Bench) -> None:
    answer = light.client.get("/reports/monthly?for=2026-10&download=1")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="monthly-2026-10.html"'
    assert "/static/" not in answer.text
    assert "days of UTC" in answer.text
    assert 'aria-label="Pages"' not in answer.text


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/reports/hourly", 404, "no report 'hourly'; there are: daily, weekly"),
        ("/reports/<script>", 404, "no report"),
        ("/reports/monthly?for=2026-13", 422, "'2026-13' is no month; write it like 2026-11"),
        ("/reports/monthly?for=2099-01", 422, "2099-01 has not begun"),
        ("/reports/daily?for=2026-W48", 422, "is no day; write it like 2026-11-29"),
        (f"/reports/daily?for={'9' * 5000}", 422, "is no day"),
        ("/reports/yearly?for=0000", 422, "is no year"),
    ],
)
def test_what_is_no_report_or_no_period_is_told(light: Bench, address: str, status: int, said: str) -> None:
    answer = light.client.get(address)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert len(answer.text) < 400


def test_an_empty_period_is_the_last_whole_one(light: Bench) -> None:
    assert "October 2026" in light.client.get("/reports/monthly?for=").text


def test_the_period_that_it_is_has_no_next_one(light: Bench) -> None:
    assert "→" not in light.client.get("/reports/monthly?for=2026-11").text
    assert "November 2026 →" in light.client.get("/reports/monthly?for=2026-10").text


def test_links_to_earlier_periods_end(light: Bench) -> None:
    path, seen = "/reports/daily", set()
    while path not in seen:
        seen.add(path)
        page = light.client.get(path).text
        found = re.search(r'href="([^"]+)">←', page)
        path = found[1] if found else path
    assert len(seen) <= 4


def test_reports_are_for_viewers() -> None:
    assert need("GET", "/reports") is need("GET", "/reports/monthly") is Requirement.VIEWER
