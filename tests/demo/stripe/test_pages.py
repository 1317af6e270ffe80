"""The hosted page's answers, without a browser."""

from __future__ import annotations

import httpx
import pytest

from demo.stripe.cards import passes_luhn
from demo.stripe.money import shown
from demo.stripe.settings import StripeSettings
from tests.demo.stripe.stand import Stand, a_payment


def test_an_unknown_session_has_no_page(stand: Stand) -> None:
    answer = httpx.get(f"{stand.url}/c/pay/cs_test_x")
    assert answer.status_code == 404
    assert "could not be found" in answer.text


def test_a_paid_session_says_so_instead_of_asking_again(stand: Stand) -> None:
    session = stand.open_session()
    httpx.post(f"{stand.url}/v1/payment_pages/{session.id}/confirm", data=a_payment())
    answer = httpx.get(str(session.url))
    assert "already completed your payment" in answer.text.replace("&#39;", "'")
    assert "cardNumber" not in answer.text


def test_an_expired_session_says_so(stand: Stand) -> None:
    session = stand.open_session()
    stand.clock.seconds += 24 * 3600
    assert "This checkout session has expired" in httpx.get(str(session.url)).text


@pytest.mark.parametrize("layout", ["single", "accordion", "frame"])
def test_a_test_page_never_carries_a_live_key(stand: Stand, layout: str) -> None:
    stand.account.layout = layout
    text = httpx.get(str(stand.open_session().url)).text
    assert "pk_test_" in text
    assert "pk_live_" not in text


def test_no_page_loads_anything_from_elsewhere(stand: Stand) -> None:
    policy = httpx.get(str(stand.open_session().url)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


def test_only_the_stand_in_itself_may_frame_the_form(stand: Stand) -> None:
    url = str(stand.open_session().url)
    assert "frame-ancestors 'none'" in httpx.get(url).headers["content-security-policy"]
    assert "frame-ancestors 'self'" in httpx.get(f"{url}/inner").headers["content-security-policy"]


@pytest.mark.parametrize("body", ["", "-1", "many", "99999"])
def test_a_report_of_keystrokes_is_a_small_number_or_nothing(stand: Stand, body: str) -> None:
    url = str(stand.open_session().url)
    assert httpx.post(f"{url}/keystrokes", content=body).status_code == 400
    assert stand.account.keystrokes == 0


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(100_000, "usd", "$1,000.00"), (5, "usd", "$0.05"), (500, "jpy", "¥500"), (1_250, "chf", "CHF 12.50")],
)
def test_an_amount_is_shown_in_its_currency(amount: int, currency: str, text: str) -> None:
    assert shown(amount, currency) == text


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("4242424242424242", True),
        ("378282246310005", True),
        ("4242424242424241", False),
        ("4242", False),
        ("", False),
        ("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", False),
    ],
)
def test_the_last_digit_of_a_card_number_checks_the_others(number: str, valid: bool) -> None:
    assert passes_luhn(number) is valid


def test_a_layout_that_does_not_exist_is_refused(stand: Stand) -> None:
    with pytest.raises(ValueError, match="no layout named 'drawer'; there are: single, accordion, frame"):
        stand.account.layout = "drawer"
    with pytest.raises(ValueError, match="no layout named 'drawer'"):
        StripeSettings("sk_test_x", "whsec_x", layout="drawer")
