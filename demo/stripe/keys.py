"""Who may call the API: https://docs.stripe.com/keys"""

from __future__ import annotations

import base64
import binascii
import hmac

from demo.stripe.errors import StripeError

NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
    " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
)


def authorize(header: str | None, secret_key: str, *, writes: bool) -> None:
    """Let the account's own key do everything, and any restricted key (`rk_...`) read.

    Raises:
        StripeError: 401 without a key or with a wrong one; 403 when a restricted key wants to write.
    """
    key = _key(header)
    if hmac.compare_digest(key.encode(), secret_key.encode()):
        return
    if not key.startswith(("rk_test_", "rk_live_")) or len(key) < 12:
        raise StripeError(401, f"Invalid API Key provided: {masked(key)}")
    if writes:
        raise StripeError(
            403,
            f"The provided key '{masked(key)}' does not have the required permissions for this endpoint. It may only read.",
        )


def _key(header: str | None) -> str:
    """The key of a `Bearer KEY` or `Basic base64(KEY:)` header."""
    scheme, _, value = (header or "").partition(" ")
    key = _user(value) if scheme.lower() == "basic" else value.strip() if scheme.lower() == "bearer" else ""
    if not key:
        raise StripeError(401, NO_KEY)
    return key


def _user(value: str) -> str:
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def masked(key: str) -> str:
    """The key as an error may show it: `sk_test_`, stars, and the last four characters of a long one."""
    kind, _, secret = key.rpartition("_")
    shown = secret[-4:] if len(secret) >= 16 else ""
    return f"{kind}_{'*' * (len(secret) - len(shown))}{shown}" if kind else "*" * len(key)
