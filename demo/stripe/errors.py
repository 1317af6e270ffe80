"""The one error of the stand-in: what Stripe answers instead of an object.

Shape and codes: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from __future__ import annotations

from typing import Any

INVALID_REQUEST = "invalid_request_error"


class StripeError(Exception):
    """An answer with an HTTP status other than 200 and a body `{"error": {type, message, code, param, ...}}`."""

    def __init__(
        self, status: int, message: str, *, kind: str = INVALID_REQUEST, code: str | None = None, **fields: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """The JSON of the answer; keys without a value are left out, as Stripe does."""
        error = {"type": self.kind, "message": self.message, "code": self.code, **self.fields}
        if self.code:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        return {"error": {key: value for key, value in error.items() if value is not None}}


def no_such(kind: str, row_id: str, *, param: str = "id") -> StripeError:
    """The object does not exist: 404 where the path names it, 400 where a parameter does."""
    status = 404 if param == "id" else 400
    return StripeError(status, f"No such {kind}: '{row_id}'", code="resource_missing", param=param)


def missing(param: str) -> StripeError:
    """A parameter that has to be there is not."""
    return StripeError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> StripeError:
    """A parameter that this call does not have."""
    return StripeError(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def invalid(param: str, message: str, code: str | None = None) -> StripeError:
    """A parameter whose value cannot be."""
    return StripeError(400, message, code=code, param=param)


def rate_limited() -> StripeError:
    """Too many calls: https://docs.stripe.com/rate-limits"""
    message = "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits."
    return StripeError(429, message, code="rate_limit")
