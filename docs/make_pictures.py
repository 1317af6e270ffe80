"""Makes the pictures of the docs anew from a demo that is watched, broken and looked at: the hub's pages and the shop.

make docs
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from journeys.browser import find_browser, launch_options, sandbox_wanted

PICTURES = Path(__file__).resolve().parent / "pictures"
WORK = Path("var") / "pictures"
_WITHIN_S = 600


def main() -> None:
    """Watch, break, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with a_demo() as told:
        take_pictures(told["hub"], told["shop"])


def take_pictures(hub: str, shop: str) -> None:
    """Take the pictures of a demo: while all is well, and after payment was broken."""
    with sync_playwright() as playwright:
        found = find_browser(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(**{**launch_options(sandbox=sandbox_wanted()), **found.launch})
        wait(lambda: len({(r["journey"], r["location"]) for r in asked(hub, "runs") if r["status"] == "passed"}) == 6)
        picture(browser, shop, "shop.png", height=800)
        picture(browser, f"{hub}/executive", "executive.png", height=1000)
        picture(browser, f"{hub}/journeys/ga_purchase", "journey.png", height=1000)
        picture(browser, f"{hub}/reports/monthly?for={a_month()}", "report.png", height=1000)
        httpx.put(f"{shop}/__faults/payment_500").raise_for_status()
        wait(lambda: any(a["rule"] == "A1s" and a["state"] == "firing" for a in asked(hub, "alerts")))
        failed = next(r for r in asked(hub, "runs") if r["status"] == "failed" and r["journey"] == "ga_purchase")
        picture(browser, hub, "overview-outage.png", height=1000)
        picture(browser, hub, "overview-outage-dark-phone.png", width=390, height=844, dark=True)
        run = f"{hub}/runs/{failed['run_id']}"
        incident = next(a["incident"] for a in asked(hub, "alerts") if a["state"] == "firing" and a["incident"])
        picture(browser, f"{hub}/incidents/{incident}", "incident.png", height=1000)
        picture(browser, run, "failed-run.png", height=1000)
        picture(browser, run, "failed-run-dark-phone.png", width=390, height=844, dark=True)
        browser.close()


def a_month() -> str:
    """Return the month of which the demo has at least two weeks: this one, or the one before."""
    today = datetime.now(UTC)
    return f"{today if today.day > 14 else today - timedelta(days=today.day):%Y-%m}"


@contextmanager
def a_demo() -> Iterator[dict[str, Any]]:
    """`sixfb demo` in a process of its own; its addresses."""
    addresses = WORK / "demo" / "addresses.json"
    addresses.unlink(missing_ok=True)
    program = [sys.executable, "-P", "-m", "cli", "demo"]
    demo = subprocess.Popen(program, env={**os.environ, "SIXFB_VAR": str(WORK)}, stdout=subprocess.DEVNULL)
    try:
        wait(addresses.is_file)
        yield json.loads(addresses.read_text(encoding="utf-8"))
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def asked(hub: str, what: str) -> list[dict[str, Any]]:
    """The hub's answer at `/api/runs` or `/api/alerts`."""
    found: list[dict[str, Any]] = httpx.get(f"{hub}/api/{what}", timeout=10).json()[what]
    return found


def wait(holds: Callable[[], bool]) -> None:
    """Until something holds."""
    ends = time.monotonic() + _WITHIN_S
    while not holds():
        if time.monotonic() > ends:
            raise SystemExit(f"the demo did not come that far within {_WITHIN_S} s; {WORK} has its logs")
        time.sleep(1)


def picture(browser: Browser, url: str, name: str, *, width: int = 1280, height: int, dark: bool = False) -> None:
    """One picture of a page as it first stands in the window."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(url, wait_until="load")
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / name)
    context.close()


if __name__ == "__main__":
    main()
