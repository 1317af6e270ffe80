"""The shop as an ASGI application: its pages, its API, and what stands before both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from demo.faults import Faults, UnknownFaultError
from demo.shop.api import Api
from demo.shop.checkout import CHAIN
from demo.shop.checkout import PATH as CHECKOUT
from demo.shop.inventory import Inventory
from demo.shop.limits import CsrfTokens, RateLimit, client_address
from demo.shop.pages import Pages
from demo.shop.settings import ShopSettings
from demo.shop.stand_ins import STATIC, answer_instead, file_instead

_HERE = Path(__file__).parent
_FORBIDDEN = ("/admin", "/config", "/.env", "/.git", "/backup")
_WITHOUT_CSRF = ("/api/webhooks/", "/api/test-email", "/api/verify-member", "/api/telemetry")
# slow_page: seconds that the server takes for a page, so that a purchase is slow and still goes through.
_SLOW_S = {"/": 7.0, "/pricing": 9.5, "/register": 9.5, "/success": 7.0}
Next = Callable[[Request], Awaitable[Response]]


def create_shop(settings: ShopSettings, faults: Faults, inventory: Inventory | None = None) -> Starlette:
    """The application. Everything in it is in memory and begins anew; `inventory` has the seats, else one of its own."""
    pages, api = Pages(settings, faults), Api(settings, faults, inventory)
    gate = Gate(settings, faults)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await api.checkout.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/__faults", _list_faults(faults)),
            Route("/__faults/{name}", _switch_fault(faults), methods=["PUT", "DELETE"]),
            Mount(STATIC, StaticFiles(directory=_HERE / "static")),
            *api.routes(),
            *pages.routes(),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=gate.pass_through)],
        exception_handlers={404: pages.not_found},
    )


class Gate:
    """What every request passes: faults of the whole site, forbidden paths, the rate limit, CSRF, and headers on the way out."""

    def __init__(self, settings: ShopSettings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._limit = RateLimit(settings.rate_limit, settings.rate_window_s)
        self._tokens = CsrfTokens()

    async def pass_through(self, request: Request, call_next: Next) -> Response:
        """One request, from the door to its answer."""
        path = request.url.path
        if path.startswith((STATIC, "/__faults")):
            return file_instead(path, self._faults) or await call_next(request)
        if self._faults.on("blank_429") or (path == "/success" and self._faults.on("limit_at_success")):
            return _too_many({})
        if any(part in path for part in _FORBIDDEN):
            return PlainTextResponse("Forbidden", status_code=403)
        within, headers = self._limit.take(client_address(request))
        if not within:
            return _too_many(headers)
        if self._refuses(request):
            response: Response = PlainTextResponse("CSRF Token Invalid", status_code=403)
        else:
            await self._dawdle(path)
            response = answer_instead(request, self._faults) or await call_next(request)
        response.headers.update({**headers, **self._safety()})
        if request.method == "GET" and not path.startswith("/api/"):
            response.headers["X-CSRF-Token"] = self._tokens.issue(_holder(request))
        return response

    def _refuses(self, request: Request) -> bool:
        path = request.url.path
        if request.method == "GET" or not path.startswith("/api/") or path.startswith(_WITHOUT_CSRF):
            return False
        needed = self._settings.checkout_needs_csrf or self._faults.on("checkout_403")
        if path == CHECKOUT and not needed:
            return False
        return not self._tokens.holds(_holder(request), request.headers.get("x-csrf-token"))

    async def _dawdle(self, path: str) -> None:
        if self._faults.on("slow_page"):
            await asyncio.sleep(_SLOW_S.get(path, 0))
        # A buyer's requests alone: where Stripe waits for the webhook, it is Stripe that is slow.
        is_slow = self._faults.on("all_slow") and not path.startswith("/api/webhooks/")
        if is_slow or (self._faults.on("slow_chain") and path in (CHECKOUT, *CHAIN)):
            await asyncio.sleep(self._settings.slow_answer_s)

    def _safety(self) -> dict[str, str]:
        other = f" {self._settings.third_party_base}" if self._settings.third_party_base else ""
        policy = (
            f"default-src 'self'; script-src 'self' 'unsafe-inline'{other} https://js.stripe.com; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' https://api.stripe.com; "
            "frame-src https://js.stripe.com; object-src 'none'; base-uri 'self'; form-action 'self'; "
            "frame-ancestors 'none'; upgrade-insecure-requests"
        )
        return {
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }


def _holder(request: Request) -> str:
    return request.headers.get("x-session-id") or client_address(request)


def _too_many(headers: dict[str, str]) -> Response:
    return PlainTextResponse("Too Many Requests", status_code=429, headers={"retry-after": "3600", **headers})


def _list_faults(faults: Faults) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        active = faults.active()
        return JSONResponse([{"name": n, "description": d, "on": n in active} for n, d in faults.known.items()])

    return answer


def _switch_fault(faults: Faults) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not from_here(request):
            return PlainTextResponse("Faults are switched from this machine's own pages only", status_code=403)
        switch = faults.start if request.method == "PUT" else faults.stop
        try:
            switch(request.path_params["name"])
        except UnknownFaultError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return Response(status_code=204)

    return answer


def from_here(request: Request) -> bool:
    """Whether a request comes from no page at all, or from a page of this machine; some other site's page may not break the shop."""
    # Sec-Fetch-Site first: a page that sends no referrer has the origin "null", also to itself.
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site in ("none", "same-origin"):
        return True
    if origin is not None:
        return urlsplit(origin).hostname in ("127.0.0.1", "localhost", "::1")
    return site is None
