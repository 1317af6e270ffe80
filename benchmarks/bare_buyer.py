"""A ticket bought with bare Playwright: the steps of ga_purchase, nothing recorded, nothing proved.

Prints one JSON line: `steps` (name to ms) and `waited_ms`, the rests between them.

It uses the product's browser and start options, so that what is
compared is the recording; `--plain` starts the browser as Playwright does by itself.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from journeys.browser import find_browser, launch_options

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


def main() -> None:
    url, plain = sys.argv[1], "--plain" in sys.argv
    with sync_playwright() as playwright:
        found = find_browser(playwright.chromium.executable_path).launch
        options = found if plain else {**launch_options(sandbox=False), **found}
        browser = playwright.chromium.launch(**options)
        context = browser.new_context(service_workers="block", viewport={"width": 1280, "height": 800})
        page = context.new_page()
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
        context.close()
        browser.close()
    print(json.dumps({"steps": TOOK, "waited_ms": sum(WAITED)}))


if __name__ == "__main__":
    main()
