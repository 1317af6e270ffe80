"""Defines the pages `/login` and `/logout`."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from hub.context import HubContext
from hub.devices import LASTS
from hub.devices import cookie_name as device_cookie
from hub.errors import HubError
from hub.guard import SESSION_COOKIE, Visitor, visitor_of
from hub.logins import own_name
from hub.oidc import STARTED_LASTS
from hub.requests import csrf_checked, read_form
from reports.live import login_page

_NONCE = "sixfb_login"
OIDC_PATH = "/login/oidc"
_OIDC_COOKIE = "sixfb_oidc"
_NONCE_LASTS_S = 3600
_OUT_OF_DATE = "the form was out of date; please try again"
_LONGEST_NEXT = 500


def login(context: HubContext) -> APIRouter:
    """Return the router with the login form, its submission, and the logout."""
    router = APIRouter(default_response_class=HTMLResponse)
    guard, access = context.guard, context.guard.access

    @router.get("/login")
    def show(request: Request, next: str = "/") -> Response:  # noqa: A002 - the parameter's name in the URL
        if _who(request, context) is not None:
            return RedirectResponse(safe_next(next), status_code=303)
        return _form(request, context, after=next)

    @router.post("/login")
    async def enter(request: Request) -> Response:
        form = await read_form(request)
        after, name = form.get("next", "/"), form.get("name", "")
        if not guard.signed_form(request.cookies.get(_NONCE, ""), form.get("csrf", "")):
            return _form(request, context, after=after, name=name, problem=_OUT_OF_DATE, status=403)
        secure = access.is_https(request)
        session, known = (access.cookie_name(n, request) for n in (SESSION_COOKIE, device_cookie(own_name(name))))
        try:
            entered = await run_in_threadpool(
                guard.logins.log_in,
                name,
                form.get("password", ""),
                client=access.client(request),
                leaving=request.cookies.get(session),
                device=request.cookies.get(known),
            )
        except HubError as error:
            answer = _form(request, context, after=after, name=name, problem=str(error), status=error.status)
            answer.headers.update(error.headers)
            return answer
        response = RedirectResponse(safe_next(after), status_code=303)
        at: Any = {"httponly": True, "secure": secure, "path": access.cookie_path}
        response.set_cookie(session, entered.session, samesite="lax", **at)
        response.set_cookie(known, entered.device, samesite="lax", max_age=int(LASTS.total_seconds()), **at)
        response.delete_cookie(_NONCE, path=f"{access.prefix}/login", httponly=True, samesite="strict", secure=secure)
        return response

    @router.get(OIDC_PATH)
    async def start_oidc(request: Request, next: str = "/") -> Response:  # noqa: A002 - the parameter's name in the URL
        if guard.oidc is None:
            raise HubError(404, "this hub has no identity provider; SIXFB_OIDC_ISSUER names one")
        try:
            started = await run_in_threadpool(guard.oidc.start, safe_next(next))
        except HubError as error:
            return _form(request, context, after=next, problem=str(error), status=error.status)
        response = RedirectResponse(started.address, status_code=303)
        at: Any = {"path": f"{access.prefix}{OIDC_PATH}", "secure": access.is_https(request)}
        # Lax, because the provider's page leads back here.
        lasts_s = int(STARTED_LASTS.total_seconds())
        response.set_cookie(_OIDC_COOKIE, started.cookie, max_age=lasts_s, httponly=True, samesite="lax", **at)
        return response

    @router.get(f"{OIDC_PATH}/callback")
    async def finish_oidc(request: Request) -> Response:
        if guard.oidc is None:
            raise HubError(404, "this hub has no identity provider; SIXFB_OIDC_ISSUER names one")
        session, secure = access.cookie_name(SESSION_COOKIE, request), access.is_https(request)
        at: Any = {"httponly": True, "secure": secure, "samesite": "lax"}
        try:
            person = await run_in_threadpool(
                guard.oidc.finish, dict(request.query_params), request.cookies.get(_OIDC_COOKIE)
            )
            entered = await run_in_threadpool(
                guard.logins.enter, person.name, person.role, leaving=request.cookies.get(session)
            )
        except HubError as error:
            response = _form(request, context, after="/", problem=str(error), status=error.status)
            response.headers.update(error.headers)
        else:
            response = RedirectResponse(safe_next(person.after), status_code=303)
            response.set_cookie(session, entered, path=access.cookie_path, **at)
        # Used up, whatever came of it.
        response.delete_cookie(_OIDC_COOKIE, path=f"{access.prefix}{OIDC_PATH}", **at)
        return response

    @router.post("/logout")
    async def leave(request: Request) -> Response:
        await csrf_checked(request)
        visitor = visitor_of(request)
        if visitor.session is not None:
            await run_in_threadpool(guard.logins.log_out, visitor.session)
        response = RedirectResponse("/login", status_code=303)
        name, secure = access.cookie_name(SESSION_COOKIE, request), access.is_https(request)
        response.delete_cookie(name, path=access.cookie_path, httponly=True, samesite="lax", secure=secure)
        return response

    return router


def _who(request: Request, context: HubContext) -> Visitor | None:
    try:
        return context.guard.visitor(request)
    except HubError:
        return None


def _form(
    request: Request, context: HubContext, *, after: str, name: str = "", problem: str | None = None, status: int = 200
) -> Response:
    # The form is bound to a cookie of this browser, so that a foreign page cannot log a person in to another account.
    nonce = request.cookies.get(_NONCE) or secrets.token_urlsafe(16)
    access, csrf = context.guard.access, context.guard.sign_form(nonce)
    oidc = f"{OIDC_PATH}?{urlencode({'next': safe_next(after)})}" if context.guard.oidc is not None else ""
    html = login_page(
        csrf=csrf, after=safe_next(after), name=name[:64], problem=problem, prefix=access.prefix, oidc=oidc
    )
    response = HTMLResponse(html, status_code=status)
    at: Any = {"path": f"{access.prefix}/login", "secure": access.is_https(request)}
    response.set_cookie(_NONCE, nonce, max_age=_NONCE_LASTS_S, httponly=True, samesite="strict", **at)
    return response


def safe_next(path: str) -> str:
    """Return the path to open after the login; "/" unless it is a safe path on this hub."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if ours and len(path) <= _LONGEST_NEXT and path.isascii() else "/"


def login_address(request: Request, prefix: str = "") -> str:
    """Return the URL of the login page that leads back to the requested page."""
    query = request.url.query
    path = request.scope["path"] + (f"?{query}" if query else "")
    after = safe_next(path)
    return "/login" if after == "/" else f"/login?{urlencode({'next': safe_next(prefix + after)})}"
