"""Wires the hub's doors into one application, and only wires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from hub.api import api
from hub.centre import Centre
from hub.errors import HubError
from hub.headers import with_headers
from hub.site import site
from journeys.browser import our_version

_LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]", "testserver"]


def create_app(centre: Centre, *, hosts: list[str] | None = None) -> FastAPI:
    """The application. `hosts` are the names it answers to; without login it answers to this machine's alone."""
    app = FastAPI(title="sixfb hub", version=our_version(), docs_url=None, redoc_url=None)
    app.include_router(api(centre))
    app.include_router(site(centre), include_in_schema=False)
    app.add_exception_handler(HubError, _refuse)

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return with_headers(request.url.path, await call_next(request))

    # A page elsewhere may point a name of its own at 127.0.0.1; it is not answered.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts or _LOCAL_NAMES)
    return app


def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return JSONResponse({"error": str(error)}, status_code=error.status)
