"""The reader's time zone: from the address, then from the cookie, else the business's."""

from __future__ import annotations

import pytest

from hub.reader_zone import COOKIE
from tests.hub.conftest import Bench


def current(page: str) -> str:
    """The zone that the header marks."""
    zones = page.partition('aria-label="Time zone"')[2].partition("</nav>")[0]
    return zones.partition('aria-current="true">')[2].partition("</a>")[0]


@pytest.mark.parametrize("path", ["/", "/alerts", "/sla", "/jobs", "/executive"])
def test_a_choice_is_kept_for_the_other_pages(path: str, light: Bench) -> None:
    assert current(light.client.get(path).text) == "Business (UTC)"
    assert current(light.client.get(f"{path}?zone=utc").text) == "UTC"
    assert current(light.client.get(path).text) == "UTC"
    light.client.get(f"{path}?zone=local&tz=Europe/Berlin")
    page = light.client.get("/operations").text
    assert current(page) == "Local"
    assert "Times: Europe/Berlin" in page


@pytest.mark.parametrize("zone", ["mars", "", "UTC", "local:", "local:../../etc/passwd", "\x00"])
def test_a_cookie_that_is_not_ours_means_the_zone_of_the_business(zone: str, light: Bench) -> None:
    answer = light.client.get("/alerts", headers={"Cookie": f'{COOKIE}="{zone!a}"'})
    assert answer.status_code == 200
    assert current(answer.text) == "Business (UTC)"


@pytest.mark.parametrize("tz", ["", "Mars/Olympus", "../UTC", "a" * 300])
def test_a_zone_that_does_not_exist_is_not_kept(tz: str, light: Bench) -> None:
    page = light.client.get("/alerts", params={"zone": "local", "tz": tz}).text
    assert current(page) == "Local"
    assert "your own zone needs JavaScript" in page
    assert light.client.cookies.get(COOKIE, "").strip('"') == "local"


def test_a_choice_keeps_the_rest_of_the_address(light: Bench) -> None:
    assert 'href="?for=2026-10&amp;zone=utc"' in light.client.get("/reports/monthly?for=2026-10").text


def test_pages_rotate_on_a_wall_without_a_header(light: Bench) -> None:
    path, seen = "/?wall=1", []
    for _ in range(4):
        page = light.client.get(path).text
        assert 'class="wall"' in page
        seen.append(path)
        path = page.partition('data-wall="')[2].partition('"')[0]
    assert seen == ["/?wall=1", "/executive?wall=1", "/operations?wall=1", "/business?wall=1"]
    assert path == "/?wall=1"
    assert "data-wall" not in light.client.get("/").text
