"""Hostile text of a shop, of an event and of a reader on every page of the hub: it stays text, also in Markdown and CSV."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from facts import Blame, Status, TokenKind
from tests.builders import a_console_line, a_request, an_attempt, some_steps
from tests.hub.conftest import Bench
from tests.reports.markup import parsed

EVIL = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onclick=x {{ 7*7 }} {% raw %} \u202e\u2066\x1b[31m"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1")
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PAGES = (
    "/",
    "/executive",
    "/operations",
    "/business",
    "/alerts",
    "/alerts/A1s.ga_purchase.1",
    "/incidents",
    "/incidents/inc-1",
    "/sla",
    "/sla/A1s",
    "/journeys/ga_purchase",
    "/runs/run-us-east-161900",
    "/jobs",
    "/reports/daily?for=2026-11-23",
    "/reports/monthly?for=2026-11",
)


@pytest.fixture
def attacked(light: Bench) -> Bench:
    """A hub in an outage whose every foreign text is hostile."""
    error = f"proceed_to_stripe: POST /api/x answered 500 '{EVIL}'; the page showed alert '{EVIL}'"
    attempt = an_attempt(
        status=Status.FAILED,
        blame=Blame.SITE,
        failed_step="proceed_to_stripe",
        error=error,
        page_text=EVIL + "x" * 1_000,
        console=(a_console_line(text=EVIL),),
        requests=(a_request(endpoint=f"/api/{EVIL}", status=500),),
        steps=some_steps(fails_at="proceed_to_stripe", why=error),
    )
    failed: dict[str, Any] = {
        "status": Status.FAILED,
        "blame": Blame.SITE,
        "failed_step": "proceed_to_stripe",
        "error": error,
    }
    for place in ("us-east", "us-west"):
        run = light.slot_run(place, **failed, attempts=(attempt,), steps=attempt.steps, notes=(EVIL,))
        light.send(run)
    deploy = {"version": EVIL[:60], "at": light.now.isoformat(), "note": EVIL}
    light.client.post("/api/deploys", json=deploy, headers=light.token(TokenKind.SOURCE, "shop"))
    light.tick()
    light.client.post("/api/alerts/A1s.ga_purchase.1/ack", json={}, headers={"X-Sixfb-Person": "<script>ann</script>"})
    return light


def harmless(html: str) -> None:
    """Nothing foreign became an element, a handler or a hidden character."""
    page = parsed(html)
    scripts = [element for element in page.all("script") if not dict(element).get("src", "").startswith("/static/")]
    assert scripts == []
    assert [e for e in page.all("img") if dict(e).get("src") == "x"] == []
    assert [name for element in page.elements for name in element.attributes if name.startswith("on")] == []
    assert HIDDEN.search(html) is None
    assert "alert(49)" not in html


def test_it_stays_text_on_every_page(attacked: Bench) -> None:
    shown = ""
    for path in PAGES:
        answer = attacked.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (path, answer.text[:300])
        harmless(answer.text)
        shown += answer.text
    assert "&lt;script&gt;alert(1)" in shown
    assert "{{ 7*7 }}" in shown


def test_what_a_reader_sends_stays_text_as_well(attacked: Bench) -> None:
    for path in ("/search", "/alerts", "/incidents", "/nothing", "/reports/none", "/sla/none", "/runs/none"):
        answer = attacked.client.get(
            path, params={"q": f"none {EVIL}", "severity": EVIL, "for": EVIL}, headers={"Accept": "text/html"}
        )
        assert answer.status_code in (200, 404, 422), path
        assert answer.headers["Content-Type"].startswith("text/html"), path
        harmless(answer.text)


def test_a_post_mortem_and_an_issue_have_no_markup_of_others(attacked: Bench) -> None:
    for path in ("/incidents/inc-1.md", "/runs/run-us-east-161900.md"):
        text = attacked.client.get(path).text
        outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        assert re.search(r"(?<!\\)<(script|img)", outside_code) is None, path
        assert HIDDEN.search(text) is None, path


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_csv_is_a_formula(light: Bench, formula: str) -> None:
    failed: dict[str, Any] = {
        "status": Status.FAILED,
        "blame": Blame.SITE,
        "failed_step": "proceed_to_stripe",
        "error": formula,
    }
    light.send(*(light.slot_run(place, **failed) for place in ("us-east", "us-west")))
    light.tick()
    for path in ("/alerts.csv?state=firing", "/incidents.csv", "/journeys/ga_purchase.csv", "/sla/A1s.csv"):
        answer = light.client.get(path)
        assert answer.status_code == 200, path
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == [], path
