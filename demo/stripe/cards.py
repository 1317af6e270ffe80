"""Which card pays and which is declined, as published for testing: https://docs.stripe.com/testing"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

PAYING = frozenset(
    {
        "4242424242424242",
        "4000056655665556",
        "4000000760000002",
        "4000001240000000",
        "4000002760000016",
        "4000003720000278",
        "4000008260000000",
        "5555555555554444",
        "2223003122003222",
        "5200828282828210",
        "5105105105105100",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "6011000990139424",
        "3056930009020004",
        "36227206271667",
        "6555900000604105",
        "3566002020360505",
        "6200000000000005",
        "6205500000000000004",
    }
)

_BRANDS = (("4", "visa"), ("34", "amex"), ("37", "amex"), ("30", "diners"), ("36", "diners"), ("35", "jcb"), ("62", "unionpay"),
           ("6", "discover"), ("5", "mastercard"), ("2", "mastercard"))  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A card as the buyer typed it; `number` and `cvc` are digits only, `year` has four digits."""

    number: str
    month: int
    year: int
    cvc: str

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def brand(self) -> str:
        return next((brand for prefix, brand in _BRANDS if self.number.startswith(prefix)), "unknown")


@dataclass(frozen=True)
class Refusal:
    """Why a card does not pay.

    Attributes:
        code: the error's code (https://docs.stripe.com/error-codes).
        message: what the API says.
        decline_code: what the bank said (https://docs.stripe.com/declines/codes), if it was asked.
        page_message: what the hosted page says, where it differs.
        attempted: the bank was asked, so there is a failed charge.
    """

    code: str
    message: str
    decline_code: str | None = None
    page_message: str | None = None
    attempted: bool = True

    @property
    def on_page(self) -> str:
        return self.page_message or self.message


GENERIC = Refusal(
    "card_declined",
    "Your card was declined.",
    "generic_decline",
    "Your credit card was declined. Try paying with a debit card instead.",
)
INVALID_NUMBER = Refusal("incorrect_number", "Your card number is invalid.", attempted=False)
INVALID_EXPIRY = Refusal("invalid_expiry_year", "Your card's expiration year is in the past.", attempted=False)
NOT_A_TEST_CARD = Refusal(
    "card_declined",
    "Your card was declined. Your request was in test mode, but used a non test card."
    " For a list of valid test cards, visit: https://stripe.com/docs/testing.",
    "test_mode_live_card",
    attempted=False,
)
A_TEST_CARD = Refusal(
    "card_declined",
    "Your card was declined. Your request was in live mode, but used a known test card.",
    "live_mode_test_card",
    attempted=False,
)

REFUSED: dict[str, Refusal] = {
    "4000000000000002": GENERIC,
    "4000000000009995": Refusal("card_declined", "Your card has insufficient funds.", "insufficient_funds"),
    "4000000000009987": Refusal("card_declined", "Your card was declined.", "lost_card", GENERIC.page_message),
    "4000000000009979": Refusal("card_declined", "Your card was declined.", "stolen_card", GENERIC.page_message),
    "4000000000000069": Refusal("expired_card", "Your card has expired.", "expired_card"),
    "4000000000000127": Refusal("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc"),
    "4000000000000119": Refusal(
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "processing_error",
    ),
}


def judge(card: Card, *, live: bool, now: int) -> Refusal | None:
    """Why the card does not pay at that moment (epoch seconds), or None if it does. Nothing pays in live mode."""
    if not passes_luhn(card.number):
        return INVALID_NUMBER
    if _is_past(card, datetime.fromtimestamp(now, UTC)):
        return INVALID_EXPIRY
    known = card.number in PAYING or card.number in REFUSED
    if live:
        return A_TEST_CARD if known else GENERIC
    return REFUSED.get(card.number) if known else NOT_A_TEST_CARD


def passes_luhn(number: str) -> bool:
    """Whether 12 to 19 digits end in the right check digit (ISO/IEC 7812-1, annex B)."""
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[0::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def _is_past(card: Card, now: datetime) -> bool:
    return (card.year, card.month) < (now.year, now.month)
