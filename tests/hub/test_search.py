"""The search box: what is named exactly is opened, and whatever else matches is listed."""

from __future__ import annotations

from html import escape

import pytest

from tests.hub.conftest import Bench
from tests.hub.test_permissions import broken_alert

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def broken(light: Bench) -> Bench:
    broken_alert(light)
    return light


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("ga_purchase", "/journeys/ga_purchase"),
        ("  GA Purchase ", "/journeys/ga_purchase"),
        ("run-us-east", "/runs/run-us-east-"),
        ("A1s.ga_purchase.1", "/alerts#A1s.ga_purchase.1"),
        ("inc-1", "/incidents/inc-1"),
        ("us-east", "/#h-locations"),
        ("H4", "/sla#H4"),
    ],
)
def test_what_is_found_once_is_opened(asked: str, leads_to: str, broken: Bench) -> None:
    answer = broken.client.get("/search", params={"q": asked})
    assert answer.status_code == 303, answer.text[-3000:]
    assert answer.headers["Location"].startswith(leads_to)


def test_several_results_are_listed_by_kind(broken: Bench) -> None:
    page = broken.client.get("/search", params={"q": "ga"}).text
    assert 'href="/journeys/ga_purchase"' in page
    assert 'href="/alerts#A1s.ga_purchase.1"' in page


@pytest.mark.parametrize(
    "asked", ["", "   ", "no such thing", "%", "___", HOSTILE, "é" * 3000, "' OR 1=1 --", "\x1b[31m"]
)
def test_what_is_not_there_is_said_and_nothing_is_run(asked: str, light: Bench) -> None:
    answer = light.client.get("/search", params={"q": asked})
    assert answer.status_code == 200
    assert "Type the beginning of" in answer.text
    assert HOSTILE not in answer.text
    assert len(answer.text) < 20_000


def test_a_text_that_is_found_nowhere_is_quoted(light: Bench) -> None:
    assert escape("<b>") in light.client.get("/search", params={"q": "<b>"}).text
