"""A reader finds a book, signs in and orders it on account."""

from pathlib import Path

import httpx

from sixfb import PlacedOrder, SiteBroken, Visit, journey

PASSWORD_FILE = Path(__file__).with_name("password.txt")


def cancel(order: PlacedOrder) -> None:
    """Cancel one order; it may be asked for twice, so an order that is gone already is well."""
    answer = httpx.delete(order.url(f"/api/orders/{order.order_id}"), timeout=10)
    if answer.status_code not in (204, 404):
        raise SiteBroken(f"the shop answered {answer.status_code} instead of cancelling the order")


@journey(
    title="A reader orders a book",
    steps=("find_book", "fill_basket", "sign_in", "place_order"),
    slow_after_s=10,
    deadline_s=40,
    undo=cancel,
)
def order_a_book(visit: Visit) -> None:
    page, site = visit.page, visit.site

    with visit.step("find_book"):
        visit.go(site.url("/"))
        page.get_by_label("Search").fill("bleak")
        visit.press(page.get_by_role("button", name="Search"))
        visit.see(page.get_by_role("link", name="Bleak House"))

    with visit.step("fill_basket"):
        visit.press(page.get_by_role("link", name="Bleak House"))
        visit.press(page.get_by_role("button", name="Add to basket"))
        total = visit.see(page.get_by_test_id("total")).inner_text()
        if total != "$12.50":
            raise SiteBroken(f"the basket says {total}, and the book costs $12.50")

    with visit.step("sign_in", sensitive=True):
        visit.press(page.get_by_role("link", name="Check out"))
        page.get_by_label("Email").fill("reader@example.com")
        page.get_by_label("Password").fill(visit.secret(PASSWORD_FILE.read_text().strip()))
        visit.press(page.get_by_role("button", name="Sign in"))
        visit.see(page.get_by_role("heading", name="Delivery"))

    with visit.step("place_order"):
        page.get_by_label("Name").fill(f"Synthetic {visit.run_id}")
        page.get_by_label("Street").fill("1 Test Street")
        visit.press(page.get_by_role("button", name="Place order"))
        visit.see(page.get_by_role("heading", name="Thank you"))
        number = page.get_by_role("status").inner_text().removeprefix("Your order is ")
        visit.bought(number, total)
