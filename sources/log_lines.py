"""Converts a line of the site's log to an event: JSON lines, and the ticket shop's own text; other lines are no events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from facts import Event
from sources.events import EventError, parse_event, read_event

LONGEST_BLOCK = 200
"""A block of text (`name {` to `} category level`) has so many lines at most."""
_TIMES = ("at", "time", "timestamp", "ts", "@timestamp", "datetime")
_NAMES = ("event", "name", "msg", "message")
# The numbers of bunyan and pino: https://github.com/pinojs/pino/blob/main/docs/api.md#level-string
_LEVELS = ((50, "error"), (40, "warn"), (0, "info"))
_OF_URGENCY = {"critical": "error", "high": "error", "medium": "warn", "low": "info", "info": "info"}
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")
_BEGIN = re.compile(r"(?:^|\s)([a-z][a-z0-9]*(?:_[a-z0-9]+)+|Analytics Event:) \{")
_END = re.compile(r"^\}(?: ([\w-]{1,64}) ([a-z]{1,16}))?\s*$")
_END_OF_ONE = re.compile(r"\}(?: ([\w-]{1,64}) ([a-z]{1,16}))?\s*$")
_PAIR = re.compile(
    r"(?:^|[{,])\s*'?(\w{1,64})'?: (?:'([^']{0,200})'|(-?\d{1,15}(?:\.\d{1,6})?)|(true|false))(?=\s*[,}]|\s*$)", re.M
)
# Nothing else of a block is kept: the shop logs names, addresses and phone numbers in full.
_KEPT = {
    "cityId": "city",
    "tier": "tier",
    "remainingSpots": "remaining",
    "urgency": "urgency",
    "eventType": "event_type",
    "livemode": "livemode",
}
_REQUEST = re.compile(r"API Request: ([A-Z]{3,7}) (/\S{0,500})")
_SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("Rate limit exceeded for IP", "rate_limit_exceeded", "warn"),
    ("CSRF token validation failed for", "csrf_validation_failed", "warn"),
    ("Blocked suspicious path attempt", "suspicious_path_blocked", "warn"),
    ("Checkout session creation error", "checkout_session_failed", "error"),
    ("Session retrieval error", "session_retrieval_failed", "error"),
    ("Webhook signature verification failed", "webhook_signature_invalid", "error"),
    ("SMS delivery failed after all retries", "sms_delivery_failed", "error"),
    ("SMS notifications sent:", "sms_notification_sent", "info"),
    ("Inventory decremented", "inventory_updated", "info"),
)


def opens_block(line: str) -> bool:
    """Return whether a line begins a block of text that goes on in the next lines."""
    return line.rstrip().endswith("{") and _BEGIN.search(line) is not None


def closes_block(line: str) -> bool:
    """Return whether a line ends a block."""
    return _END.match(line) is not None


def event_in(text: str, *, id_: str, now: datetime) -> Event | None:
    """Return the event in a line or a block of lines; None if it contains none, or one that cannot be kept.

    `id_` becomes its id, whatever the line says. A line that tells no time is of `now`.
    """
    try:
        record = _of_json(text, now) if text.lstrip().startswith("{") else _of_text(text, now)
        return read_event({**record, "id": id_}, now=now) if record is not None else None
    except EventError:
        return None


def _of_json(text: str, now: datetime) -> dict[str, Any] | None:
    found: dict[str, Any] = parse_event(text.strip())
    if isinstance(found.get("log"), str) and "stream" in found:  # Docker wraps each line of a container
        inner = found["log"]
        inner_record = _of_json(inner, now) if inner.lstrip().startswith("{") else _of_text(inner, now)
        when = found.get("time")
        return None if inner_record is None else {"at": _time(when, now) if when else now.isoformat(), **inner_record}
    named = next((key for key in _NAMES if isinstance(found.get(key), str) and found[key].strip()), None)
    if named is None:
        return None
    timed = next((key for key in _TIMES if found.get(key) is not None), None)
    rest = {key: value for key, value in found.items() if key not in (named, timed, "level", "severity")}
    return {
        **rest,
        "name": found[named].strip().splitlines()[0][:100],
        "at": _time(found[timed], now) if timed else now.isoformat(),
        "level": _level(found.get("level", found.get("severity"))),
    }


def _level(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return next((level for least, level in _LEVELS if value >= least), "info")
    return value


def _time(value: Any, now: datetime) -> str:
    """Return a time as ISO 8601, from ISO 8601 or from seconds or milliseconds since 1970; `now` for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value
        try:
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (OverflowError, OSError, ValueError):
            return now.isoformat()
    # Nanoseconds, as Docker writes them, are more than a datetime holds.
    return re.sub(r"(\.\d{6})\d+", r"\1", value) if isinstance(value, str) else now.isoformat()


def _of_text(text: str, now: datetime) -> dict[str, Any] | None:
    first = text.partition("\n")[0]
    stamp = _STAMP.search(first[:80])
    at = {"at": stamp[0] if stamp else now.isoformat()}
    begin = _BEGIN.search(first)
    if begin is not None:
        return _of_block(begin[1], text, at)
    request = _REQUEST.search(first)
    if request is not None:
        return {**at, "name": "api_request", "level": "info", "method": request[1], "endpoint": request[2]}
    for words, name, level in _SENTENCES:
        if words in first:
            return {**at, "name": name, "level": level}
    return None


def _of_block(name: str, text: str, at: Mapping[str, Any]) -> dict[str, Any] | None:
    last = text.rstrip().rpartition("\n")[2]
    end = _END_OF_ONE.search(last)
    if end is None:
        return None  # it was cut off, or is no block
    pairs = {key: _value(quoted, number, flag) for key, quoted, number, flag in _PAIR.findall(text)}
    record: dict[str, Any] = {**at, **{to: pairs[key] for key, to in _KEPT.items() if key in pairs}}
    if name.endswith(":"):
        event = pairs.get("event")
        if not isinstance(event, str):
            return None
        return {**record, "name": event, "level": "error" if event.endswith("_failed") else "info"}
    urgency = end[2]
    level = _OF_URGENCY.get(
        urgency or str(pairs.get("urgency")), "error" if "error" in name or "fail" in name else "info"
    )
    return {**record, "name": name, "level": level, **({"category": end[1]} if end[1] else {})}


def _value(quoted: str, number: str, flag: str) -> Any:
    if number or flag:
        return json.loads(number or flag)
    return quoted or None
