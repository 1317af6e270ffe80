"""Combines the hub's endpoints into one application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from hub.api import api
from hub.context import HubContext
from hub.errors import HubError, LoginNeededError
from hub.guard import is_form
from hub.headers import with_headers
from hub.login import OIDC_PATH, login, login_address
from hub.openapi import described
from hub.prefix import PrefixMiddleware, lead_below
from hub.reader_zone import keep_zone
from hub.site import site
from journeys.browser import our_version
from process.logs import get_logger
from reports.live import refused_page, unavailable_page
from store import StoreReplacedError, StoreUnavailableError

_log = get_logger("sixfb.hub")
_HEALTH = ("/healthz", "/readyz")
_FOR_PROGRAMS = ("/api/", "/metrics")
_NEED_NO_DATABASE = (*_HEALTH, "/static/", "/openapi.json")
_COME_BACK_S = 5
Next = Callable[[Request], Awaitable[Response]]


def create_app(context: HubContext) -> FastAPI:
    """Return the application; every request passes the guard before an endpoint's own code runs."""
    app = FastAPI(title="sixfb hub", version=our_version(), docs_url=None, redoc_url=None)
    app.include_router(api(context))
    app.include_router(site(context), include_in_schema=False)
    app.include_router(login(context), include_in_schema=False)
    prefix = context.guard.access.prefix
    app.openapi = partial(described, app, prefix=prefix)  # type: ignore[method-assign]
    app.add_exception_handler(HubError, partial(_refuse, prefix=prefix))
    app.add_exception_handler(StoreUnavailableError, _no_database)
    app.add_exception_handler(ClientDisconnect, _nobody_left)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, partial(_as_a_sentence, prefix=prefix))

    @app.middleware("http")
    async def check_request(request: Request, call_next: Next) -> Response:
        answer = await _answer(context, request, call_next)
        keep_zone(request, answer, path=context.guard.access.cookie_path)
        # The one redirect that leads to another host, which the settings name.
        below = answer if request.scope["path"] == OIDC_PATH else lead_below(prefix, answer)
        return with_headers(request.scope["path"], below)

    if prefix:
        app.add_middleware(PrefixMiddleware, prefix=prefix)
    return app


async def _answer(context: HubContext, request: Request, call_next: Next) -> Response:
    path = request.scope["path"]
    try:
        if "\0" in path or b"%00" in request.scope["query_string"]:
            raise HubError(400, "there is no NUL in any name here")
        if not path.startswith("/"):
            raise HubError(400, "the hub is no proxy: ask for a path, like /alerts")
        silent = context.health.database
        if silent is not None and silent.silent and not path.startswith(_NEED_NO_DATABASE):
            # Each such request would hold a thread until its timeout, and fail the same way.
            return _without_database(request, silent)
        if path in _HEALTH:
            # Probes may use any host name, and must work without a thread and without the database.
            context.guard.admit(request)
        else:
            await run_in_threadpool(_admit, context, request)
    except LoginNeededError as error:
        prefix = context.guard.access.prefix
        return _to_the_login(request, path, prefix) or _refuse(request, error, prefix=prefix)
    except HubError as error:
        return _refuse(request, error, prefix=context.guard.access.prefix)
    except StoreUnavailableError as error:
        if isinstance(error, StoreReplacedError):
            # A replaced database affects the whole hub. A single broken connection does not; the loops find its cause.
            context.health.failed(error)
        return _no_database(request, error)
    return await call_next(request)


def _admit(context: HubContext, request: Request) -> None:
    context.guard.check_way(request)
    context.guard.admit(request)


def _to_the_login(request: Request, path: str, prefix: str) -> Response | None:
    """Return the redirect to the login page for a browser without a session; None for a program."""
    if request.method in ("GET", "HEAD") and not path.startswith(_FOR_PROGRAMS):
        return RedirectResponse(login_address(request, prefix), status_code=303)
    return RedirectResponse("/login", status_code=303) if is_form(request) else None


def _refuse(request: Request, error: Exception, *, prefix: str = "") -> Response:
    assert isinstance(error, HubError)
    if _is_for_a_person(request):
        html = refused_page(error.status, str(error), prefix=prefix)
        return HTMLResponse(html, status_code=error.status, headers=error.headers)
    return JSONResponse({"error": str(error)}, status_code=error.status, headers=error.headers)


def _no_database(request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreUnavailableError)
    # Logged without the full error, whose connection details would make each line unique and defeat the log's deduplication.
    _log.warning("request_without_database", error=error.public)
    return _without_database(request, error)


def _without_database(request: Request, error: StoreUnavailableError) -> Response:
    headers = {"Retry-After": str(_COME_BACK_S)}
    if _is_for_a_person(request):
        return HTMLResponse(unavailable_page(error.public), status_code=503, headers={**headers, "Refresh": "10"})
    return JSONResponse({"error": error.public}, status_code=503, headers=headers)


def _nobody_left(_request: Request, _error: Exception) -> Response:
    """Return an empty response, because the client disconnected while sending and will not read it."""
    return Response(status_code=400)


def _is_for_a_person(request: Request) -> bool:
    path: str = request.scope["path"]
    is_page = request.method == "GET" and not path.startswith(_FOR_PROGRAMS)
    return (is_page or is_form(request)) and "text/html" in request.headers.get("Accept", "")


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors()
    )
    return JSONResponse({"error": told[:500]}, status_code=422)


def _as_a_sentence(request: Request, error: Exception, *, prefix: str) -> Response:
    assert isinstance(error, HTTPException)
    return _refuse(request, HubError(error.status_code, error.detail.lower(), headers=error.headers), prefix=prefix)
