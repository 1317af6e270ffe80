"""The shop's pages as a buyer handles them: the traps of the real site."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from demo import Demo, DemoSettings, serve_demo

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(
        base_url=demo.shop_url, service_workers="block", viewport={"width": 1280, "height": 800}
    )
    yield context.new_page()
    context.close()


def to_pricing(page: Page) -> None:
    page.goto("/pricing?city=dallas-jan-2026")
    expect(page.get_by_role("heading", name="Choose Your Experience Level")).to_be_visible()


def to_review(page: Page) -> None:
    page.get_by_placeholder("Enter your first name").fill("A")
    page.get_by_placeholder("Enter your last name").fill("Buyer")
    page.get_by_placeholder("your.email@example.com").fill("a@example.com")
    page.get_by_placeholder("(555) 123-4567").fill("5551234567")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Business Type")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text("Order Summary")).to_be_visible()


def verify(page: Page, email: str) -> None:
    page.get_by_placeholder("Enter your 6FB registered email").fill(email)
    page.get_by_role("button", name="Verify Membership").click()


def test_a_card_changes_its_name_when_it_opens(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Expand details for Dallas, TX workshop").click()
    expect(page.get_by_role("button", name="Collapse details for Dallas, TX workshop")).to_be_visible()
    page.get_by_role("button", name="Select Dallas Workshop").click()
    expect(page).to_have_url("/pricing?city=dallas-jan-2026")


def test_there_are_more_buttons_of_a_name_than_one_would_think(page: Page) -> None:
    page.goto("/")
    assert page.get_by_role("button", name="Expand details").count() == 12
    assert page.get_by_role("alert").count() == 1
    to_pricing(page)
    assert page.get_by_role("button", name="Secure Your").count() == 2
    assert page.get_by_label("Email").count() == 0


def test_a_click_before_the_scripts_is_lost(browser: Browser) -> None:
    with serve_demo(settings=DemoSettings(hydration_delay_ms=3000)) as demo:
        page = browser.new_page()
        page.goto(demo.shop_url)
        page.get_by_role("button", name="Expand details for Dallas, TX workshop").click()
        expect(page.get_by_role("button", name="Expand details for Dallas, TX workshop")).to_be_visible()
        assert page.get_by_role("button", name="Select Dallas Workshop").count() == 0
        page.context.close()


def test_a_city_that_nobody_knows_leads_home(page: Page) -> None:
    page.goto("/pricing?city=nowhere")
    expect(page.get_by_role("heading", name="Choose Your Workshop City")).to_be_visible()
    expect(page).to_have_url("/")


def test_a_member_sees_the_member_price_and_a_stranger_does_not(page: Page) -> None:
    to_pricing(page)
    verify(page, "stranger@example.com")
    expect(page.get_by_text("Email not found in our 6FB member database")).to_be_visible()
    page.get_by_role("button", name="Try Different Email").click()
    verify(page, "member@6fb.com")
    for text in ("Verified 6FB Member!", "Welcome back, Demo Member", "20% Discount Applied", "Save $300", "$1,200"):
        expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_a_dead_check_looks_like_a_stranger(page: Page, demo: Demo) -> None:
    demo.faults.start("verify_down")
    to_pricing(page)
    verify(page, "member@6fb.com")
    expect(page.get_by_text("Email not found in our 6FB member database")).to_be_visible()


@pytest.mark.parametrize(
    ("tickets", "texts"),
    [(2, ["Save $100", "$1,900", "Bulk Discount (2 tickets) (5% off)"]), (4, ["Save $600", "$3,400"])],
)
def test_more_tickets_cost_less_each(page: Page, tickets: int, texts: list[str]) -> None:
    to_pricing(page)
    for _ in range(tickets - 1):
        page.get_by_role("button", name="+", exact=True).click()
    for text in texts:
        expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_a_promotion_is_shown_and_never_charged(page: Page, demo: Demo) -> None:
    to_pricing(page)
    page.get_by_placeholder("Enter promo code").fill("save50")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Promo Code: SAVE50 (10% off)")).to_be_visible()
    page.get_by_role("button", name="General Admission Spot").click()
    to_review(page)
    expect(page.locator(".total")).to_contain_text("$900")
    page.get_by_role("button", name="Proceed to Payment").click()
    page.wait_for_url("**/c/pay/**")
    assert demo.account.sessions()[-1]["amount_total"] == 100_000


def test_what_the_pages_tell_each_other_is_in_the_session_storage(page: Page) -> None:
    to_pricing(page)
    page.get_by_role("button", name="VIP Experience Spot").click()
    expect(page).to_have_url("/register?city=dallas-jan-2026&type=vip&quantity=1")
    kept = json.loads(page.evaluate("JSON.stringify({...sessionStorage})"))
    assert set(json.loads(kept["6fb-registration-data"])) == {"pricing", "ticketInfo", "userInfo", "promoInfo"}
    city = json.loads(kept["6fb-city-selection"])
    assert (city["cityId"], city["cityName"]) == ("dallas-jan-2026", "Dallas, TX")


def test_a_members_name_is_filled_in_and_the_address_is_not(page: Page) -> None:
    to_pricing(page)
    verify(page, "dre@6fb.com")
    page.get_by_role("button", name="VIP Experience Spot").click()
    expect(page.get_by_placeholder("Enter your first name")).to_have_value("Dre")
    expect(page.get_by_placeholder("Enter your last name")).to_have_value("")
    expect(page.get_by_placeholder("your.email@example.com")).to_have_value("")


def test_the_phone_is_written_anew_and_next_waits_for_all_four(page: Page) -> None:
    page.goto("/register?type=GA&quantity=1")
    next_button = page.get_by_role("button", name="Next", exact=True)
    expect(next_button).to_be_disabled()
    page.get_by_placeholder("Enter your first name").fill("A")
    page.get_by_placeholder("Enter your last name").fill("B")
    page.get_by_placeholder("(555) 123-4567").fill("5551234567")
    expect(page.get_by_placeholder("(555) 123-4567")).to_have_value("(555) 123-4567")
    page.get_by_placeholder("your.email@example.com").fill("not an address")
    expect(next_button).to_be_disabled()
    page.get_by_placeholder("your.email@example.com").fill("a@b.co")
    expect(next_button).to_be_enabled()


@pytest.mark.parametrize(
    ("query", "line", "total", "charged"),
    [
        ("type=VIP&quantity=1", "VIP Ticket × 1", "$1,500", 150_000),
        ("type=vip&quantity=1", "vip Ticket × 1", "$1,000", 150_000),
        ("type=GA&quantity=3", "GA Ticket × 3", "$1,000", 270_000),
        ("cancelled=true", "GA Ticket × 1", "$1,000", 100_000),
    ],
)
def test_a_short_cut_shows_what_it_does_not_charge(
    page: Page, demo: Demo, query: str, line: str, total: str, charged: int
) -> None:
    page.goto(f"/register?{query}")
    to_review(page)
    expect(page.get_by_text(line)).to_be_visible()
    expect(page.locator(".total")).to_contain_text(total)
    page.get_by_role("button", name="Proceed to Payment").click()
    page.wait_for_url("**/c/pay/**")
    assert demo.account.sessions()[-1]["amount_total"] == charged


def test_every_failure_of_the_checkout_is_the_same_native_alert(page: Page, demo: Demo) -> None:
    demo.faults.start("checkout_403")
    told: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto("/register?type=GA&quantity=1")
    to_review(page)
    page.get_by_role("button", name="Proceed to Payment").click()
    expect(page.get_by_role("button", name="Proceed to Payment")).to_be_enabled()
    assert told == ["Failed to proceed to payment. Please try again."]


@pytest.mark.parametrize("query", ["", "?session_id=cs_test_bogus"])
def test_the_last_page_is_content_whatever_happened(page: Page, query: str) -> None:
    page.goto(f"/success{query}")
    expect(page.get_by_role("heading", name="Registration Successful!")).to_be_visible()
    assert page.get_by_text("Amount Paid").count() == 0


@pytest.mark.parametrize(
    ("service_workers", "cost"),
    [("block", 1), ("allow", 2)],
)
def test_a_hard_load_costs_a_request_more_where_there_are_service_workers(
    browser: Browser, service_workers: str, cost: int
) -> None:
    with serve_demo() as demo:
        context = browser.new_context(service_workers="allow" if service_workers == "allow" else "block")
        page = context.new_page()
        page.goto(f"{demo.shop_url}/pricing?city=dallas-jan-2026", wait_until="networkidle")
        spent = 100 - int(context.request.get(f"{demo.shop_url}/api/socket").headers["x-ratelimit-remaining"]) - 1
        context.close()
    assert spent == cost
