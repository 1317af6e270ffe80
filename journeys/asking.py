"""Asking an endpoint of the site beside the page, with the buyer's cookies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Error

from journeys.recording import Recorder
from journeys.wording import plain

_ASK_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint said: `said` is its message in words, `json` its object (empty where it is none)."""

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
    carry. It stands among the recorder's requests.
    """
    seen = recorder.note_own("GET", url)
    try:
        response = context.request.get(
            seen.url, params=dict(query), headers=dict(headers or {}), timeout=_ASK_MS, fail_on_status_code=False
        )
        status, text = response.status, response.text()
        recorder.rate_limits.take(response.headers, status)
    except Error as error:
        reason = str(error).splitlines()[0]
        recorder.end_own(seen, failure=reason)
        return Answer(status=None, said=reason)
    recorder.end_own(seen, status=status, body=text if status >= 400 else None)
    return Answer(status=status, said=plain(text), json=_json_object(text))


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
