"""The shop's other JSON endpoints: members, inventory, webhooks, and the many that tell a status."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.faults import Faults
from demo.shop.catalogue import MEMBERS
from demo.shop.checkout import CHAIN, PATH, Checkout
from demo.shop.inventory import Inventory
from demo.shop.settings import ShopSettings

_EVENTS = (
    "checkout.session.completed",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.succeeded",
    "charge.failed",
)
Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """Everything below `/api`."""

    def __init__(self, settings: ShopSettings, faults: Faults, inventory: Inventory | None = None) -> None:
        self._settings = settings
        self._faults = faults
        self.inventory = inventory or Inventory(faults)
        self.checkout = Checkout(settings, faults)
        self._stripe = stripe.StripeClient(settings.stripe_key)

    def routes(self) -> list[Route]:
        """All routes; a path answers 405 to the methods it does not have."""
        return [
            _route(PATH, get=self.checkout.tell, post=self.checkout.open),
            *(Route(path, self.checkout.lead_on) for path in CHAIN),
            _route("/api/account", get=_account),
            _route("/api/telemetry", post=self._telemetry),
            _route("/api/verify-member", post=self._verify_member),
            _route("/api/inventory", get=self._inventory, post=self._expand, delete=self._reset),
            _route("/api/inventory/{city_id}", get=self._inventory_of),
            _route("/api/webhooks/stripe", get=_webhook_status, post=self._webhook),
            *(_route(path, get=_status(body)) for path, body in _STATUSES.items()),
            _route("/api/workshop-schedule", get=_schedule),
        ]

    # -- members -----------------------------------------------------------------------------------------------------

    async def _verify_member(self, request: Request) -> Response:
        if self._faults.on("verify_down"):
            return JSONResponse({"success": False, "error": "Member database unavailable"}, status_code=500)
        try:
            email = (await request.json()).get("email")
        except (ValueError, AttributeError):
            return JSONResponse({"success": False, "error": "Failed to verify membership"}, status_code=500)
        if not isinstance(email, str) or "@" not in email or email != email.strip():
            return JSONResponse({"success": False, "error": "Valid email address is required"}, status_code=400)
        member = MEMBERS.get(email.lower())
        if member is None:
            error = "Email not found in 6FB member database"
            return JSONResponse({"success": True, "isVerified": False, "error": error})
        told = {
            "email": member.email,
            "name": member.name,
            "membershipType": member.kind,
            "isActive": True,
            "joinDate": member.joined,
        }
        return JSONResponse({"success": True, "isVerified": True, "member": told, "memberName": member.name})

    # -- inventory ---------------------------------------------------------------------------------------------------

    async def _inventory(self, request: Request) -> Response:
        query = request.query_params
        city_id = query.get("cityId")
        if query.get("validate") == "true":
            quantity = query.get("quantity", "1")
            asked = int(quantity) if quantity.isdigit() else None
            return _data(self.inventory.validate(city_id, query.get("tier"), asked))
        if city_id is None:
            return _data(self.inventory.all())
        return _data(self.inventory.one(city_id)) if self.inventory.known(city_id) else _no_city()

    async def _inventory_of(self, request: Request) -> Response:
        city_id = request.path_params["city_id"]
        if request.query_params.get("public") == "true":
            known = self.inventory.known(city_id)
            available = self.inventory.one(city_id)["publicAvailable"] if known else {"ga": 0, "vip": 0}
            return JSONResponse({"data": {"cityId": city_id, "publicAvailable": available, "timestamp": _now()}})
        if not self.inventory.known(city_id):
            return _no_city()
        data: dict[str, Any] = {"inventory": self.inventory.one(city_id)}
        data |= {name: [] for name in ("transactions", "expansions") if request.query_params.get(name) == "true"}
        return JSONResponse({"data": data})

    async def _expand(self, request: Request) -> Response:
        try:
            body = await request.json()
            self.inventory.expand(body["cityId"], body["tier"], int(body["quantity"]))
        except KeyError:
            return _no_city()
        except (ValueError, TypeError):
            return JSONResponse({"success": False, "error": "Failed to expand inventory"}, status_code=500)
        return _data(self.inventory.one(body["cityId"]))

    async def _reset(self, request: Request) -> Response:
        city_id = request.query_params.get("cityId", "")
        try:
            self.inventory.reset(city_id)
        except KeyError:
            return _no_city()
        return _data(self.inventory.one(city_id))

    # -- what pages ask for beside the purchase --------------------------------------------------------------------------

    async def _telemetry(self, _request: Request) -> Response:
        return Response(status_code=503 if self._faults.on("telemetry_down") else 204)

    # -- webhooks ----------------------------------------------------------------------------------------------------

    async def _webhook(self, request: Request) -> Response:
        payload = await request.body()
        try:
            self._stripe.construct_event(
                payload, request.headers.get("stripe-signature", ""), self._settings.webhook_secret
            )
            event = json.loads(payload)
        except (ValueError, stripe.SignatureVerificationError):
            return JSONResponse({"success": False, "error": "Webhook processing failed"}, status_code=500)
        if event.get("type") == "checkout.session.completed":
            self._sell(event["data"]["object"].get("metadata") or {})
        return JSONResponse({"success": True, "received": True})

    def _sell(self, metadata: dict[str, str]) -> None:
        """Take the seats away, if the checkout said of which city, which ours never does. It is done again each time."""
        city_id, tier = metadata.get("cityId", ""), metadata.get("ticketType", "").lower()
        quantity = metadata.get("quantity", "")
        if self.inventory.known(city_id) and tier in ("ga", "vip") and quantity.isdigit():
            self.inventory.sell(city_id, tier, int(quantity))


def _route(path: str, **handlers: Handler) -> Route:
    methods = {name.upper(): handler for name, handler in handlers.items()}

    async def answer(request: Request) -> Response:
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        return await handler(request) if handler else Response(status_code=405)

    return Route(path, answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])


def _status(body: dict[str, Any]) -> Handler:
    async def answer(_request: Request) -> Response:
        return JSONResponse({**body, "timestamp": _now()})

    return answer


_STATUSES: dict[str, dict[str, Any]] = {
    "/api/socket": {
        "status": "online",
        "transport": "serverless-fallback",
        "note": "WebSockets are not available here",
    },
    "/api/sms/test": {
        "smsService": {
            "configured": True,
            "fromNumber": "+15005550006",
            "toNumbers": ["+1-352-555-0100", "+1-813-555-0100"],
            "targetCount": 2,
            "maxRetries": 3,
            "retryDelay": 1000,
        }
    },
    # It answers 200 whether or not there is a database.
    "/api/test-database": {
        "status": "active",
        "database": {
            "type": "PostgreSQL",
            "healthy": False,
            "error": "VercelPostgresError - 'missing_connection_string'",
        },
    },
    "/api/test-email": {"status": "active", "configured": False},
    "/api/csv-members": {"status": "active", "totalMembers": len(MEMBERS)},
    "/api/skool/sync": {"status": "active"},
    "/api/webhooks/skool": {"status": "active", "webhookEndpoint": "/api/webhooks/skool"},
    "/api/webhooks/zapier": {"status": "active", "webhookEndpoint": "/api/webhooks/zapier"},
}


async def _account(_request: Request) -> Response:
    """Every buyer here is a guest."""
    return JSONResponse({"success": False, "error": "Not signed in"}, status_code=401)


async def _webhook_status(_request: Request) -> Response:
    told = {
        "status": "active",
        "webhookEndpoint": "/api/webhooks/stripe",
        "supportedEvents": list(_EVENTS),
        "timestamp": _now(),
    }
    return JSONResponse(told)


async def _schedule(_request: Request) -> Response:
    """Made-up dates at weekly steps from today; Sundays and Mondays are left out, so on those days there is none."""
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=7 * week) for week in range(1, 9)]
    open_days = [day for day in days if day.weekday() not in (6, 0)]
    data = [_workshop(day.isoformat()) for day in open_days]
    return JSONResponse({"success": True, "data": data, "total": len(data), "cached": True})


def _workshop(day: str) -> dict[str, Any]:
    slot = {
        "id": f"{day}-am",
        "startTime": "09:00",
        "endTime": "17:00",
        "isAvailable": True,
        "capacity": 25,
        "registered": 0,
        "price": 497,
    }
    return {"id": f"workshop-{day}", "date": day, "location": "Las Vegas", "timeSlots": [slot], "status": "upcoming"}


def _data(data: Any) -> Response:
    return JSONResponse({"success": True, "data": data})


def _no_city() -> Response:
    return JSONResponse({"success": False, "error": "City not found"}, status_code=404)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
