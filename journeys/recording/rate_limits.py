"""Reads the site's request limit from its responses.

Read are `X-RateLimit-*` (and `X-Rate-Limit-*`) with `Limit`, `Remaining` and `Reset`, the same without the `X-`, and the
later drafts of the standard, `RateLimit: limit=100, remaining=50, reset=30` and `RateLimit: "default";r=50;t=30`.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_LESS_IS_FROM_NOW = 10_000_000
_MORE_IS_MILLISECONDS = 100_000_000_000
# The end of one window is told in whole seconds from now, and by answers that were some time on their way.
_SAME_END = timedelta(seconds=3)
_NUMBER = re.compile(r"\s*([0-9]{1,15})\s*(?:$|[,;])")
_PARAMETER = re.compile(r"\b(limit|remaining|reset|[qrt])\s*=\s*([0-9]{1,15})\b")
_LONG_NAMES = {"q": "limit", "r": "remaining", "t": "reset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """`left` of `allowed` requests until `resets_at`, as one answer tells it; `name` tells apart the several limits of a site."""

    name: str
    left: int
    allowed: int | None = None
    resets_at: datetime | None = None


def rate_limits_of(headers: Mapping[str, str]) -> list[RateLimit]:
    """Return the limits that an answer tells; its headers' names are in lower case."""
    found = [limit for prefix in _PREFIXES if (limit := _of_three_headers(headers, prefix))]
    # A site that changes over to the standard tells one limit in both forms.
    return found[:1] or list(_of_one_header(headers))


def _of_three_headers(headers: Mapping[str, str], prefix: str) -> RateLimit | None:
    left = _number(headers.get(f"{prefix}remaining", ""))
    if left is None:
        return None
    allowed = _number(headers.get(f"{prefix}limit", ""))
    return RateLimit(
        name=str(allowed), left=left, allowed=allowed, resets_at=moment_of_reset(headers.get(f"{prefix}reset", ""))
    )


def _of_one_header(headers: Mapping[str, str]) -> Iterator[RateLimit]:
    text = headers.get("ratelimit", "")
    # `limit=100, remaining=50, reset=30` is one limit; `"burst";r=1;t=1, "daily";r=900;t=3600` are two.
    parts = text.split(",") if '"' in text else [text]
    allowed_by_name = {_name_in(part): _parameters(part) for part in headers.get("ratelimit-policy", "").split(",")}
    for part in parts:
        told = _parameters(part)
        if "remaining" in told:
            name = _name_in(part)
            yield RateLimit(
                name=name,
                left=int(told["remaining"]),
                allowed=_number(told.get("limit") or allowed_by_name.get(name, {}).get("limit", "")),
                resets_at=moment_of_reset(told.get("reset", "")),
            )


def _name_in(part: str) -> str:
    return part.strip().partition(";")[0].strip('" ') if '"' in part else ""


def _parameters(part: str) -> dict[str, str]:
    return {_LONG_NAMES.get(name, name): value for name, value in _PARAMETER.findall(part)}


def _number(text: str) -> int | None:
    found = _NUMBER.match(text)
    return int(found[1]) if found else None


def moment_of_reset(text: str) -> datetime | None:
    """A moment as sites tell it: ISO 8601, an HTTP date, seconds or milliseconds since the epoch, or seconds from now; else None."""
    text = text.strip()
    try:
        if text.isdecimal() and text.isascii():
            seconds = float(text) if int(text) < _MORE_IS_MILLISECONDS else int(text) / 1000
            from_now = seconds < _LESS_IS_FROM_NOW
            return datetime.fromtimestamp(time.time() + seconds if from_now else seconds, UTC)
        moment = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(slots=True)
class Tally:
    """Tracks one limit during a visit: the fewest requests left in the current window, and how many responses named the limit."""

    latest: RateLimit
    counted: int = 0

    def add(self, told: RateLimit) -> None:
        """Count an answer. Answers come out of order, so that the lowest rest holds, and one of an earlier window only counts."""
        self.counted += 1
        before, now = self.latest.resets_at, told.resets_at
        if before and now and now + _SAME_END < before:
            return
        is_new_window = before is not None and now is not None and now > before + _SAME_END
        if is_new_window or told.left <= self.latest.left:
            self.latest = replace(told, resets_at=now or before)


@dataclass(slots=True)
class RateLimits:
    """Tracks every limit that the site announced during a visit. `retry_at` is when a 429 without such headers asked to come again."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    retry_at: datetime | None = None

    def take(self, headers: Mapping[str, str], status: int | None = None) -> tuple[str, ...]:
        """Record the limits that a response announces; return the names of the limits that counted it."""
        told = rate_limits_of(headers)
        for limit in told:
            self.tallies.setdefault(limit.name, Tally(limit)).add(limit)
        if status == 429 and "retry-after" in headers:
            self.retry_at = moment_of_reset(headers["retry-after"])
        return tuple(limit.name for limit in told)

    def forget(self, names: tuple[str, ...]) -> None:
        """Remove a response that came from the browser's cache, which the site did not count."""
        for name in names:
            self.tallies[name].counted -= 1

    @property
    def tightest(self) -> Tally | None:
        """Return the limit that allows the fewest further visits like this one; None if the site announces none."""
        return min(self.tallies.values(), key=lambda one: one.latest.left // max(1, one.counted), default=None)
