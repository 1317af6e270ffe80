"""Each door beside each kind of visitor: who may come in, and who may not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from config import Secret
from facts import Blame, Role, Status, TokenKind, to_wire
from hub.access import Access
from hub.acknowledge import take_on
from hub.permissions import NAMED, Requirement, need
from store import Store
from tests.hub.conftest import KEY, Bench, a_bench
from tests.hub.routes import routes_of

ROOT = Path(__file__).resolve().parents[2]
OPERATORS, VIEWERS, ANYBODY = {"operator", "admin"}, {"viewer", "operator", "admin"}, None

# method, path, who may: names of visitors, ANYBODY for all
DOORS: list[tuple[str, str, set[str] | None]] = [
    ("GET", "/healthz", ANYBODY),
    ("GET", "/readyz", ANYBODY),
    ("GET", "/login", ANYBODY),
    ("GET", "/login/oidc", ANYBODY),
    ("GET", "/login/oidc/callback", ANYBODY),
    ("GET", "/static/style.css", ANYBODY),
    ("GET", "/openapi.json", ANYBODY),
    ("GET", "/", VIEWERS),
    ("GET", "/executive", VIEWERS),
    ("GET", "/operations", VIEWERS),
    ("GET", "/business", VIEWERS),
    ("GET", "/alerts", VIEWERS),
    ("GET", "/incidents", VIEWERS),
    ("GET", "/incidents.csv", VIEWERS),
    ("GET", "/incidents/inc-1", VIEWERS),
    ("GET", "/api/incidents", VIEWERS),
    ("GET", "/api/incidents/none", VIEWERS),
    ("POST", "/api/incidents/none/escalate", OPERATORS),
    ("GET", "/sla", VIEWERS),
    ("GET", "/sla/none", VIEWERS),
    ("GET", "/reports", VIEWERS),
    ("GET", "/reports/daily", VIEWERS),
    ("GET", "/reports/none", VIEWERS),
    ("GET", "/search?q=ga", VIEWERS),
    ("GET", "/jobs", VIEWERS),
    ("GET", "/api/jobs", VIEWERS),
    ("GET", "/pings", VIEWERS),
    ("GET", "/api/pings", VIEWERS),
    ("GET", "/share/none", ANYBODY),
    ("POST", "/share/none", OPERATORS),
    ("GET", "/shares", OPERATORS),
    ("GET", "/api/shares", OPERATORS),
    ("POST", "/api/shares", OPERATORS),
    ("POST", "/api/shares/none/revoke", OPERATORS),
    ("GET", "/ping/none", ANYBODY),
    # The signature is looked at, and refused, where the page is made: tests/hub/test_action_links.py.
    ("GET", "/links/none?until=1&sig=0", set()),
    ("POST", "/links/none?until=1&sig=0", set()),
    ("HEAD", "/ping/none/start", ANYBODY),
    ("GET", "/ping/none/start", ANYBODY),
    ("POST", "/ping/none", ANYBODY),
    ("GET", "/api/locations", VIEWERS),
    ("GET", "/api/events", VIEWERS),
    ("GET", "/api/metrics", VIEWERS),
    ("GET", "/api/metrics/none", VIEWERS),
    ("GET", "/api/deploys", VIEWERS),
    ("POST", "/api/deploys", {"website"}),
    ("POST", "/ping/none/fail", ANYBODY),
    ("PUT", "/ping/none", OPERATORS),
    ("POST", "/api/jobs/none/run", OPERATORS),
    ("GET", "/journeys/ga_purchase", VIEWERS),
    ("GET", "/journeys/ga_purchase.csv", VIEWERS),
    ("GET", "/journeys/ga_purchase/run", VIEWERS),
    ("GET", "/runs/none", VIEWERS),
    ("GET", "/runs/none.md", VIEWERS),
    ("GET", "/evidence/none", VIEWERS),
    ("GET", "/trace/index.html", VIEWERS),
    ("GET", "/api/runs", VIEWERS),
    ("HEAD", "/api/runs", VIEWERS),
    ("GET", "/api/runs/none", VIEWERS),
    ("GET", "/api/sla", VIEWERS),
    ("GET", "/api/sla/history", VIEWERS),
    ("GET", "/api/alerts", VIEWERS),
    ("GET", "/api/alerts/none", VIEWERS),
    ("GET", "/not/there/yet", VIEWERS),
    ("POST", "/api/alerts/none/ack", OPERATORS),
    ("POST", "/api/alerts/none/unack", OPERATORS),
    ("POST", "/api/alerts/none/resolve", OPERATORS),
    ("GET", "/api/routes", VIEWERS),
    ("GET", "/api/silences", VIEWERS),
    ("GET", "/api/silences/preview?rule=F0", VIEWERS),
    ("POST", "/api/silences", OPERATORS),
    ("POST", "/api/silences/preview", OPERATORS),
    ("GET", "/alerts.csv", VIEWERS),
    ("GET", "/alerts/none", VIEWERS),
    ("DELETE", "/api/silences/none", OPERATORS),
    ("POST", "/api/silences/none/end", OPERATORS),
    ("DELETE", "/not/there/yet", OPERATORS),
    ("POST", "/api/runs", {"us-east"}),
    ("PUT", f"/api/evidence/{'a' * 64}", {"us-east"}),
    ("GET", "/api/plan?location=us-east", {"us-east"}),
    ("POST", "/api/slots/claim", {"us-east"}),
    ("POST", "/api/run-requests/none/take", {"us-east"}),
    ("POST", "/api/journeys/none/run-now", OPERATORS),
    ("POST", "/api/runs/none/reclassify", OPERATORS),
    ("POST", "/api/events", {"website"}),
    ("POST", "/api/webhooks/stripe", ANYBODY),
    ("POST", "/api/webhooks/pagerduty", ANYBODY),
    ("POST", "/api/webhooks/twilio", ANYBODY),
    ("POST", "/v1/logs", {"website"}),
    ("GET", "/metrics", {"viewer", "operator", "admin", "scraper"}),
]
_REFUSED = (401, 403)


@pytest.fixture
def guarded(sqlite_store: Store, tmp_path: Path) -> Any:
    with a_bench(sqlite_store, tmp_path, access=Access(metrics_token=Secret("scrape me"))) as bench:
        yield bench


def visitors(bench: Bench) -> dict[str, dict[str, str]]:
    """Everybody who may come, by name, as the headers they come with."""
    found: dict[str, dict[str, str]] = {
        "nobody": {},
        "us-east": bench.token(),
        "website": bench.token(TokenKind.SOURCE, "website"),
        "scraper": {"Authorization": "Bearer scrape me"},
    }
    for role in Role:
        bench.log_in(role)
        found[role.value] = {"Cookie": f"sixfb_session={bench.client.cookies['sixfb_session']}"}
        bench.client.cookies.clear()
    return found


def test_each_door_lets_in_whom_it_is_for_and_nobody_else(guarded: Bench) -> None:
    wrong = []
    known = visitors(guarded)
    for method, path, welcome in DOORS:
        for name, headers in known.items():
            more = {"Content-Type": "application/json"}
            answer = guarded.client.request(method, path, headers={**headers, **more})
            status = answer.status_code
            to_the_login = answer.headers.get("Location", "").startswith("/login")
            let_in = status not in _REFUSED and not to_the_login
            if let_in != (welcome is ANYBODY or name in welcome):
                wrong.append(f"{name} {method} {path}: {status}")
    assert wrong == []


def test_a_page_leads_who_is_not_logged_in_to_the_login_and_back(guarded: Bench) -> None:
    guarded.user(Role.VIEWER)
    answer = guarded.client.get("/journeys/ga_purchase?since=1h")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=%2Fjourneys%2Fga_purchase%3Fsince%3D1h"
    assert guarded.try_login("viewer", next="/journeys/ga_purchase?since=1h").headers["Location"].endswith("since=1h")


def test_a_door_that_nobody_named_is_never_open() -> None:
    assert need("GET", "/anything") is Requirement.VIEWER
    assert need("POST", "/anything") is Requirement.OPERATOR
    assert need("GET", "/staticky") is Requirement.VIEWER
    assert need("POST", "/static/style.css") is Requirement.OPERATOR
    assert need("DELETE", "/api/runs") is Requirement.OPERATOR
    assert need("HEAD", "/login") is Requirement.NOBODY


def test_every_door_of_the_hub_is_in_the_table_above(guarded: Bench) -> None:
    tried = [(method, path.partition("?")[0]) for method, path, _ in DOORS]
    tried += [("POST", "/login"), ("POST", "/logout")]
    routes = list(routes_of(guarded.client.app))
    assert len(routes) > len(NAMED)
    missing = [
        f"{method} {route.path}"
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
        if not any(method == m and route.path_regex.match(p) for m, p in tried)
    ]
    assert missing == []


def test_the_manual_names_every_door_that_asks_for_something_else_than_a_role() -> None:
    manual = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
    for method, path, asked in NAMED:
        assert re.search(rf"`{method} {re.escape(path)}[^`]*`[^\n]*{re.escape(asked.value)}", manual), (
            f"{method} {path}"
        )


def broken_alert(bench: Bench) -> str:
    places = ("us-east", "us-west")
    runs = [
        bench.slot_run(
            p, status=Status.FAILED, blame=Blame.SITE, failed_step="proceed_to_stripe", error="proceed_to_stripe: 500"
        )
        for p in places
    ]
    bench.context.ingest.batch(json.dumps(to_wire(runs)).encode(), now=bench.now)
    bench.tick()
    return "A1s.ga_purchase.1"


def test_a_viewer_sees_no_button_that_would_be_refused(guarded: Bench) -> None:
    alert = broken_alert(guarded)
    for role, sees in ((Role.VIEWER, False), (Role.OPERATOR, True)):
        guarded.log_in(role)
        page = guarded.client.get("/alerts").text
        assert (f'action="/api/alerts/{alert}/ack"' in page) is sees
        assert f"{role.value}, {role.value}" in page
        guarded.client.cookies.clear()


def test_who_takes_an_alert_on_is_who_is_logged_in_whatever_a_header_says(guarded: Bench) -> None:
    alert = broken_alert(guarded)
    open_hub = guarded.client.post(f"/api/alerts/{alert}/ack", json={}, headers={"X-Sixfb-Person": "ann\x1b[31m"})
    assert open_hub.json()["acked_by"] == "ann[31m"
    take_on(guarded.store, guarded.context.policy, alert, by="ann", now=guarded.now, take=False)
    guarded.log_in(Role.OPERATOR)
    answer = guarded.client.post(f"/api/alerts/{alert}/ack", json={}, headers={"X-Sixfb-Person": "mallory"})
    assert answer.json()["acked_by"] == "operator"


def test_a_metrics_token_of_another_value_opens_nothing(guarded: Bench) -> None:
    guarded.user(Role.VIEWER)
    for told, refused in (("scrape", True), ("scrape me!", True), ("scrape me", False)):
        answer = guarded.client.get("/metrics", headers={"Authorization": f"Bearer {told}"})
        assert (answer.status_code == 401) is refused, told


def test_the_key_of_the_bench_never_prints() -> None:
    assert repr(KEY) == "ServerKey(***)"
