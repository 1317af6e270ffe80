"""The pages of alerts: what fires, who was told, the form of a silence with its preview, and one alert with its whole trail."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from facts import Blame, Role, Status
from tests.hub.conftest import Bench, csrf_of

FAILED: dict[str, Any] = {
    "status": Status.FAILED,
    "blame": Blame.SITE,
    "failed_step": "proceed_to_stripe",
    "error": "proceed_to_stripe: 500",
}
ALERT = "A1s.ga_purchase.1"


def outage(bench: Bench) -> None:
    bench.send(*(bench.slot_run(place, **FAILED) for place in ("us-east", "us-west")))
    bench.tick()


def shown(bench: Bench, path: str = "/alerts") -> str:
    answer = bench.client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_the_list_says_how_many_fire_who_was_told_and_leads_to_the_incident(light: Bench) -> None:
    assert "<h1>No alert fires.</h1>" in shown(light)
    outage(light)
    page = shown(light)
    assert "<h1>1 alert fires. Nobody has acknowledged.</h1>" in page
    for said in (f'href="/alerts/{ALERT}"', 'href="/incidents/inc-1"', "0 of 1 received", "A1s/ga_purchase covers it"):
        assert said in page, said
    light.client.post(f"/api/alerts/{ALERT}/ack", json={"for": "2h"}, headers={"X-Sixfb-Person": "ann"})
    page = shown(light)
    assert "<h1>1 alert fires, acknowledged by ann.</h1>" in page
    assert "acknowledged by ann, 16:20:10, until 18:20:10" in page
    assert "Unacknowledge" in page


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("severity=critical", True),
        ("severity=high", False),
        ("journey=ga_purchase", True),
        ("journey=vip_member_discount", False),
        ("location=us-east", True),
        ("location=eu-west", False),
        ("state=firing", True),
        ("state=resolved", False),
        ("state=acknowledged", False),
    ],
)
def test_the_list_and_its_csv_are_filtered(light: Bench, query: str, listed: bool) -> None:
    outage(light)
    assert (f'href="/alerts/{ALERT}"' in shown(light, f"/alerts?{query}")) is listed
    rows = list(csv.DictReader(io.StringIO(light.client.get(f"/alerts.csv?{query}").text)))
    assert (ALERT in [row["id"] for row in rows]) is listed


@pytest.mark.parametrize("query", ["state=open", "severity=x", "journey=x", "location=x", "page=0", "page=x"])
def test_what_is_no_filter_is_told(light: Bench, query: str) -> None:
    assert light.client.get(f"/alerts?{query}").status_code == 422


def test_a_silence_is_prefilled_by_an_alert_and_previewed_before_it_is_made(light: Bench) -> None:
    light.log_in(Role.OPERATOR)
    outage(light)
    page = shown(light, f"/alerts?silence={ALERT}")
    assert 'name="rule" value="A1s"' in page
    assert 'name="journey" value="ga_purchase"' in page
    form = {"csrf": csrf_of(page), "rule": "A*, F0", "for": "3h", "reason": "<b>deploy</b>"}
    answer = light.client.post("/api/silences/preview", data=form)
    assert answer.status_code == 303
    where = answer.headers["Location"].partition("#")[0]
    assert csrf_of(page) not in where
    page = shown(light, where)
    assert "It would have held back <strong>2 alerts</strong> in the last 7 days, 2 of them critical." in page
    assert 'name="for" value="3h"' in page
    assert 'value="&lt;b&gt;deploy&lt;/b&gt;"' in page
    assert light.client.get("/api/silences").json()["silences"] == []
    assert "There is no alert none." in shown(light, "/alerts?silence=none")
    assert "Match: name what is silenced" in shown(light, "/alerts?preview=1")
    told = light.client.post("/api/silences/preview", json={"match": {"rule": "A1s"}}).json()
    assert [one["id"] for one in told["alerts"]] == [ALERT]
    assert light.client.post("/api/silences/preview", json={"match": {"colour": "x"}}).status_code == 422
    assert light.client.post("/api/silences/preview", json=[]).status_code == 422


def test_the_page_of_an_alert_has_its_whole_trail(light: Bench) -> None:
    outage(light)
    page = shown(light, f"/alerts/{ALERT}")
    for said in (
        "GA purchase: payment fails, since 16:18 UTC.",
        "Messages and receipts",
        "hook",
        "due at",
        "Alert fires",
    ):
        assert said in page, said
    covered = shown(light, "/alerts/F0.ga_purchase.1")
    assert "A1s/ga_purchase covers it" in covered
    answer = light.client.get("/alerts/none")
    assert (answer.status_code, "no alert" in answer.text) == (404, True)


def test_a_viewer_sees_no_button_that_would_be_refused_on_the_page_of_an_alert(light: Bench) -> None:
    outage(light)
    light.log_in(Role.VIEWER)
    page = shown(light, f"/alerts/{ALERT}")
    assert "Acknowledge</button>" not in page
    assert "Silence</a>" not in page
    assert "Resolve</button>" not in page
    assert "Run now</button>" not in page


def test_the_page_of_an_alert_resolves_it_with_a_reason_and_the_trail_keeps_who_and_why(light: Bench) -> None:
    outage(light)
    name = light.log_in(Role.OPERATOR)
    form = {"csrf": csrf_of(shown(light, f"/alerts/{ALERT}")), "to": f"/alerts/{ALERT}"}
    answer = light.client.post(f"/api/alerts/{ALERT}/resolve", data={**form, "reason": "  "})
    assert (answer.status_code, "write why it is resolved" in answer.text) == (422, True)
    answer = light.client.post(f"/api/alerts/{ALERT}/resolve", data={**form, "reason": "<b>sold\nout</b>"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/alerts/{ALERT}")
    page = shown(light, f"/alerts/{ALERT}")
    assert f"resolved by {name}: &lt;b&gt;sold out&lt;/b&gt;; it did not recover" in page
    assert "Resolve</button>" not in page
    told = light.client.get(f"/api/alerts/{ALERT}").json()
    assert told["changes"][-1]["note"] == f"resolved by {name}: <b>sold out</b>"


def test_the_page_of_an_alert_of_a_journey_requests_a_run_of_it(light: Bench) -> None:
    outage(light)
    light.log_in(Role.OPERATOR)
    page = shown(light, f"/alerts/{ALERT}")
    assert 'action="/api/journeys/ga_purchase/run-now"' in page
    form = {"csrf": csrf_of(page), "location": ""}
    answer = light.client.post("/api/journeys/ga_purchase/run-now", data=form)
    assert (answer.status_code, answer.headers["Location"].startswith("/runs/")) == (303, True)


def test_every_rule_has_a_page_with_its_settings_and_a_csv(light: Bench) -> None:
    outage(light)
    for rule in light.context.targets.rules():
        page = shown(light, f"/sla/{rule}")
        assert f"{rule} in sla.yaml" in page
    page = shown(light, "/sla/F2a?key=F2a/ga_purchase")
    for said in ("Error budget left", "What spent it", "INC-1", "By location", "recover_share"):
        assert said in page, said
    assert f'href="/alerts/{ALERT}"' in shown(light, "/sla/A1s")
    rows = list(csv.DictReader(io.StringIO(light.client.get("/sla/A1s.csv").text)))
    assert {row["key"] for row in rows} == {"A1s/ga_purchase"}
    assert 'href="/sla/A1s?key=A1s/ga_purchase"' in shown(light, "/sla")
    for path in ("/sla/none", "/sla/none.csv", "/sla/A1s?key=none"):
        assert light.client.get(path).status_code == 404
