"""The hosted page, as a person meets it in a browser."""

from __future__ import annotations

import re

import pytest
import stripe
from playwright.sync_api import Frame, Page, expect

from tests.demo.stripe.stand import Shop, Stand, eventually

pytestmark = pytest.mark.browser

DECLINED = "Your credit card was declined. Try paying with a debit card instead."


def open_page(page: Page, stand: Stand, shop: Shop, layout: str = "single") -> stripe.checkout.Session:
    """Open a session of the shop in a layout; gives the session."""
    stand.account.layout = layout
    back = {
        "success_url": f"{shop.url}/success?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{shop.url}/register",
    }
    session = stand.open_session(**back)
    page.goto(str(session.url))
    return session


def form_of(page: Page) -> Page | Frame:
    """The page, or the frame in a frame, that has the form."""
    if page.locator("iframe").count() == 0:
        return page
    page.frame_locator("iframe").frame_locator("iframe").locator("form").wait_for()
    return next(frame for frame in page.frames if frame.locator("form").count())


def fill(form: Page | Frame, number: str = "4242424242424242") -> None:
    """Fill everything in, a key at a time where the page shapes what is typed."""
    form.locator(".SubmitButton").wait_for()
    if form.get_by_test_id("card-accordion-item-button").count():
        form.get_by_test_id("card-accordion-item-button").click()
        form.locator("#phoneNumber").fill("2015550123")
    form.locator("#cardNumber").press_sequentially(number)
    form.locator("#cardExpiry").press_sequentially("1234")
    form.locator("#cardCvc").fill("123")
    for field, text in {
        "billingName": "Sam Buyer",
        "billingAddressLine1": "1 Main St",
        "billingLocality": "Dallas",
        "billingPostalCode": "75201",
    }.items():
        form.locator(f"#{field}").fill(text)
    form.locator("#billingAdministrativeArea").select_option("TX")


def press_pay(form: Page | Frame) -> None:
    form.get_by_role("button", name=re.compile("^Pay$")).click()


@pytest.mark.parametrize("layout", ["single", "accordion", "frame"])
def test_a_test_card_pays_in_every_layout_and_leads_back_to_the_shop(
    page: Page, stand: Stand, shop: Shop, layout: str
) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    session = open_page(page, stand, shop, layout)
    expect(page.get_by_test_id("order-summary")).to_contain_text("$1,000.00")
    form = form_of(page)
    fill(form)
    press_pay(form)
    expect(page).to_have_url(f"{shop.url}/success?session_id={session.id}")
    assert stand.account.sessions()[0]["payment_status"] == "paid"
    assert wrong == []


@pytest.mark.parametrize("layout", ["single", "accordion", "frame"])
def test_a_decline_stays_on_the_page_and_another_card_may_be_tried(
    page: Page, stand: Stand, shop: Shop, layout: str
) -> None:
    session = open_page(page, stand, shop, layout)
    form = form_of(page)
    fill(form, "4000000000000002")
    press_pay(form)
    expect(form.get_by_role("alert")).to_have_text(DECLINED)
    expect(page).to_have_url(str(session.url))
    form.locator("#cardNumber").fill("4242424242424242")
    press_pay(form)
    expect(page).to_have_url(re.compile("/success"))


def test_what_is_typed_is_shaped_like_a_card(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop)
    page.locator("#cardNumber").press_sequentially("378282246310005")
    expect(page.locator("#cardNumber")).to_have_value("3782 822463 10005")
    for typed, shown in {"3": "03 / ", "1234": "12 / 34", "12/34": "12 / 34", "122034": "12 / 34"}.items():
        page.locator("#cardExpiry").fill("")
        page.locator("#cardExpiry").press_sequentially(typed)
        expect(page.locator("#cardExpiry")).to_have_value(shown)
    page.locator("#cardExpiry").fill("1 / 2034")
    expect(page.locator("#cardExpiry")).to_have_value("01 / 34")


def test_a_typed_expiry_can_be_deleted_again(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop)
    page.locator("#cardExpiry").press_sequentially("1234")
    for _ in range(8):
        page.locator("#cardExpiry").press("Backspace")
    expect(page.locator("#cardExpiry")).to_have_value("")


def test_an_empty_form_says_what_is_missing_and_asks_the_server_nothing(page: Page, stand: Stand, shop: Shop) -> None:
    asked: list[str] = []
    open_page(page, stand, shop)
    page.on("request", lambda request: asked.append(request.url))
    press_pay(page)
    expect(page.get_by_role("alert").first).to_have_text("Required")
    assert page.get_by_role("alert").count() == 8
    assert asked == []


def test_an_invalid_number_is_told_at_the_field(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop)
    fill(page, "4242424242424241")
    press_pay(page)
    expect(page.get_by_role("alert")).to_have_text("Your card number is invalid.")
    assert stand.account.charges() == []


def test_a_remembered_account_needs_a_phone_number(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop, "accordion")
    fill(page)
    page.locator("#phoneNumber").fill("")
    press_pay(page)
    expect(page.get_by_role("alert")).to_have_text("Required")
    page.locator("#enableStripePass").uncheck()
    expect(page.locator("#phoneNumber")).to_be_hidden()
    press_pay(page)
    expect(page).to_have_url(re.compile("/success"))


@pytest.mark.parametrize(
    "control",
    ["input[type=radio][value=card]", "[data-testid=card-accordion-item-button]", "[data-testid=card-accordion-item]"],
)
def test_the_accordion_hides_the_card_until_it_is_chosen(page: Page, stand: Stand, shop: Shop, control: str) -> None:
    open_page(page, stand, shop, "accordion")
    expect(page.locator(".SubmitButton")).to_be_visible()
    expect(page.locator("#cardNumber")).to_be_hidden()
    expect(page.locator("input[type=radio][value=card]")).to_be_hidden()
    assert page.get_by_role("button", name="Pay").count() > 1
    press_pay(page)
    expect(page.get_by_role("alert")).to_have_text("Select a payment method.")
    page.locator(control).dispatch_event("click")
    expect(page.locator("#cardNumber")).to_be_visible()


def test_the_fields_answer_to_their_names_and_to_what_the_frames_call_them(
    page: Page, stand: Stand, shop: Shop
) -> None:
    open_page(page, stand, shop, "frame")
    form = form_of(page)
    expect(form.get_by_label("Name on card")).to_have_id("billingName")
    expect(form.locator('[data-elements-stable-field-name="cardNumber"]')).to_have_id("cardNumber")
    expect(form.get_by_label("ZIP code")).to_have_id("billingPostalCode")
    expect(form.get_by_placeholder("MM / YY")).to_have_id("cardExpiry")


def test_a_country_without_states_asks_for_none(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop)
    fill(page)
    page.locator("#billingCountry").select_option("DE")
    page.locator("#billingPostalCode").fill("10115")
    expect(page.locator("#billingAdministrativeArea")).to_be_hidden()
    press_pay(page)
    expect(page).to_have_url(re.compile("/success"))
    assert stand.account.charges()[0]["billing_details"]["address"]["country"] == "DE"


def test_back_leads_to_the_shop_with_the_session_still_open(page: Page, stand: Stand, shop: Shop) -> None:
    open_page(page, stand, shop)
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(f"{shop.url}/register")
    assert stand.account.sessions()[0]["status"] == "open"


def test_the_fault_success_unpaid_shows_the_shop_a_buyer_who_did_not_pay(page: Page, stand: Stand, shop: Shop) -> None:
    stand.faults.start("success_unpaid")
    open_page(page, stand, shop)
    fill(page)
    press_pay(page)
    expect(page.get_by_role("heading", name="Registration Successful!")).to_be_visible()
    assert stand.account.sessions()[0]["payment_status"] == "unpaid"
    assert shop.received == []


def test_keystrokes_are_counted_and_looking_is_none(page: Page, stand: Stand, shop: Shop) -> None:
    stand.account.live = True
    open_page(page, stand, shop)
    expect(page.locator(".SubmitButton")).to_be_visible()
    assert "pk_live_" in page.content()
    assert stand.account.keystrokes == 0
    page.locator("#cardNumber").press_sequentially("4242")
    eventually(lambda: stand.account.keystrokes == 4)


def test_a_name_from_the_shop_is_shown_as_text(page: Page, stand: Stand, shop: Shop) -> None:
    price = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "<img src=x onerror=alert(1)>"}}
    session = stand.open_session(line_items=[{"quantity": 2, "price_data": price}])
    page.goto(str(session.url))
    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    expect(page.get_by_text("Qty 2, $1.00 each")).to_be_visible()
