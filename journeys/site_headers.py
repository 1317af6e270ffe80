"""Adds extra headers, such as a preview's secret one, to the requests that go to the site, and to no others."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

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
    """Add headers to a browser's requests to the site, by intercepting them; this turns its cache off.

    A login that a page itself sends (`Authorization`) stays as it is.
    """
    extra = {name.lower(): value for name, value in headers.items()}

    def pass_on(route: Route) -> None:
        own = route.request.headers
        login = {name: own[name] for name in ("authorization",) if name in own}
        route.continue_(headers={**own, **extra, **login})

    if extra:
        context.route(goes_to_site(base_url), pass_on)


def login_header(basic: Secret) -> dict[str, str]:
    """Return the header of basic authentication for `user:password`, where a browser cannot be given the login itself."""
    return {"authorization": "Basic " + base64.b64encode(basic.reveal().encode()).decode()}
