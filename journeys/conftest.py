"""Runs the journeys under plain pytest: `pytest journeys --headed --slowmo 300 --tracing on`, on pytest-playwright's own page.

Settings are those of `sixfb run`: site.yaml of the current folder, and `--base-url URL` or `SIXFB_SITE` for another site.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from config import ConfigError, read_document, validate, with_settings
from config.folder import config_file
from journeys.browser import BrowserMissingError, find_browser, launch_options, sandbox_wanted
from journeys.checkout_session import StripeAccess
from journeys.journey import Journey
from journeys.picture import NoPictureError
from journeys.pytest_report import JourneyFailed, pytest_runtest_makereport
from journeys.recording import Tracer
from journeys.registry import load_journeys, own_folder
from journeys.site import Site
from journeys.site_headers import add_headers, login_header
from journeys.site_secrets import site_secrets
from journeys.visit import Visit

# Where this program was not installed, pytest does not find the plugin by itself.
__all__ = ["pytest_runtest_makereport"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each journey, so that `-k ga_purchase` selects one."""
    if "journey" in metafunc.fixturenames:
        found = load_journeys(own_folder())
        metafunc.parametrize("journey", found.values(), ids=list(found))


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], playwright: Playwright, browser_name: str, pytestconfig: pytest.Config
) -> dict[str, Any]:
    """The browser that `sixfb run` would use; other engines as pytest-playwright starts them."""
    _check_what_is_asked_for(pytestconfig, playwright, browser_name)
    if browser_name != "chromium" or "channel" in browser_type_launch_args:
        return browser_type_launch_args
    try:
        found = find_browser(playwright.chromium.executable_path)
    except BrowserMissingError as error:
        pytest.exit(str(error), returncode=2)
    return {**launch_options(sandbox=sandbox_wanted()), **found.launch, **browser_type_launch_args}


def _check_what_is_asked_for(options: pytest.Config, playwright: Playwright, browser_name: str) -> None:
    """Report before the first test what this machine lacks, because Playwright would report it inside a long traceback."""
    has_display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if options.getoption("--headed") and not has_display:
        pytest.exit("--headed: there is no display here (DISPLAY is not set); run it under xvfb-run", returncode=2)
    managed = Path(getattr(playwright, browser_name).executable_path)
    if browser_name != "chromium" and not managed.is_file():
        how = f"install it with `playwright install --with-deps {browser_name}`"
        pytest.exit(f"--browser {browser_name}: there is none at {managed}; {how}", returncode=2)
    if options.getoption("--video") != "off" and not has_ffmpeg(managed):
        how = "get it with `playwright install ffmpeg`, or use --tracing on, which shows more"
        pytest.exit(f"--video: Playwright's ffmpeg is not here; {how}", returncode=2)


def has_ffmpeg(browser: Path) -> bool:
    """Return whether Playwright's own ffmpeg, the only one that it uses, is installed beside its browser."""
    shelf = next((p.parent for p in browser.parents if re.fullmatch(r"[a-z_]+-\d+", p.name)), browser.parent)
    return any(file.is_file() for file in shelf.glob("ffmpeg-*/ffmpeg-*"))


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the runner's own context: without service workers, which cost a request a run."""
    return {"service_workers": "block", "viewport": {"width": 1280, "height": 800}, **browser_context_args}


@pytest.fixture(scope="session")
def site(pytestconfig: pytest.Config) -> Site:
    """Return the site of site.yaml, or the one at the given address."""
    address = pytestconfig.getoption("base_url", None) or os.environ.get("SIXFB_SITE")
    try:
        document = with_settings(read_document(config_file("site.yaml")), [f"base_url={address}"] if address else [])
        return validate(Site, document)
    except ConfigError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture
def tracer(page: Page, pytestconfig: pytest.Config, output_path: str) -> Iterator[Tracer | None]:
    """Return the tracer that a sensitive step pauses, if pytest-playwright records a trace; it records again at the end of the test."""
    if pytestconfig.getoption("--tracing") == "off":
        yield None
        return
    found = Tracer(page.context, Path(output_path), is_on=True)
    yield found
    found.start()


@pytest.fixture
def visit(
    page: Page, site: Site, tracer: Tracer | None, request: pytest.FixtureRequest, output_path: str
) -> Iterator[Callable[[Journey], Visit]]:
    """Starts a visit of a journey on pytest-playwright's page; slowed down, every limit is four times as long."""
    options: pytest.Config = request.config
    slowed = options.getoption("--slowmo") > 0
    begun: list[Visit] = []

    def start(journey: Journey) -> Visit:
        if lacking := journey.lacks(site):
            raise JourneyFailed("; ".join(map(str, lacking)), pytrace=False)
        key = os.environ.get("STRIPE_SECRET_KEY")
        stripe = StripeAccess(key, os.environ.get("STRIPE_API_BASE")) if key else None
        headers, secrets = _credentials(site)
        add_headers(page.context, site.base_url, headers)
        begun.append(
            Visit(
                page,
                site=site,
                journey=journey,
                run_id="pytest",
                stripe=stripe,
                tracer=tracer,
                unhurried=slowed,
                headers=headers,
                secrets=secrets,
            )
        )
        return begun[-1]

    yield start
    wanted = options.getoption("--screenshot")
    if wanted == "off" or not any(visit.has_secrets for visit in begun):
        return
    if wanted == "on" or request.node.rep_call.failed:
        _take_picture(begun[-1], Path(output_path), request.node)
    # pytest-playwright takes its own of every page that is still open, and knows nothing of secrets.
    for opened in page.context.pages:
        opened.close()


def _credentials(site: Site) -> tuple[dict[str, str], list[str]]:
    """Return the headers that site.yaml names for the site, including its login, and the secrets in them."""
    try:
        basic, named = site_secrets(site)
    except ConfigError as error:
        pytest.exit(str(error), returncode=2)
    headers = {name: value.reveal() for name, value in named.items()}
    secrets = list(headers.values())
    if basic is not None:
        secrets += [basic.reveal(), basic.reveal().partition(":")[2]]
        headers |= login_header(basic)
    return headers, secrets


def _take_picture(visit: Visit, folder: Path, test: pytest.Item) -> None:
    try:
        picture = visit.picture()
    except NoPictureError as error:
        test.add_report_section("teardown", "picture", f"no picture: {error}")
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "picture.jpg").write_bytes(picture.jpeg)
