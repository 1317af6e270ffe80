"""Asking twice with one key does a thing once: https://docs.stripe.com/api/idempotent_requests"""

from __future__ import annotations

from dataclasses import dataclass

from demo.stripe.errors import StripeError


@dataclass(frozen=True)
class Kept:
    """An answer as it was first given, and what was asked."""

    asked: tuple[str, str]
    body: bytes
    request_id: str
    status: int = 200


def lasting(status: int) -> bool:
    """Whether an answer is given again: one of a call that was begun, a failure of Stripe's own too, and not a refusal."""
    return status in (200, 402) or status >= 500


class Answers:
    """The answers given to writes that carried a key, for as long as the program runs (Stripe: at least 24 h)."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def find(self, key: str, asked: tuple[str, str]) -> Kept | None:
        """The answer given before to that path and body. Raises StripeError 400 when the key was used for another."""
        kept = self._kept.get(key)
        if kept is not None and kept.asked != asked:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" Try using a key other than '{key}' if you meant to execute a different request."
            )
            raise StripeError(400, message, kind="idempotency_error")
        return kept

    def keep(self, key: str, kept: Kept) -> None:
        """Remember an answer."""
        self._kept[key] = kept
