"""What the shop's API answers, as it was observed on the real site."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from demo import FAULTS, Demo, DemoSettings, serve_demo
from demo.shop.stand_ins import SECRET, SECRET_HEADER

CHECKOUT = "/api/create-checkout-session"
PLENTY = DemoSettings(rate_limit=1_000_000)


@pytest.fixture
def shop(demo: Demo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=demo.shop_url) as client:
        yield client


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "ticketType": "ga",
        "quantity": 1,
        "customerEmail": "buyer@example.com",
        "customerName": "A Buyer",
        **changes,
    }


# -- prices ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "final", "percent", "reason"),
    [
        (an_order(), 1000, 0, ""),
        (an_order(quantity=2), 1900, 5, "Bulk Discount (2 tickets)"),
        (an_order(quantity=3), 2700, 10, "Bulk Discount (3 tickets)"),
        (an_order(quantity=4), 3400, 15, "Bulk Discount (4 tickets)"),
        (an_order(quantity=10), 8500, 15, "Bulk Discount (10 tickets)"),
        (an_order(ticketType="vip"), 1500, 0, ""),
        (an_order(ticketType="VIP", isSixFBMember=True), 1200, 20, "6FB Member Discount"),
        (an_order(isSixFBMember=True), 800, 20, "6FB Member Discount"),
        (an_order(quantity=4, isSixFBMember=True), 3350, 16, "1 Member ticket (20% off) + 3 Bulk tickets (15% off)"),
    ],
)
def test_an_order_costs(
    shop: httpx.Client, demo: Demo, order: dict[str, Any], final: int, percent: int, reason: str
) -> None:
    told = shop.post(CHECKOUT, json=order).json()
    pricing = told["pricing"]
    assert (pricing["finalAmount"], pricing["discountPercentage"], pricing["discountReason"]) == (
        final,
        percent,
        reason,
    )
    session = next(s for s in demo.account.sessions() if s["id"] == told["sessionId"])
    assert session["amount_total"] == pytest.approx(final * 100, abs=1)


def test_three_tickets_and_a_member_cost_a_cent_more_at_stripe(shop: httpx.Client, demo: Demo) -> None:
    told = shop.post(CHECKOUT, json=an_order(quantity=3, isSixFBMember=True)).json()
    session = next(s for s in demo.account.sessions() if s["id"] == told["sessionId"])
    assert (told["pricing"]["finalAmount"], session["amount_total"]) == (2700, 270_000) or session[
        "amount_total"
    ] == 260_001


@pytest.mark.parametrize(
    ("order", "status", "error"),
    [
        (an_order(ticketType=None), 400, "Valid ticket type is required (GA, VIP, ga, or vip)"),
        (an_order(ticketType="gold"), 400, "Valid ticket type is required (GA, VIP, ga, or vip)"),
        (an_order(quantity=None), 400, "Quantity must be between 1 and 10"),
        (an_order(quantity=0), 400, "Quantity must be between 1 and 10"),
        (an_order(quantity=-1), 400, "Quantity must be between 1 and 10"),
        (an_order(quantity=11), 400, "Quantity must be between 1 and 10"),
        (an_order(quantity=1.5), 500, "Failed to create checkout session"),
        (an_order(customerEmail="bad"), 400, "Valid customer email is required"),
    ],
)
def test_an_order_is_refused(shop: httpx.Client, order: dict[str, Any], status: int, error: str) -> None:
    answer = shop.post(CHECKOUT, json=order)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    "order", [an_order(quantity="2"), an_order(customerEmail=None)], ids=["a number as text", "no address"]
)
def test_an_odd_order_is_taken(shop: httpx.Client, order: dict[str, Any]) -> None:
    assert shop.post(CHECKOUT, json=order).json()["success"] is True


def test_what_is_not_json_fails_like_a_broken_stripe(shop: httpx.Client) -> None:
    answer = shop.post(CHECKOUT, content=b"not json", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (500, "Failed to create checkout session")


def test_a_session_is_told_in_dollars(shop: httpx.Client) -> None:
    session_id = shop.post(CHECKOUT, json=an_order()).json()["sessionId"]
    told = shop.get(CHECKOUT, params={"session_id": session_id}).json()["session"]
    assert (told["paymentStatus"], told["amountTotal"], told["currency"]) == ("unpaid", 1000, "usd")
    assert told["metadata"]["ticketType"] == "ga"
    assert "cityId" not in told["metadata"], "which is why a purchase never changes the inventory"


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [({}, 400, "Session ID is required"), ({"session_id": "cs_test_bogus"}, 500, "Failed to retrieve session")],
)
def test_an_unknown_session_is_no_404(shop: httpx.Client, query: dict[str, str], status: int, error: str) -> None:
    answer = shop.get(CHECKOUT, params=query)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


# -- members and inventory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["member@6fb.com", "MEMBER@6fb.com", "dre@6fb.com"])
def test_a_member_is_known_whatever_the_case(shop: httpx.Client, email: str) -> None:
    told = shop.post("/api/verify-member", json={"email": email}).json()
    assert (told["isVerified"], told["member"]["email"]) == (True, email.lower())


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b'{"email": "stranger@example.com"}', 200, "Email not found in 6FB member database"),
        (b'{"email": " member@6fb.com"}', 400, "Valid email address is required"),
        (b"{}", 400, "Valid email address is required"),
        (b"nonsense", 500, "Failed to verify membership"),
    ],
)
def test_a_stranger_is_not_a_member(shop: httpx.Client, body: bytes, status: int, error: str) -> None:
    answer = shop.post("/api/verify-member", content=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_the_inventory_has_six_cities_with_their_seats(shop: httpx.Client) -> None:
    data = shop.get("/api/inventory").json()["data"]
    assert len(data) == 6
    assert {(c["publicLimits"]["ga"], c["publicLimits"]["vip"], c["sold"]["ga"]) for c in data} == {(35, 15, 0)}


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/api/inventory?cityId=nowhere", 404, {"success": False, "error": "City not found"}),
        ("/api/inventory/nowhere", 404, {"success": False, "error": "City not found"}),
        (
            "/api/inventory?cityId=dallas-jan-2026&validate=true&tier=ga&quantity=2",
            200,
            {"success": True, "data": {"valid": True, "available": 35}},
        ),
    ],
)
def test_the_inventory_answers(shop: httpx.Client, path: str, status: int, found: dict[str, Any]) -> None:
    answer = shop.get(path)
    assert (answer.status_code, answer.json()) == (status, found)


def test_too_many_tickets_do_not_fit_and_that_is_a_200(shop: httpx.Client) -> None:
    answer = shop.get("/api/inventory?cityId=dallas-jan-2026&validate=true&tier=vip&quantity=16")
    assert answer.json()["data"] == {
        "valid": False,
        "available": 15,
        "error": "Only 15 VIP tickets available, but 16 requested",
    }


def test_an_oversold_city_is_negative_wherever_one_looks(shop: httpx.Client, demo: Demo) -> None:
    demo.faults.start("inventory_negative")
    everywhere = shop.get("/api/inventory").json()["data"][0]
    alone = shop.get("/api/inventory/dallas-jan-2026").json()["data"]["inventory"]
    assert everywhere["publicAvailable"]["ga"] == alone["actualAvailable"]["ga"] == -2


# -- status endpoints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/webhooks/stripe", 200),
        ("GET", "/api/sms/test", 200),
        ("GET", "/api/socket", 200),
        ("GET", "/api/test-database", 200),
        ("GET", "/api/test-email", 200),
        ("GET", "/api/csv-members", 200),
        ("GET", "/api/skool/sync", 200),
        ("GET", "/api/workshop-schedule", 200),
        ("GET", "/api/verify-member", 405),
        ("GET", "/api/health", 404),
        ("GET", "/health", 404),
        ("GET", "/api/metrics", 404),
        ("GET", "/refund", 404),
        ("GET", "/refund-policy", 200),
        ("GET", "/admin/users", 403),
        ("GET", "/.env", 403),
        ("GET", "/images/6fb-banner.png", 404),
        ("GET", "/sw.js", 404),
        ("PUT", "/api/create-checkout-session", 405),
        ("DELETE", "/api/create-checkout-session", 405),
    ],
)
def test_an_address_answers(shop: httpx.Client, method: str, path: str, status: int) -> None:
    assert shop.request(method, path).status_code == status


def test_a_dead_database_is_a_200_that_says_so_inside(shop: httpx.Client) -> None:
    assert shop.get("/api/test-database").json()["database"]["healthy"] is False


def test_the_schedule_is_empty_on_sundays_and_mondays(shop: httpx.Client) -> None:
    told = shop.get("/api/workshop-schedule").json()
    assert (told["total"] == 0) is (datetime.now(UTC).weekday() in (6, 0))


@pytest.mark.parametrize("signature", ["", "t=1,v1=00"])
def test_a_webhook_that_is_not_signed_fails_as_500(shop: httpx.Client, signature: str) -> None:
    answer = shop.post("/api/webhooks/stripe", content=b"{}", headers={"stripe-signature": signature})
    assert (answer.status_code, answer.json()["error"]) == (500, "Webhook processing failed")


# -- what stands before it all -----------------------------------------------------------------------------------------


def test_the_csrf_regression_refuses_a_checkout_without_a_token_and_takes_one_with_it(
    shop: httpx.Client, demo: Demo
) -> None:
    demo.faults.start("checkout_403")
    refused = shop.post(CHECKOUT, json=an_order())
    assert (refused.status_code, refused.text) == (403, "CSRF Token Invalid")
    old = shop.get("/").headers["x-csrf-token"]
    new = shop.get("/").headers["x-csrf-token"]
    assert shop.post(CHECKOUT, json=an_order(), headers={"x-csrf-token": old}).status_code == 403, (
        "the next page replaces it"
    )
    assert shop.post(CHECKOUT, json=an_order(), headers={"x-csrf-token": new}).status_code == 200


def test_the_inventory_is_changed_only_with_a_token_and_without_a_login(shop: httpx.Client) -> None:
    change = {"cityId": "nyc-jun-2026", "tier": "ga", "quantity": 5}
    assert shop.post("/api/inventory", json=change).status_code == 403
    token = {"x-csrf-token": shop.get("/").headers["x-csrf-token"]}
    assert shop.post("/api/inventory", json=change, headers=token).json()["data"]["publicLimits"]["ga"] == 40
    assert shop.delete("/api/inventory?cityId=nyc-jun-2026", headers=token).json()["data"]["publicLimits"]["ga"] == 35


def test_the_rate_limit_counts_pages_and_apis_together_a_door_at_a_time() -> None:
    with serve_demo(settings=DemoSettings(rate_limit=3), doors=("one", "two")) as demo:
        here, there = demo.doors["one"], demo.doors["two"]
        left = [httpx.get(f"{here}{path}").headers["x-ratelimit-remaining"] for path in ("/", "/api/socket", "/sw.js")]
        refused = httpx.get(f"{here}/")
        assert left == ["2", "1", "0"]
        assert (refused.status_code, refused.text, refused.headers["retry-after"]) == (429, "Too Many Requests", "3600")
        assert httpx.get(f"{here}/_next/static/shop.css").status_code == 200, "static files stay available"
        assert httpx.get(f"{there}/").status_code == 200, "another door is another address"


def test_pages_carry_the_policy_that_breaks_plain_http(shop: httpx.Client) -> None:
    policy = shop.get("/").headers["content-security-policy"]
    assert "upgrade-insecure-requests" in policy
    assert "unpkg" not in policy


# -- faults and closing ------------------------------------------------------------------------------------------------


def test_faults_are_switched_by_http(shop: httpx.Client, demo: Demo) -> None:
    assert shop.put("/__faults/payment_500").status_code == 204
    assert demo.faults.active() == ["payment_500"]
    assert [f["name"] for f in shop.get("/__faults").json() if f["on"]] == ["payment_500"]
    assert shop.delete("/__faults/payment_500").status_code == 204
    assert demo.faults.active() == []


def test_an_unknown_fault_is_a_404_that_names_those_there_are(shop: httpx.Client) -> None:
    answer = shop.put("/__faults/coffee")
    assert answer.status_code == 404
    assert all(name in answer.json()["error"] for name in FAULTS)


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_sites_page_switches_nothing(shop: httpx.Client, demo: Demo, headers: dict[str, str]) -> None:
    assert shop.put("/__faults/payment_500", headers=headers).status_code == 403
    assert demo.faults.active() == []


@pytest.mark.parametrize(
    ("fault", "path", "status", "words"),
    [
        ("bundle_missing", "/_next/static/app.js", 404, "Not Found"),
        ("bundle_html", "/_next/static/app.js", 200, "<!doctype html>"),
        ("stylesheet_missing", "/_next/static/shop.css", 404, "Not Found"),
        ("crash_page", "/pricing", 500, "Internal Server Error."),
        ("maintenance_200", "/", 200, "down for maintenance"),
        ("empty_page", "/", 200, ""),
        ("parked_domain", "/success", 200, "This domain is for sale!"),
        ("limit_at_success", "/success", 429, "Too Many Requests"),
        ("secret_header", "/", 401, "Authentication Required"),
        ("secret_header", "/api/inventory", 401, "Authentication Required"),
    ],
)
def test_a_fault_answers_in_the_shops_place(
    shop: httpx.Client, demo: Demo, fault: str, path: str, status: int, words: str
) -> None:
    well = shop.get(path)
    demo.faults.start(fault)
    broken = shop.get(path)
    assert broken.status_code == status
    assert (words in broken.text) if words else broken.text == ""
    assert well.text != broken.text
    demo.faults.clear()
    assert shop.get(path).status_code == well.status_code == 200


@pytest.mark.parametrize(
    ("fault", "there"), [("crash_page", "/api/inventory"), ("bundle_html", "/"), ("limit_at_success", "/")]
)
def test_a_fault_leaves_the_rest_of_the_shop_alone(shop: httpx.Client, demo: Demo, fault: str, there: str) -> None:
    demo.faults.start(fault)
    assert shop.get(there).status_code == 200


def test_the_secret_header_opens_the_preview_and_stripe_needs_none(shop: httpx.Client, demo: Demo) -> None:
    demo.faults.start("secret_header")
    assert shop.get("/", headers={SECRET_HEADER: SECRET}).status_code == 200
    assert shop.get("/", headers={SECRET_HEADER: "wrong"}).status_code == 401
    assert shop.post("/api/webhooks/stripe", content=b"{}").status_code == 500, "it is asked for its signature as ever"
    assert shop.get("/__faults").status_code == 200


@pytest.mark.parametrize(
    ("fault", "kind"), [("says_no_with_200", "application/json"), ("html_for_json", "text/html; charset=utf-8")]
)
def test_a_checkout_can_say_no_with_200(shop: httpx.Client, demo: Demo, fault: str, kind: str) -> None:
    demo.faults.start(fault)
    answer = shop.post(CHECKOUT, json=an_order())
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert "checkoutUrl" not in answer.text


def test_a_slow_chain_leads_to_stripe_and_nowhere_else() -> None:
    settings = DemoSettings(rate_limit=1_000_000, slow_answer_s=0.01)
    with serve_demo(settings=settings) as slow, httpx.Client(base_url=slow.shop_url) as shop:
        slow.faults.start("slow_chain")
        url = shop.post(CHECKOUT, json=an_order()).json()["checkoutUrl"]
        assert url.startswith(f"{slow.shop_url}/checkout/start?")
        hops = []
        while not url.startswith(slow.stripe_url):
            url = shop.get(url).headers["location"]
            hops.append(url.partition("?")[0])
        assert hops[0] == "/checkout/redirect"
        assert "/c/pay/cs_test_" in url
        for elsewhere in ("https://evil.example/", f"{slow.stripe_url}.evil.example/", ""):
            assert shop.get("/checkout/redirect", params={"to": elsewhere}).status_code == 404


def test_every_guest_is_answered_401_and_the_telemetry_takes_what_it_gets(shop: httpx.Client, demo: Demo) -> None:
    assert shop.get("/api/account").status_code == 401
    assert shop.post("/api/telemetry", json={}).status_code == 204
    demo.faults.start("telemetry_down")
    assert shop.post("/api/telemetry", json={}).status_code == 503


def test_one_city_alone_is_sold_out(shop: httpx.Client, demo: Demo) -> None:
    demo.faults.start("sold_out")
    dallas, atlanta, *_ = shop.get("/api/inventory").json()["data"]
    assert (dallas["publicAvailable"], dallas["isPublicSoldOut"]) == ({"ga": 0, "vip": 0}, True)
    assert not atlanta["isPublicSoldOut"]


def test_the_demo_closes_also_while_a_checkout_hangs() -> None:
    before = set(threading.enumerate())
    with serve_demo(settings=PLENTY) as demo:
        demo.faults.start("checkout_hang")
        url = f"{demo.shop_url}{CHECKOUT}"
        hanging = threading.Thread(target=_ask_and_forget, args=(url,))
        hanging.start()
        assert httpx.get(demo.shop_url).status_code == 200
    hanging.join(10)
    assert not hanging.is_alive()
    assert [t for t in threading.enumerate() if t not in before and "AnyIO" not in t.name] == []


def _ask_and_forget(url: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(url, json=an_order(), timeout=20)


def test_a_stopped_shop_refuses_connections() -> None:
    with serve_demo(settings=PLENTY) as demo:
        demo.stop_shop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(demo.shop_url)
