"""Asks an endpoint of the site without the page, with the buyer's cookies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import APIResponse, BrowserContext, Error

from journeys.recording import Recorder
from journeys.site_headers import goes_to_site
from journeys.wording import plain

_ASK_MS = 10_000
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Holds the response of an endpoint: `said` is its message in words, `json` its object (empty if the body is not an object)."""

    status: int | None
    said: str
    json: dict[str, Any] = field(default_factory=dict)


def ask(
    context: BrowserContext,
    recorder: Recorder,
    url: str,
    query: dict[str, str],
    *,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send a `GET` and return what was answered; no answer is a status of None and the reason in `said`.

    It is the same visitor as the page: cookies, login and proxy are the context's, `headers` those that the page's requests
    to the site carry; nobody else is told them, wherever the site redirects. It stands among the recorder's requests.
    """
    seen = recorder.note_own("GET", url)
    try:
        response = _get(context, seen.url, query, headers or {}, goes_to_site(recorder.origin))
        status, text = response.status, response.text()
        recorder.rate_limits.take(response.headers, status)
    except Error as error:
        reason = str(error).splitlines()[0]
        recorder.end_own(seen, failure=reason)
        return Answer(status=None, said=reason)
    recorder.end_own(seen, status=status, body=text if status >= 400 else None)
    return Answer(status=status, said=plain(text), json=_json_object(text))


def _get(
    context: BrowserContext, url: str, query: dict[str, str], headers: Mapping[str, str], is_told: re.Pattern[str]
) -> APIResponse:
    """Follow redirects one by one, because Playwright would send the headers to any host. Raises Playwright's Error."""
    params: dict[str, str | float | bool] = dict(query)
    for _ in range(_MOST_REDIRECTS):
        own = dict(headers) if is_told.match(url) else {}
        response = context.request.get(
            url, params=params, headers=own, timeout=_ASK_MS, fail_on_status_code=False, max_redirects=0
        )
        place = response.headers.get("location")
        if response.status not in _REDIRECTS or not place:
            return response
        url, params = urljoin(response.url, place), {}
    raise Error(f"more than {_MOST_REDIRECTS} redirects, the last to {url}")


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
