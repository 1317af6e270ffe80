"""Makes the README's pictures anew: a round of the demo, a failed run, the panel, the shop.

make docs
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from demo import Demo, DemoSettings, serve_demo
from facts import Run
from journeys.browser import find_browser, launch_options, sandbox_wanted
from journeys.site import Prices, Site
from reports.round_page import write_round
from reports.run_page import write_run
from runner.job import Job, new_run_id
from runner.start import make_run

PICTURES = Path(__file__).resolve().parent / "pictures"
WORK = Path("var") / "pictures"
LOCATIONS = ("us-east", "us-west", "eu-west")


def a_run(demo: Demo, journey: str, location: str) -> Run:
    """One run at a location of the demo."""
    shop = demo.shop_settings
    prices = Prices(ga=shop.prices.ga, vip=shop.prices.vip, vip_member=shop.member_price("vip"))
    return make_run(
        Job(
            run_id=new_run_id(journey, location, datetime.now(UTC)),
            journey=journey,
            location=location,
            site=Site(base_url=demo.doors[location], cities={"Dallas": "dallas-jan-2026"}, prices=prices),
            evidence=str((WORK / "evidence").resolve()),
            chromium=os.environ.get("SIXFB_CHROMIUM"),
            sandbox=sandbox_wanted(),
            stripe_key=demo.stripe_key,
            stripe_api_base=demo.stripe_url,
        )
    )


def main() -> None:
    """Buy, break, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    evidence = WORK / "evidence"
    with serve_demo(settings=DemoSettings(time_scale=5), doors=LOCATIONS, report=WORK) as demo:
        healthy = [
            a_run(demo, journey, location)
            for location in LOCATIONS
            for journey in ("ga_purchase", "vip_member_discount")
        ]
        round_page = write_round(healthy, title="A round of the demo", evidence=evidence, out=WORK / "round")
        demo.show(healthy)
        demo.faults.start("payment_500")
        failed = a_run(demo, "ga_purchase", "us-east")
        failed_page = write_run(failed, evidence=evidence, out=WORK / "failed")
        demo.show([failed, *healthy[1:]])
        with sync_playwright() as playwright:
            found = find_browser(playwright.chromium.executable_path)
            browser = playwright.chromium.launch(**{**launch_options(sandbox=sandbox_wanted()), **found.launch})
            picture(browser, round_page.resolve().as_uri(), "round.png", height=900)
            picture(browser, failed_page.resolve().as_uri(), "failed-run.png", height=1000)
            picture(
                browser, failed_page.resolve().as_uri(), "failed-run-dark-phone.png", width=390, height=844, dark=True
            )
            picture(browser, str(demo.panel_url), "panel.png", height=900)
            demo.faults.clear()
            picture(browser, demo.shop_url, "shop.png", height=800)
            browser.close()


def picture(browser: Browser, url: str, name: str, *, width: int = 1280, height: int, dark: bool = False) -> None:
    """One picture of a page as it first stands in the window."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / name)
    context.close()


if __name__ == "__main__":
    main()
