"""Reads the site's own inventory: how many tickets of each tier are left in each city, from `GET /api/inventory`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

import httpx

from facts import Sample, labels
from process.bounded_http import AnswerTooLargeError, bounded_client, retry_after_s
from redact.plain_text import plain
from sources.source import Collected, SourceError, SourceSettings

PATH = "/api/inventory"
LARGEST_ANSWER = 1_000_000
"""An inventory has a few thousand bytes. The client that reads it stops here, whatever the answer holds."""
# What is believed of a name and a number; an inventory with more is no inventory.
_LONGEST_CITY, _LONGEST_TIER, _MOST_SEATS = 100, 32, 1_000_000_000
# What a site answers that has no inventory, or none for us; where there was one before, each is a failure.
_NOT_SERVED = frozenset({401, 403, 404, 405, 410, 501})
_WORDS = {429: "the site limits this address", 401: "it asks for a login", 403: "this address may not read it"}


class InventorySource:
    """Reads the remaining tickets. It has no cursor, because each reading is about the present."""

    name: ClassVar[str] = "inventory"
    every_s: ClassVar[float] = 60.0
    site_requests: ClassVar[int] = 1

    def __init__(self, settings: SourceSettings, client: httpx.Client | None = None) -> None:
        self._base_url = settings.base_url
        # A site under load answers its inventory in seconds; one that has not in ten is read again a minute later.
        self._client = client or bounded_client(
            timeout_s=10.0, most_bytes=LARGEST_ANSWER, headers={"User-Agent": settings.user_agent}
        )

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None where the site sells tickets, else why there is no inventory."""
        return (
            None if settings.sells_tickets else "site.yaml names no cities, so the site is not asked for its inventory"
        )

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read the inventory as it is now. Raises SourceError."""
        return Collected(samples=read_inventory(self._client, self._base_url, now))

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


def read_inventory(client: httpx.Client, base_url: str, now: datetime) -> list[Sample]:
    """Return what is left of each tier in each city, its seats where they are told, and how many cities are oversold; all at `now`.

    `actualAvailable` is read where the site tells it; `publicAvailable` may be what the site wants to show.

    Raises:
        SourceError: no answer, another status than 200, or an answer of another shape; a city that is told wrongly
            spoils the sample, because half an inventory would pass for a whole one.
    """
    url = base_url.rstrip("/") + PATH
    try:
        answer = client.get(url, headers={"Accept": "application/json"})
    except AnswerTooLargeError as error:
        raise SourceError(f"GET {PATH}: the answer has {error}; an inventory has a few thousand") from None
    except httpx.HTTPError as error:
        raise SourceError(f"GET {PATH}: no answer ({type(error).__name__}: {error})") from None
    if answer.status_code != 200:
        raise _refused(answer)
    if len(answer.content) > LARGEST_ANSWER:
        raise SourceError(f"GET {PATH}: the answer has {len(answer.content):,} bytes; an inventory has a few thousand")
    cities = _cities(answer)
    samples = [sample for city in cities for sample in _samples(city, now)]
    oversold = {dict(s.labels)["city"] for s in samples if s.metric == "inventory_remaining_tickets" and s.value < 0}
    return [*samples, Sample(metric="inventory_negative_cities", at=now, value=float(len(oversold)))]


def _refused(answer: httpx.Response) -> SourceError:
    status = answer.status_code
    what = "no inventory is served there" if status == 404 else _WORDS.get(status, "")
    permanent = 400 <= status < 500 and status not in (408, 425, 429)
    return SourceError(
        f"GET {PATH}: {status}" + (f", {what}" if what else ""),
        permanent=permanent,
        retry_after_s=retry_after_s(answer.headers),
        absent=status in _NOT_SERVED or 300 <= status < 400,
    )


def _cities(answer: httpx.Response) -> list[Any]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):  # the second: it is nested too deeply
        # A shop of one page answers every address with it, and has no inventory there.
        is_page = answer.text.lstrip()[:1] == "<"
        raise SourceError(f"GET {PATH}: the answer is not JSON: {answer.text[:80]!r}", absent=is_page) from None
    cities = body.get("data") if isinstance(body, dict) and body.get("success") else None
    if not isinstance(cities, list) or not cities:
        raise SourceError(f"GET {PATH}: the answer lists no cities: {answer.text[:80]!r}")
    return cities


def _samples(city: Any, now: datetime) -> Iterator[Sample]:
    name = city.get("cityId") if isinstance(city, dict) else None
    if not isinstance(name, str) or not _is_name(name, _LONGEST_CITY):
        raise SourceError(f"GET {PATH}: a city without cityId of 1 to {_LONGEST_CITY} characters: {str(city)[:80]!a}")
    left = _numbers(city, "actualAvailable") or _numbers(city, "publicAvailable")
    limits = _numbers(city, "actualLimits") or _numbers(city, "publicLimits") or {}
    if not left:
        raise SourceError(f"GET {PATH}: {name} tells neither actualAvailable nor publicAvailable as numbers by tier")
    for tier, n in left.items():
        its = labels(city=name, tier=tier)
        yield Sample(metric="inventory_remaining_tickets", at=now, value=float(n), labels=its)
        if tier in limits:
            yield Sample(metric="inventory_seats", at=now, value=float(limits[tier]), labels=its)


def _numbers(city: Mapping[str, Any], key: str) -> dict[str, int] | None:
    values = city.get(key)
    if not isinstance(values, dict):
        return None
    wrong = [
        tier
        for tier, n in values.items()
        if not isinstance(n, int) or isinstance(n, bool) or abs(n) > _MOST_SEATS or not _is_name(tier, _LONGEST_TIER)
    ]
    return None if wrong or not values else dict(values)


def _is_name(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text == plain(text)
