"""By which way a request may come: a hub that asks nobody anything is this machine's alone, whoever passes requests on to it."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from config import Secret
from facts import Role
from hub.access import Access
from store import Store
from tests.hub.conftest import PASSWORD, Bench, a_bench, csrf_of

FORWARDING = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-User",
    "X_Forwarded_For",
    "X-Real-IP",
    "Via",
    "CF-Connecting-IP",
    "CF-Ray",
    "Cdn-Loop",
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Fly-Client-IP",
    "X-Envoy-External-Address",
    "X-Original-Host",
    "X-Original-URI",
    "X-Azure-ClientIP",
    "X-Amzn-Trace-Id",
    "Tailscale-User-Login",
    "Remote-User",
    "X-Auth-Request-User",
    "Forwarded-For",
    "X-Original-Forwarded-For",
    "X-Sucuri-ClientIP",
    "Ali-CDN-Real-IP",
    "EO-Connecting-IP",
    "Cdn-Src-Ip",
    "X-Varnish",
    "Surrogate-Capability",
    "X-MS-Client-Principal-Name",
    "X-Pomerium-Claim-Email",
]
DOORS = [
    "/",
    "/alerts",
    "/runs/none",
    "/login",
    "/static/style.css",
    "/openapi.json",
    "/api/runs",
    "/api/sla",
    "/metrics",
    "/x",
]


def test_an_open_hub_refuses_what_a_proxy_passed_on(light: Bench) -> None:
    for header in FORWARDING:
        for value in ("203.0.113.7", "127.0.0.1", ""):
            answer = light.client.get("/api/runs", headers={header: value})
            assert answer.status_code == 403, header
            assert header.lower() in answer.json()["error"].lower()
            assert "sixfb user add" in answer.json()["error"]


def test_at_every_door_of_an_open_hub(light: Bench) -> None:
    answers = {path: light.client.get(path, headers={"X-Forwarded-For": "203.0.113.7"}).status_code for path in DOORS}
    assert answers == dict.fromkeys(DOORS, 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/runs"),
        ("PUT", f"/api/evidence/{'a' * 64}"),
        ("GET", "/api/plan?location=us-east"),
        ("POST", "/api/slots/claim"),
        ("POST", "/api/alerts/none/ack"),
    ],
)
def test_nor_may_a_program_come_through_a_proxy_where_nobody_asks_it_for_a_token(
    light: Bench, method: str, path: str
) -> None:
    answer = light.client.request(method, path, json={"runs": []}, headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 403
    assert "sixfb token create" in answer.json()["error"]


def test_a_token_comes_through_any_proxy_though_nobody_need_log_in(light: Bench) -> None:
    told = {**light.token(), "X-Forwarded-For": "203.0.113.7"}
    assert light.client.post("/api/runs", json={"runs": []}, headers=told).status_code == 200
    assert light.client.get("/api/runs", headers=told).status_code == 403
    assert light.client.post("/api/runs", json={"runs": []}, headers={"Via": "1.1 x"}).status_code == 401


def test_probes_come_by_any_way(light: Bench) -> None:
    passed_on = {"X-Forwarded-For": "203.0.113.7", "Host": "hub.example.com"}
    assert light.client.get("/healthz", headers=passed_on).status_code == 200
    assert light.client.get("/readyz", headers=passed_on).status_code in (200, 503)


def test_once_people_log_in_a_proxy_may_pass_them_on(light: Bench) -> None:
    light.client.headers["X-Forwarded-For"] = "203.0.113.7"
    light.user(Role.VIEWER)
    assert light.client.get("/alerts").status_code == 303
    assert light.try_login("viewer").status_code == 303
    assert light.client.get("/alerts").status_code == 200


def test_a_proxy_that_is_named_may_pass_on_and_the_pages_say_to_whom_the_hub_is_open(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(proxies=(ip_network("127.0.0.1"),))) as bench:
        answer = bench.client.get("/alerts", headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.status_code == 200
        assert "SIXFB_TRUSTED_PROXIES" in answer.text


def test_another_proxy_than_the_one_that_is_named_may_not(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(proxies=(ip_network("10.0.0.0/8"),))) as bench:
        assert bench.client.get("/alerts", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 403


def test_a_scraper_with_its_token_may_come_through_a_proxy(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(metrics_token=Secret("scrape me"))) as bench:
        told = {"Authorization": "Bearer scrape me", "Via": "1.1 proxy"}
        assert bench.client.get("/metrics", headers=told).status_code == 200
        assert bench.client.get("/metrics", headers={"Via": "1.1 proxy"}).status_code == 403


HOSTS = [
    ("localhost", 200),
    ("LocalHost:8600", 200),
    ("localhost.", 200),
    ("127.0.0.1:1", 200),
    ("127.8.8.8", 200),
    ("[::1]:8600", 200),
    ("203.0.113.7", 400),
    ("203.0.113.7:8600", 400),
    ("[2001:db8::1]", 400),
    ("0.0.0.0", 400),
    ("testserver", 400),
    ("evil.example", 400),
    ("localhost.evil.example", 400),
    ("localhost..", 400),
    ("user@localhost", 400),
    ("127.1", 400),
    ("localhost:80:80", 400),
    ("", 400),
]


def test_an_open_hub_answers_to_names_of_this_machine_alone(light: Bench) -> None:
    for host, status in HOSTS:
        assert light.client.get("/api/runs", headers={"Host": host}).status_code == status, host


def test_a_request_with_two_hosts_or_none_is_refused(light: Bench) -> None:
    two = [("Host", "127.0.0.1"), ("Host", "localhost")]
    assert light.client.get("/api/runs", headers=two).status_code == 400


def test_where_people_log_in_the_host_of_the_links_is_answered_to_as_well(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(linked="hub.example.com")) as bench:
        there = {"Host": "hub.example.com"}
        assert bench.client.get("/alerts", headers=there).status_code == 400
        bench.user(Role.VIEWER)
        assert bench.client.get("/alerts", headers=there).status_code == 303
        assert bench.client.get("/alerts", headers={"Host": "evil.example"}).status_code == 400


PAGES: list[tuple[dict[str, str], int]] = [
    ({}, 200),
    ({"Origin": "http://127.0.0.1:8600"}, 200),
    ({"Referer": "http://127.0.0.1:8600/alerts"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://whatever.example"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "http://127.0.0.1:3000"}, 403),
    ({"Origin": "http://127.0.0.1:8600.evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://["}, 403),
    ({"Referer": "https://evil.example/http://127.0.0.1:8600/"}, 403),
]


def test_another_sites_page_changes_nothing_at_any_door(light: Bench) -> None:
    for headers, status in PAGES:
        assert light.client.post("/api/runs", json={"runs": []}, headers=headers).status_code == status, headers
        acted = light.client.post("/api/alerts/none/ack", json={}, headers=headers).status_code
        assert acted == (404 if status == 200 else 403), headers


def test_a_form_of_our_own_pages_comes_though_they_send_no_referrer(light: Bench) -> None:
    light.user(Role.OPERATOR)
    form = {"csrf": csrf_of(light.client.get("/login").text), "name": "operator", "password": PASSWORD}
    assert light.client.post("/login", data=form, headers={"Origin": "null"}).status_code == 303
    token = csrf_of(light.client.get("/alerts").text)
    assert light.client.post("/logout", data={"csrf": "0" * 64}, headers={"Origin": "null"}).status_code == 403
    assert light.client.post("/logout", data={"csrf": token}, headers={"Origin": "null"}).status_code == 303


def test_a_page_behind_a_proxy_that_rewrites_the_host_is_our_own(sqlite_store: Store, tmp_path: Path) -> None:
    access = Access(hosts=("*.example.net",), linked="hub.example.com")
    with a_bench(sqlite_store, tmp_path, access=access) as bench:
        bench.log_in(Role.OPERATOR)
        for origin, status in (
            ("https://hub.example.com", 404),
            ("https://a.example.net", 404),
            ("https://example.net", 403),
        ):
            answer = bench.client.post("/api/alerts/none/ack", json={}, headers={"Origin": origin, "Via": "1.1 proxy"})
            assert answer.status_code == status, origin


def test_a_websocket_finds_no_door(light: Bench) -> None:
    for headers in ({}, light.token(), {"X-Forwarded-For": "203.0.113.7"}):
        with pytest.raises(WebSocketDisconnect), light.client.websocket_connect("/", headers=headers):
            pass
