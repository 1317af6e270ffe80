"""The journeys under plain pytest: `pytest journeys --headed --slowmo 300 --tracing on`, on pytest-playwright's own page.

Settings are those of `sixfb run`: site.yaml of the current folder, and `--base-url URL` or `SIXFB_SITE` for another site.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from config import ConfigError, read_document, validate, with_settings
from journeys.browser import BrowserMissingError, find_browser, launch_options, sandbox_wanted
from journeys.journey import Journey
from journeys.registry import load_journeys
from journeys.site import Site
from journeys.till import StripeAccess
from journeys.visit import Visit


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a journey, so that `-k ga_purchase` picks one."""
    if "journey" in metafunc.fixturenames:
        found = load_journeys()
        metafunc.parametrize("journey", found.values(), ids=list(found))


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], playwright: Playwright, browser_name: str
) -> dict[str, Any]:
    """The browser that `sixfb run` would use; other engines as pytest-playwright starts them."""
    if browser_name != "chromium" or "channel" in browser_type_launch_args:
        return browser_type_launch_args
    try:
        found = find_browser(playwright.chromium.executable_path)
    except BrowserMissingError as error:
        pytest.exit(str(error), returncode=2)
    return {**launch_options(sandbox=sandbox_wanted()), **found.launch, **browser_type_launch_args}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """As the runner's own context: no service worker, which costs a request a run."""
    return {"service_workers": "block", "viewport": {"width": 1280, "height": 800}, **browser_context_args}


@pytest.fixture(scope="session")
def site(pytestconfig: pytest.Config) -> Site:
    """The site of site.yaml, or at the address given."""
    address = pytestconfig.getoption("base_url", None) or os.environ.get("SIXFB_SITE")
    own = Path(os.environ.get("SIXFB_CONFIG", ".")) / "site.yaml"
    file = own if own.is_file() else Path(__file__).resolve().parent.parent / "site.yaml"
    try:
        document = with_settings(read_document(file), [f"base_url={address}"] if address else [])
        return validate(Site, document)
    except ConfigError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture
def visit(page: Page, site: Site) -> Callable[[Journey], Visit]:
    """Starts a visit of a journey on pytest-playwright's page; a person may be watching, so no deadline holds."""

    def start(journey: Journey) -> Visit:
        key = os.environ.get("STRIPE_SECRET_KEY")
        stripe = StripeAccess(key, os.environ.get("STRIPE_API_BASE")) if key else None
        return Visit(page, site=site, journey=journey, run_id="pytest", stripe=stripe)

    return start
