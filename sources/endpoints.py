"""Checks of single addresses of the site, made by the hub: whether they answer as they should, how fast, and the TLS certificate.

Only by GET, and only what may be asked without side effects.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from facts import Sample, labels
from process.bounded_http import AnswerTooLargeError, bounded_client, retry_after_s
from sources.source import Collected, SourceError, SourceSettings

TICKET_SHOP: Mapping[str, str] = {
    "/": "html",
    "/register": "html",
    "/api/inventory": "json",
    "/api/webhooks/stripe": "json",
}
"""What is checked of the ticket shop where `site.yaml` names no paths; its webhook tells its state by GET."""
ANY_SITE: Mapping[str, str] = {"/": "html"}
"""What is checked of another site, likewise."""
LOCATION = "hub"
LARGEST_ANSWER = 2_000_000
WITHIN_S = 10.0
"""An answer that is not over by then counts as none."""
ROUND_S = 60.0
"""What is not begun by then is checked first in the next round."""
_DAY_S = 86_400
_CERTIFICATE_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAnswer:
    """What one path answered. `error` says what was wrong, None where nothing was. `took_s` is None without an answer.

    `days_left` is how long the certificate holds, None where there is none or it was not seen. `limited` is true where the site asks
    for fewer requests, which says nothing of the endpoint; `wait_s` is how long it asks to wait.
    """

    path: str
    error: str | None = None
    took_s: float | None = None
    days_left: float | None = None
    limited: bool = False
    wait_s: float | None = None


class EndpointsSource:
    """Makes the checks that `endpoint_checks` of `site.yaml` switches on."""

    name: ClassVar[str] = "endpoints"

    def __init__(
        self,
        settings: SourceSettings,
        client: httpx.Client | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = settings.base_url.rstrip("/")
        self._paths = dict(settings.endpoints or {})
        self._monotonic = monotonic
        self._client = client or bounded_client(
            timeout_s=WITHIN_S, most_bytes=LARGEST_ANSWER, headers={"User-Agent": settings.user_agent}, keep_alive=False
        )
        self.every_s = settings.endpoints_every_s
        self.site_requests = len(self._paths)

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None if there are paths to check, else why there are none."""
        return None if settings.endpoints else "site.yaml has no endpoint_checks"

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Check every path once, all as of `now`.

        An endpoint that does not answer is a sample of 0. One that answers 429 is none, and ends the round. The cursor is the first
        path that a round did not come to, where the next one begins: else the last paths of a site that hangs would never be checked.

        Raises:
            SourceError: the site limits requests, so that nothing was learned.
        """
        paths = self._paths_from(cursor)
        answers = self._round(paths, now)
        samples = [sample for answer in answers for sample in self._samples(answer, now)]
        days = [answer.days_left for answer in answers if answer.days_left is not None]
        if days:
            samples.append(Sample(metric="tls_days_left", at=now, value=min(days), labels=labels(host=self._host)))
        limited = next((answer for answer in answers if answer.limited), None)
        if limited is not None and not samples:
            raise SourceError(f"GET {limited.path}: 429, the site limits this address", retry_after_s=limited.wait_s)
        return Collected(samples=samples, cursor=paths[len(answers)] if len(answers) < len(paths) else None)

    def _paths_from(self, first: Any) -> list[str]:
        paths = list(self._paths)
        begins = paths.index(first) if first in paths else 0
        return paths[begins:] + paths[:begins]

    def _round(self, paths: Sequence[str], now: datetime) -> list[EndpointAnswer]:
        ends, answers = self._monotonic() + ROUND_S, list[EndpointAnswer]()
        for path in paths:
            left_s = ends - self._monotonic()
            if left_s <= 0:
                break
            answers.append(self.check(path, self._paths[path], now, within_s=min(WITHIN_S, left_s)))
            if answers[-1].limited:
                break
        return answers

    def check(self, path: str, body: str, now: datetime, *, within_s: float = WITHIN_S) -> EndpointAnswer:
        """Request one path, within `within_s` seconds; every failure is in the returned answer."""
        began = self._monotonic()
        try:
            answer = self._client.get(self._base_url + path, timeout=within_s)
        except AnswerTooLargeError as error:
            return EndpointAnswer(path=path, error=f"the answer has {error}")
        except httpx.HTTPError as error:
            days_left = 0.0 if _has_expired(error) else None
            return EndpointAnswer(path=path, error=f"no answer ({type(error).__name__}: {error})", days_left=days_left)
        took_s = self._monotonic() - began
        if answer.status_code == 429:
            return EndpointAnswer(
                path=path, error="429", took_s=took_s, limited=True, wait_s=retry_after_s(answer.headers)
            )
        return EndpointAnswer(
            path=path, error=_what_is_wrong(answer, body), took_s=took_s, days_left=_days_left(answer, now)
        )

    def _samples(self, answer: EndpointAnswer, now: datetime) -> list[Sample]:
        if answer.limited:
            return []
        its = labels(endpoint=answer.path, location=LOCATION)
        samples = [Sample(metric="endpoint_up", at=now, value=float(answer.error is None), labels=its)]
        if answer.took_s is not None:
            samples.append(Sample(metric="endpoint_response_seconds", at=now, value=answer.took_s, labels=its))
        return samples

    @property
    def _host(self) -> str:
        return urlsplit(self._base_url).netloc.rpartition("@")[2]

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


def _what_is_wrong(answer: httpx.Response, body: str) -> str | None:
    if answer.status_code != 200:
        to = f" to {answer.headers['Location']!r:.100}" if answer.is_redirect and "Location" in answer.headers else ""
        return f"{answer.status_code}{to} instead of 200"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body == "html" and (
        kind not in ("text/html", "application/xhtml+xml") or not answer.text.lstrip().startswith("<")
    ):
        return f"no HTML ({kind or 'no Content-Type'}): {answer.text[:60]!r}"
    if body == "json" and not _is_json(answer.text):
        return f"no JSON object or list ({kind or 'no Content-Type'}): {answer.text[:60]!r}"
    return None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):  # the second: it is nested too deeply
        return False


def _days_left(answer: httpx.Response, now: datetime) -> float | None:
    stream = answer.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate or "notAfter" not in certificate:
        return None
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    return (ends - now).total_seconds() / _DAY_S


def _has_expired(error: BaseException | None) -> bool:
    """Return whether a connection failed because the certificate has expired; then its dates cannot be read."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_code == _CERTIFICATE_EXPIRED
        error = error.__cause__ or error.__context__
    return False
