"""Adds extra headers, such as a preview's secret one, to the requests that go to the site, and to no others."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Error

from config import Secret

_PORTS = {"http": 80, "https": 443}


def goes_to_site(base_url: str) -> re.Pattern[str]:
    """Return a pattern of the addresses that may be told the site's secrets.

    They are those of its host and of the same name with or without `www.`, to which many sites redirect. A site of `https` is
    never told them over `http`; one of `http` is over `https` as well, where it has no port of its own.
    """
    parts = urlsplit(base_url)
    name = (parts.hostname or "").removeprefix("www.")
    host = rf"(\[{re.escape(name)}\])" if ":" in name else rf"(www\.)?{re.escape(name)}"
    port = parts.port or _PORTS.get(parts.scheme)
    if port == _PORTS.get(parts.scheme):
        ports = {scheme: rf"{scheme}://{host}(:{usual})?" for scheme, usual in _PORTS.items()}
        origin = ports["https"] if parts.scheme == "https" else f"({ports['http']}|{ports['https']})"
    else:
        origin = rf"{parts.scheme}://{host}:{port}"
    return re.compile(rf"^{origin}(/|$)", re.IGNORECASE)


def add_headers(context: BrowserContext, base_url: str, headers: Mapping[str, str]) -> None:
    """Add headers to a browser's requests to the site until the context is closed; each hop of a redirect is decided by itself.

    They are added by the whole browser, so in frames of other sites and in new tabs too. A login that a page itself sends
    (`Authorization`) stays as it is.
    """
    extra = {name.lower(): value for name, value in headers.items()}
    if not extra:
        return
    # Playwright's `route` would send them again after a redirect, to whomever it leads, and does not call its handler for that.
    assert context.browser is not None, "a context of Browser.new_context has its browser"
    session = context.browser.new_browser_cdp_session()
    is_told = goes_to_site(base_url)

    def pass_on(paused: dict[str, Any]) -> None:
        request = paused["request"]
        changed: dict[str, Any] = {}
        if is_told.match(request["url"]):
            own = {name.lower(): value for name, value in request["headers"].items()}
            login = {name: own[name] for name in ("authorization",) if name in own}
            all_headers = {**own, **extra, **login}
            changed = {"headers": [{"name": name, "value": value} for name, value in all_headers.items()]}
        with contextlib.suppress(Error):  # the page may have given the request up, or gone away
            session.send("Fetch.continueRequest", {"requestId": paused["requestId"], **changed})

    def end() -> None:
        with contextlib.suppress(Error):  # the browser may have been closed with the context
            session.detach()

    session.on("Fetch.requestPaused", pass_on)
    context.on("close", lambda _context: end())
    # Only requests to these hosts are held up; `goes_to_site` decides in detail.
    host = (urlsplit(base_url).hostname or "").removeprefix("www.")
    patterns = [{"urlPattern": f"*://{name}{rest}"} for name in _names(host) for rest in ("/*", ":*")]
    session.send("Fetch.enable", {"patterns": patterns})


def _names(host: str) -> tuple[str, ...]:
    return (f"[{host}]",) if ":" in host else (host, f"www.{host}")


def login_header(basic: Secret) -> dict[str, str]:
    """Return the header of basic authentication for `user:password`, where a browser cannot be given the login itself."""
    return {"authorization": "Basic " + base64.b64encode(basic.reveal().encode()).decode()}
