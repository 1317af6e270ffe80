"""The hub below a path of somebody else's host: every page, asset, form, redirect and cookie, through a real reverse proxy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from config import Secret
from demo.hub_pages import DemoPages
from demo.serve import Served, a_socket
from facts import Blame, Evidence, Role, Status, to_wire
from hub.access import Access
from hub.app import create_app
from reports.live import asset
from runner.spool.hub_client import HubClient
from runner.spool.spool import Artifact
from store import Store
from tests.hub.conftest import PASSWORD, Bench, a_bench, csrf_of
from tests.hub.reverse_proxy import a_reverse_proxy

PREFIX = "/monitor"
RUN = "run-failed"
TEMPLATES = Path(__file__).resolve().parents[2] / "reports" / "templates" / "live"
either_way = pytest.mark.parametrize("strips", [True, False], ids=["stripped", "left"])


@dataclass
class Behind:
    """A hub behind a proxy; `client` is a browser's, at the proxy's root."""

    bench: Bench
    url: str
    client: httpx.Client
    token: str
    folder: Path


@contextmanager
def behind_a_proxy(store: Store, folder: Path, *, strips: bool) -> Iterator[Behind]:
    """A hub with an outage, evidence of it, faults to switch and messages to read."""
    told = [
        Route(
            "/__faults", lambda _: JSONResponse([{"name": "payment_500", "description": "It answers 500.", "on": True}])
        ),
        Route("/__faults/payment_500", lambda _: JSONResponse({}), methods=["PUT", "DELETE"]),
        Route("/inbox.json", lambda _: JSONResponse([])),
    ]
    shop = Served(Starlette(routes=told), [a_socket()])
    shop.start()
    with a_bench(store, folder, access=Access(prefix=PREFIX, linked="example.com")) as bench:
        demo = DemoPages(shop=shop.urls[0], inbox=f"{shop.urls[0]}/inbox.json")
        hub = Served(create_app(replace(bench.context, additions=(demo,))), [a_socket()])
        hub.start()
        for role in Role:
            bench.user(role)
        token = bench.token()["Authorization"].removeprefix("Bearer ")
        with (
            a_reverse_proxy(hub.urls[0], PREFIX, strips=strips) as proxy,
            httpx.Client(base_url=proxy, timeout=30) as client,
        ):
            yield Behind(bench, proxy, client, token, folder)
        hub.stop()
    shop.stop()


class Addresses(HTMLParser):
    """Every address that a page names, and its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.is_reading = True
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        self.found += [told[name] for name in ("href", "src", "poster", "srcset") if name in told]
        if tag == "meta" and "url=" in told.get("content", ""):
            self.found.append(told["content"].partition("url=")[2])
        self.is_reading = told.get("method", "get") == "get" if tag == "form" else self.is_reading
        if tag == "form" and self.is_reading:
            self.found.append(told["action"])
        elif tag == "form":
            self.forms.append((told["action"], {}))
        if "formaction" in told:
            self.forms.append((told["formaction"], self.forms[-1][1]))
        if tag == "input" and not self.is_reading:
            self.forms[-1][1][told.get("name", "")] = told.get("value", "")


def crawl(client: httpx.Client, first: str) -> tuple[dict[str, int], dict[str, dict[str, str]]]:
    """Follow every address from a page on: the status of each, and each form's fields by its action. All stay below the prefix."""
    todo = [first]
    seen: dict[str, int] = {}
    forms: dict[str, dict[str, str]] = {}
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        answer = client.get(path)
        seen[path] = answer.status_code
        if location := answer.headers.get("Location"):
            assert location.startswith(f"{PREFIX}/"), f"{path} leads to {location}"
            todo.append(location)
        if not answer.headers.get("Content-Type", "").startswith("text/html") or "/trace/" in path:
            continue
        page = Addresses(answer.text)
        forms.update(page.forms)
        addresses = page.found + [action for action, _ in page.forms]
        for address in addresses:
            if address.startswith(("data:", "http://", "https://", "#")):
                continue
            there = urlsplit(urljoin(path, address))
            assert there.path.startswith(f"{PREFIX}/"), f"{path} names {address}"
        todo += [
            urlsplit(urljoin(path, a))._replace(fragment="").geturl()
            for a in page.found
            # What begins with a question mark is the same page with another choice.
            if a[:4] not in ("data", "http") and not a.startswith("?")
        ]
    return seen, forms


def log_in(client: httpx.Client, name: str, after: str = "/") -> httpx.Response:
    page = client.get(f"{PREFIX}/login", params={"next": after})
    assert page.status_code == 200, page.headers
    form = Addresses(page.text).forms[0]
    return client.post(form[0], data={**form[1], "name": name, "password": PASSWORD})


def an_outage(behind: Behind) -> None:
    """Two failed runs, with evidence that the runner sends by the proxy."""
    with httpx.Client(timeout=30) as client:
        evidence = send_evidence(behind, client)
    failed: dict[str, Any] = {"status": Status.FAILED, "blame": Blame.SITE, "error": "500"}
    bench = behind.bench
    good = bench.slot_run("us-east", minutes_ago=20, id="run-good", flaky=False)
    runs = [bench.slot_run(p, failed_step="proceed_to_stripe", **failed) for p in ("us-east", "us-west")]
    told = to_wire([good, replace(runs[0], id=RUN, evidence=evidence), runs[1]])
    assert {t.result for t in bench.context.ingest.batch(json.dumps(told).encode(), now=bench.now)} == {"accepted"}
    bench.tick()


def send_evidence(behind: Behind, client: httpx.Client) -> tuple[Evidence, ...]:
    """Ask for the plan and send a picture, a trace and a text, as a runner does; what was sent."""
    hub = HubClient(f"{behind.url}{PREFIX}/", location="us-east", token=Secret(behind.token), client=client)
    plan = hub.get_plan()
    assert plan is not None
    assert plan.location == "us-east"
    sent = []
    for kind, content in (
        ("screenshot", b"\xff\xd8\xff"),
        ("trace", b"PK\x05\x06" + b"\0" * 18),
        ("page_text", b"text"),
    ):
        name, file = hashlib.sha256(content).hexdigest(), behind.folder / kind
        file.write_bytes(content)
        hub.put_evidence(Artifact(sha256=name, run_id=RUN, kind=kind, path=file))
        sent.append(Evidence(kind=kind, sha256=name, path="x", attempt=1))
    return tuple(sent)


@either_way
def test_every_address_and_form_of_every_page_is_below_the_prefix(
    sqlite_store: Store, tmp_path: Path, strips: bool
) -> None:
    with behind_a_proxy(sqlite_store, tmp_path, strips=strips) as behind:
        an_outage(behind)
        strangers, forms = crawl(behind.client, f"{PREFIX}/alerts")
        assert set(forms) == {f"{PREFIX}/login"}
        assert strangers[f"{PREFIX}/login?next=%2Fmonitor%2Falerts"] == 200
        assert set(strangers.values()) == {200, 303}

        entered = log_in(behind.client, "operator", f"{PREFIX}/runs/{RUN}")
        assert entered.headers["Location"] == f"{PREFIX}/runs/{RUN}"
        for cookie in entered.headers.get_list("Set-Cookie"):
            assert "Path=/monitor" in cookie

        seen, forms = crawl(behind.client, f"{PREFIX}/")
        # A cell of a journey's strip leads on to its run.
        cells = {path for path in seen if path.startswith(f"{PREFIX}/journeys/ga_purchase/run?")}
        assert {seen[path] for path in cells} == {303}
        assert {path for path, status in seen.items() if status != 200} == cells
        evidence = [path for path in seen if path.startswith(f"{PREFIX}/evidence/")]
        viewer = [path for path in seen if path.startswith(f"{PREFIX}/trace/")]
        # The picture is shown on the page and listed below it.
        assert len({path.removesuffix(".jpg") for path in evidence}) == 3
        assert viewer[0].startswith(f"{PREFIX}/trace/index.html?trace={PREFIX}/evidence/")
        assert f"{PREFIX}/runs/run-good" in seen
        assert f"{PREFIX}/inbox.json" in seen
        actions = {re.sub(r"(alerts|runs|journeys)/[^/]+", r"\1/ID", action) for action in forms}
        assert actions == {
            f"{PREFIX}{path}"
            for path in (
                "/api/alerts/ID/ack",
                "/api/alerts/ID/resolve",
                "/api/journeys/ID/run-now",
                "/api/runs/ID/reclassify",
                "/api/shares",
                "/api/silences",
                "/api/silences/preview",
                "/demo/faults/payment_500",
                "/logout",
            )
        }
        for action, fields in sorted(forms.items()):
            typed = {"rule": "F0", "reason": "deploy"} if "/silences" in action else {}
            typed |= {"blame": "site", "reason": "seen"} if action.endswith("/reclassify") else {}
            typed |= {"reason": "gone"} if action.endswith("/resolve") else {}
            answer = behind.client.post(action, data={**fields, **typed})
            assert answer.status_code == 303, action
            assert answer.headers["Location"].startswith(f"{PREFIX}/"), action
            assert behind.client.get(answer.headers["Location"]).status_code == 200
        assert behind.client.get(f"{PREFIX}/alerts").headers["Location"].startswith(f"{PREFIX}/login")


@either_way
def test_what_the_address_says_of_where_to_go_stays_below_the_prefix(
    sqlite_store: Store, tmp_path: Path, strips: bool
) -> None:
    with behind_a_proxy(sqlite_store, tmp_path, strips=strips) as behind:
        for after, goes in (
            (f"{PREFIX}/sla", f"{PREFIX}/sla"),
            ("/sla", f"{PREFIX}/sla"),
            ("/", f"{PREFIX}/"),
            ("//evil.example/", f"{PREFIX}/"),
            ("/monitorium", f"{PREFIX}/monitorium"),
        ):
            behind.client.cookies.clear()
            assert log_in(behind.client, "viewer", after).headers["Location"] == goes
        # Where a browser asks without the slash, or with one too many, it is led to a page of ours, not to the hub's own port.
        assert behind.client.get(PREFIX).status_code == 200
        assert behind.client.get(f"{PREFIX}/alerts/").headers["Location"] == f"{PREFIX}/alerts"
        assert behind.client.get(f"{PREFIX}/openapi.json").json()["servers"] == [{"url": PREFIX}]
        assert behind.client.get(f"{PREFIX}/healthz").json() == {"status": "ok"}


def test_over_https_a_cookie_below_a_prefix_says_that_it_is_secure(sqlite_store: Store, tmp_path: Path) -> None:
    access = Access(prefix=PREFIX, proxies=(ip_network("127.0.0.1"),))
    with a_bench(sqlite_store, tmp_path, access=access) as bench:
        bench.user(Role.VIEWER)
        bench.client.base_url = bench.client.base_url.copy_with(scheme="https")
        bench.client.headers["X-Forwarded-Proto"] = "https"
        page = bench.client.get(f"{PREFIX}/login").text
        form = {"csrf": csrf_of(page), "name": "viewer", "password": PASSWORD}
        told = bench.client.post(f"{PREFIX}/login", data=form).headers.get_list("Set-Cookie")
        assert told[0].startswith("__Secure-sixfb_session=")
        assert all("Secure" in one and "Path=/monitor" in one for one in told)
        assert bench.client.get(f"{PREFIX}/alerts").status_code == 200


def test_a_health_check_on_the_machine_itself_needs_no_prefix(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(prefix=PREFIX)) as bench:
        for path in ("/healthz", "/monitor/healthz"):
            assert bench.client.get(path).status_code == 200
        assert bench.client.get("/monitorium/healthz").status_code == 404


def test_no_template_and_no_script_names_a_path_without_the_prefix() -> None:
    for file in TEMPLATES.glob("*.j2"):
        assert re.findall(r"""(?:href|src|action)=["']/[^"']*""", file.read_text(encoding="utf-8")) == [], file.name
    script, style = asset("live.js"), asset("style.css")
    assert script is not None
    assert style is not None
    assert re.findall(rb"""["'`]/\w""", script[1]) == []
    assert re.findall(rb"url\(['\"]?/", style[1]) == []


@pytest.mark.browser
def test_a_browser_behind_the_proxy_sees_whole_pages_and_its_buttons_work(
    sqlite_store: Store, tmp_path: Path, browser: Browser
) -> None:
    with behind_a_proxy(sqlite_store, tmp_path, strips=True) as behind:
        an_outage(behind)
        context = browser.new_context()
        page, wrong = context.new_page(), []
        page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
        page.goto(f"{behind.url}{PREFIX}/alerts")
        page.get_by_label("Name").fill("operator")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Acknowledge").first.click()
        expect(page.locator("#live-alerts")).to_contain_text("acknowledged by operator", timeout=15_000)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Password")).to_be_visible()
        assert page.url == f"{behind.url}{PREFIX}/login"
        assert wrong == []
        context.close()
