"""What all tests share: the one way to a browser, which is pytest-playwright's with the product's choice of executable.

No test starts a Playwright of its own in this process: two of them cannot live in one event loop.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType

from demo import Demo, DemoSettings, serve_demo
from journeys.browser import find_browser, launch_options
from redact.masking import KNOWN
from store import Store
from tests.databases import BOTH, a_cluster, a_database_with_tables, a_migrated_store


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """What a test left open is found while that test is the one that fails, and not by chance in another.

    It is set up before a test's other fixtures, and so torn down after them. What outlives a test is not looked through again
    after each of the others: that would cost more than the tests.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_secret_of_another_test() -> Iterator[None]:
    """What a test taught this process to mask is masked in no other test.

    Secrets that a fixture of a wider scope read, a cluster's password for one, stay known.
    """
    known, pattern = set(KNOWN._known), KNOWN._pattern
    yield
    KNOWN._known, KNOWN._pattern = known, pattern


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    """The browser that the product would choose, as it would start it."""
    found = find_browser(browser_type.executable_path)
    return {**browser_type_launch_args, **launch_options(sandbox=False), **found.launch}


@pytest.fixture(scope="session")
def opened_demo() -> Iterator[Demo]:
    """A demo for each worker. Its rate limit never bites, so that tests do not disturb one another, and what is slow takes 2.5 s."""
    with serve_demo(settings=DemoSettings(rate_limit=1_000_000, slow_answer_s=2.5)) as demo:
        yield demo


@pytest.fixture
def demo(opened_demo: Demo) -> Iterator[Demo]:
    """The demo with everything mended, before and after."""
    opened_demo.faults.clear()
    yield opened_demo
    opened_demo.faults.clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A throw-away PostgreSQL for each worker."""
    with a_cluster() as url:
        yield url


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The address of a database with the product's tables, on each kind; None is SQLite in the store's own folder."""
    if request.param == "sqlite":
        yield None
        return
    with a_database_with_tables(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def store(database_url: str | None, tmp_path: Path) -> Iterator[Store]:
    """A migrated store, on each kind of database."""
    with a_migrated_store(database_url, tmp_path / "hub") as opened:
        yield opened
