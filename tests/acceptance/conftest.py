"""Runs on a demo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from demo import Demo
from facts import Run
from journeys.site import Prices, Site
from runner.attempt.job import Job, new_run_id
from tests.builders import A_MOMENT
from tests.warm import warm_runs

Buy = Callable[..., Run]


@pytest.fixture
def buy(tmp_path: Path, browser: Browser) -> Buy:
    """Walks a journey at a demo once, without confirming, in the tests' browser; `site` are changes to the site's settings."""
    make = warm_runs(browser)

    def walk(demo: Demo, journey: str, *, site: dict[str, Any] | None = None, **changes: Any) -> Run:
        return make(a_purchase(demo, journey, tmp_path, site=site or {}, **changes))

    return walk


def a_purchase(demo: Demo, journey: str, folder: Path, *, site: dict[str, Any], **changes: Any) -> Job:
    """The job for a journey at a demo, with the demo's prices and Stripe key."""
    shop = demo.shop_settings
    prices = Prices(ga=shop.prices.ga, vip=shop.prices.vip, vip_member=shop.member_price("vip"))
    site_values: dict[str, Any] = {
        "base_url": demo.shop_url,
        "cities": {"Dallas": "dallas-jan-2026"},
        "prices": prices,
        **site,
    }
    values: dict[str, Any] = {
        "run_id": new_run_id(journey, "local", A_MOMENT),
        "journey": journey,
        "location": "local",
        "site": Site(**site_values),
        "evidence": str(folder / "evidence"),
        "confirm": False,
        "confirm_after_s": 0.1,
        "sandbox": False,
        "stripe_key": demo.stripe_key,
        "stripe_api_base": demo.stripe_url,
    }
    return Job(**{**values, **changes})
