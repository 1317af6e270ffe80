"""The login page in a real browser, without scripts: it leads in, looks like the others, and axe finds nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from facts import Role
from store import Store
from tests.axe import violations
from tests.hub.conftest import PASSWORD, Bench, a_bench

pytestmark = pytest.mark.browser


@pytest.fixture
def served(sqlite_store: Store, tmp_path: Path) -> Iterator[tuple[str, Bench]]:
    """A hub with a login at an address of its own."""
    with a_bench(sqlite_store, tmp_path) as bench:
        bench.user(Role.VIEWER, "ann")
        config = uvicorn.Config(bench.client.app, port=0, log_level="warning", proxy_headers=False)
        server = uvicorn.Server(config)
        sock = config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", bench
        server.should_exit = True
        thread.join(10)


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_person_without_scripts_logs_in_where_they_wanted_to_go_and_out_again(
    served: tuple[str, Bench], browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{served[0]}/sla")
        log_in(page, "wrong")
        assert "not known here" in page.get_by_role("alert").inner_text()
        log_in(page)
        assert page.url == f"{served[0]}/sla"
        page.get_by_role("button", name="Log out").click()
        assert page.url == f"{served[0]}/login"
        page.goto(f"{served[0]}/sla")
        assert "/login" in page.url


def test_with_scripts_logging_out_leaves_the_page_too(served: tuple[str, Bench], page: Page) -> None:
    page.goto(f"{served[0]}/alerts")
    log_in(page)
    page.wait_for_url("**/alerts")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_a_page_whose_session_is_over_leads_to_the_login(served: tuple[str, Bench], page: Page) -> None:
    page.goto(f"{served[0]}/alerts")
    log_in(page)
    page.wait_for_url("**/alerts")
    served[1].context.guard.logins.set_password("ann", "another password")
    page.wait_for_url("**/login*", timeout=30_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(served: tuple[str, Bench], browser: Browser, scheme: Literal["light", "dark"]) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(f"{served[0]}/login")
        assert violations(page) == []
        log_in(page, "wrong")
        assert violations(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
