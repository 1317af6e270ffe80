"""What all tests share: the one way to a browser, which is pytest-playwright's with the product's choice of executable.

No test starts a Playwright of its own in this process: two of them cannot live in one event loop.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserType

from journeys.browser import find_browser, launch_options


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    """The browser that the product would choose, as it would start it."""
    found = find_browser(browser_type.executable_path)
    return {**browser_type_launch_args, **launch_options(sandbox=False), **found.launch}
