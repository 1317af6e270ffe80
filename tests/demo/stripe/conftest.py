"""Fixtures of the stand-in's tests: each test has a stand-in and a shop of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.demo.stripe.stand import Shop, Stage, Stand, a_stand, staged


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The machine's own Chromium where there is one; otherwise the one that Playwright installed."""
    chromium = os.environ.get("SIXFB_CHROMIUM") or shutil.which("chromium")
    return {**browser_type_launch_args, "executable_path": chromium} if chromium else browser_type_launch_args


@pytest.fixture(scope="session")
def stripe_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture(scope="session")
def shop_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def stand(stripe_stage: Stage) -> Stand:
    return a_stand(stripe_stage)


@pytest.fixture
def shop(stand: Stand, shop_stage: Stage) -> Shop:
    """A shop that the stand-in tells of what happens."""
    shop = Shop(shop_stage.url)
    shop_stage.app = shop.app()
    stand.account.webhook_url = f"{shop.url}/hook"
    return shop
