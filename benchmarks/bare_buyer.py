"""Tickets bought with bare Playwright: the steps of ga_purchase, nothing proved, and nothing recorded but what is asked for.

    .venv/bin/python -P benchmarks/bare_buyer.py URL [--plain] [--record KIND] [--times N]

Prints one JSON line a ticket: `steps` (name to ms) and `waited_ms`, the rests between them. It uses the product's browser and
start options, so that what is compared is the recording; `--plain` starts the browser as Playwright does by itself. `--record`
adds one kind of evidence, as the product takes it. `--times` buys again and again with one browser, in a new context each time.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from playwright.sync_api import Browser, Page, Request, sync_playwright

from journeys.browser import find_browser, launch_options
from journeys.recording import Recorder, Tracer
from journeys.recording.phases import request_phases
from journeys.recording.vitals import BINDING, SCRIPT, VitalsLog

TOOK: dict[str, float] = {}
WAITED: list[float] = []


@contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    TOOK[name] = (time.monotonic() - began) * 1000


def rest(page: Page) -> None:
    """Let a page come to rest, as the product does outside its steps: a click that comes before the scripts is lost."""
    began = time.monotonic()
    page.wait_for_load_state("load")
    page.wait_for_timeout(500)
    WAITED.append((time.monotonic() - began) * 1000)


def buy(page: Page, url: str) -> None:
    with step("navigate_to_register"):
        page.goto(f"{url}/", wait_until="domcontentloaded")
        page.get_by_role("heading", level=1).first.wait_for()
    rest(page)
    with step("choose_city"):
        page.get_by_role("button", name=re.compile("^(Expand|Collapse) details for Dallas")).first.click()
        page.get_by_role("button", name=re.compile("^Select Dallas")).first.click()
        page.get_by_role("button", name=re.compile("Secure Your .*General Admission")).first.wait_for()
    rest(page)
    with step("select_ga_ticket"):
        page.get_by_role("button", name=re.compile("Secure Your .*General Admission")).click()
        page.get_by_placeholder("Enter your first name").wait_for()
    rest(page)
    with step("fill_customer_info"):
        page.get_by_placeholder("Enter your first name").fill("Synthetic")
        page.get_by_placeholder("Enter your last name").fill("Buyer")
        page.get_by_placeholder("your.email@example.com").fill("bare@example.com")
        page.get_by_placeholder("(555) 123-4567").fill("5551234567")
        page.get_by_role("button", name="Next", exact=True).last.click()
        page.get_by_placeholder("Enter your first name").wait_for(state="hidden")
        page.get_by_role("button", name="Next", exact=True).last.click()
        page.get_by_role("button", name="Proceed to Payment").wait_for()
    with step("proceed_to_stripe"):
        page.get_by_role("button", name="Proceed to Payment").click()
        page.wait_for_url(re.compile("cs_test_"), wait_until="commit")
        page.locator("#cardNumber").wait_for(state="attached")
    rest(page)
    with step("complete_test_payment"):
        page.locator("#cardNumber").fill("4242424242424242")
        page.locator("#cardExpiry").fill("12 / 34")
        page.locator("#cardCvc").fill("123")
        page.locator("#billingName").fill("Synthetic Buyer")
        page.locator("#billingCountry").select_option("US")
        page.locator("#billingAddressLine1").fill("1 Test Street")
        page.locator("#billingLocality").fill("Dallas")
        page.locator("#billingPostalCode").fill("75201")
        page.locator("#billingAdministrativeArea").select_option("TX")
        page.locator("[data-testid=hosted-payment-submit-button]").click()
        page.wait_for_url(re.compile("/success"), wait_until="commit")
    with step("verify_success_page"):
        page.get_by_role("heading", name="Registration Successful!").wait_for()


Finish = Callable[[], object]


def nothing(_page: Page, _url: str) -> Finish:
    return lambda: None


def vitals(page: Page, url: str) -> Finish:
    """The observer in the page, and what it tells."""
    log = VitalsLog(first={url}, clock=time.monotonic)
    page.context.expose_binding(BINDING, lambda _source, payload: log.take(str(payload)))
    page.context.add_init_script(path=SCRIPT)
    return log.vitals


def phases(page: Page, _url: str) -> Finish:
    """Each request with its status and what its time was spent on."""
    page.context.on("response", lambda response: response.status)
    page.context.on("requestfinished", _phases_of)
    return lambda: None


def sizes(page: Page, url: str) -> Finish:
    """The same, and how much came over the wire, for which the driver has to be asked."""
    page.context.on("requestfinished", lambda request: request.sizes())
    return phases(page, url)


def _phases_of(request: Request) -> dict[str, float]:
    return request_phases(cast("dict[str, float]", request.timing))


def recorder(page: Page, url: str) -> Finish:
    """All that is recorded while the buyer walks: requests with phases and sizes, console, dialogs, vitals."""
    all_of_it = Recorder(site_url=url)
    all_of_it.attach(page.context)
    return all_of_it.nouns


def screenshot(page: Page, _url: str) -> Finish:
    return lambda: page.screenshot(type="jpeg", quality=60, timeout=5000)


def page_text(page: Page, _url: str) -> Finish:
    return lambda: page.locator("body").inner_text(timeout=2000)[:4096]


def trace(page: Page, _url: str) -> Finish:
    """As `--trace on` keeps it."""
    tracer, folder = _tracing(page)
    return lambda: tracer.finish(Path(folder.name) / "trace.zip")


def trace_thrown_away(page: Page, _url: str) -> Finish:
    """Recorded for the case that the run fails, and thrown away because it passed."""
    _tracing(page)
    return page.context.tracing.stop


def _tracing(page: Page) -> tuple[Tracer, tempfile.TemporaryDirectory[str]]:
    folder = tempfile.TemporaryDirectory(prefix="sixfb-bench-")
    tracer = Tracer(page.context, Path(folder.name))
    tracer.start()
    return tracer, folder


KINDS = {
    kind.__name__: kind
    for kind in (nothing, vitals, phases, sizes, recorder, page_text, screenshot, trace_thrown_away, trace)
}


def a_ticket(browser: Browser, url: str, record: str) -> None:
    """Buy one in a new context, and say how long it took."""
    TOOK.clear()
    WAITED.clear()
    context = browser.new_context(service_workers="block", viewport={"width": 1280, "height": 800})
    page = context.new_page()
    finish = KINDS[record](page, url)
    buy(page, url)
    finish()
    context.close()
    print(json.dumps({"steps": TOOK, "waited_ms": sum(WAITED)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--record", choices=tuple(KINDS), default="nothing")
    parser.add_argument("--times", type=int, default=1)
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        found = find_browser(playwright.chromium.executable_path).launch
        options = found if asked.plain else {**launch_options(sandbox=False), **found}
        browser = playwright.chromium.launch(**options)
        for _ in range(asked.times):
            a_ticket(browser, asked.url, asked.record)
        browser.close()


if __name__ == "__main__":
    main()
