"""Events as Stripe tells them, and a Stripe that lists them; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

from config import Secret
from sources import SourceSettings
from sources.stripe import StripeSource
from sources.stripe_events import EventFilter

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
PATTERN = "synthetic+{run}@example.com"
_numbers = count(1)


def an_event(kind: str, *, ago_s: int = 60, event_id: str = "", now: datetime = NOW, **subject: Any) -> dict[str, Any]:
    """An event of a type, created so many seconds ago; keywords are the object's, and `pending_webhooks` and `previous` the event's."""
    pending, previous = subject.pop("pending_webhooks", 0), subject.pop("previous", None)
    usual = {"amount": 100_000, "amount_total": 100_000, "currency": "usd", "livemode": False}
    data: dict[str, Any] = {"object": {**usual, **subject}}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": event_id or f"evt_{next(_numbers):06}",
        "object": "event",
        "type": kind,
        "created": int(now.timestamp()) - ago_s,
        "livemode": False,
        "pending_webhooks": pending,
        "data": data,
    }


def an_order(**more: Any) -> dict[str, Any]:
    """A paid session of a member in Dallas."""
    metadata = {"cityId": "dallas", "ticketType": "VIP", "isSixFBMember": "true", "customerName": "Ann Buyer"}
    of = {"metadata": metadata, "payment_status": "paid", "customer_details": {"email": "ann@buyer.test"}, **more}
    return an_event("checkout.session.completed", **of)


@dataclass
class FakeStripe:
    """Lists `events` (oldest first) as Stripe does. `refusals` are answered first, one a request."""

    events: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[httpx.Response | httpx.HTTPError] = field(default_factory=list)
    asked: list[httpx.URL] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        self.asked.append(request.url)
        self.keys.append(request.headers["Authorization"])
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, httpx.HTTPError):
                raise refusal
            return refusal
        return self._list(request.url.params)

    def _list(self, params: Mapping[str, str]) -> httpx.Response:
        rows, limit = self.events[::-1], int(params["limit"])
        ids = [row["id"] for row in rows]
        for key in ("ending_before", "starting_after"):
            if key in params and params[key] not in ids:
                error = {"code": "resource_missing", "param": key, "message": f"No such event: '{params[key]}'"}
                return httpx.Response(400, json={"error": error})
        if "ending_before" in params:
            rows = rows[: ids.index(params["ending_before"])]
            return _page(rows[-limit:], more=len(rows) > limit)
        if "starting_after" in params:
            rows = rows[ids.index(params["starting_after"]) + 1 :]
        rows = [row for row in rows if row["created"] >= int(params["created[gte]"])]
        return _page(rows[:limit], more=len(rows) > limit)

    def source(self, **settings: Any) -> StripeSource:
        """The source that reads it."""
        usual: dict[str, Any] = {
            "base_url": "https://shop.test",
            "stripe_key": Secret("rk_test_of_the_source"),
            "stripe_events": EventFilter(email_pattern=PATTERN, live=False),
        }
        told = SourceSettings(**{**usual, **settings})
        return StripeSource(told, httpx.Client(transport=httpx.MockTransport(self.answer)))


def _page(rows: list[dict[str, Any]], *, more: bool) -> httpx.Response:
    return httpx.Response(200, json={"object": "list", "url": "/v1/events", "has_more": more, "data": rows})
