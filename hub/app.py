"""Wires the hub's doors into one application, and only wires."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from config.logs import get_logger
from hub.api import api
from hub.centre import Centre
from hub.errors import HubError, LoginNeededError
from hub.guard import is_form
from hub.headers import with_headers
from hub.login import login, login_address
from hub.openapi import described
from hub.prefix import PrefixMiddleware, lead_below
from hub.site import site
from journeys.browser import our_version

_log = get_logger("sixfb.hub")
_HEALTH = ("/healthz", "/readyz")
_FOR_PROGRAMS = ("/api/", "/metrics")
Next = Callable[[Request], Awaitable[Response]]


def create_app(centre: Centre) -> FastAPI:
    """The application: every request passes the guard before a door's own code runs."""
    app = FastAPI(title="sixfb hub", version=our_version(), docs_url=None, redoc_url=None)
    app.include_router(api(centre))
    app.include_router(site(centre), include_in_schema=False)
    app.include_router(login(centre), include_in_schema=False)
    prefix = centre.guard.access.prefix
    app.openapi = partial(described, app, prefix=prefix)  # type: ignore[method-assign]
    app.add_exception_handler(HubError, _refuse)
    app.add_exception_handler(OperationalError, _no_database)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _as_a_sentence)

    @app.middleware("http")
    async def at_the_door(request: Request, call_next: Next) -> Response:
        answer = await _answer(centre, request, call_next)
        return with_headers(request.scope["path"], lead_below(prefix, answer))

    if prefix:
        app.add_middleware(PrefixMiddleware, prefix=prefix)
    return app


async def _answer(centre: Centre, request: Request, call_next: Next) -> Response:
    path = request.scope["path"]
    try:
        if "\0" in path or b"%00" in request.scope["query_string"]:
            raise HubError(400, "there is no NUL in any name here")
        if not path.startswith("/"):
            raise HubError(400, "the hub is no proxy: ask for a path, like /alerts")
        await run_in_threadpool(_admit, centre, request)
    except LoginNeededError as error:
        return _to_the_login(request, path, centre.guard.access.prefix) or _refuse(request, error)
    except HubError as error:
        return _refuse(request, error)
    except OperationalError as error:
        return _no_database(request, error)
    return await call_next(request)


def _admit(centre: Centre, request: Request) -> None:
    # Probes come by whatever way and name the machine has there.
    if request.scope["path"] not in _HEALTH:
        centre.guard.check_way(request)
    centre.guard.admit(request)


def _to_the_login(request: Request, path: str, prefix: str) -> Response | None:
    """Where a browser goes whose session is over; None for a program."""
    if request.method in ("GET", "HEAD") and not path.startswith(_FOR_PROGRAMS):
        return RedirectResponse(login_address(request, prefix), status_code=303)
    return RedirectResponse("/login", status_code=303) if is_form(request) else None


def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return JSONResponse({"error": str(error)}, status_code=error.status, headers=error.headers)


def _no_database(request: Request, error: Exception) -> Response:
    _log.error("database_silent", method=request.method, path=request.scope["path"][:200], error=type(error).__name__)
    return JSONResponse(
        {"error": "the database does not answer; try again"}, status_code=503, headers={"Retry-After": "5"}
    )


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors())
    return JSONResponse({"error": told[:500]}, status_code=422)


def _as_a_sentence(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail.lower()}, status_code=error.status_code, headers=error.headers)
