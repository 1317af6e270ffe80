"""Reads log records as OpenTelemetry sends them (OTLP/HTTP, in its JSON form) into the records of events.

https://opentelemetry.io/docs/specs/otlp/#otlphttp and https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sources.events import EventError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_LEVELS = ((17, "error"), (13, "warn"), (0, "info"))
_NAMES_OF_FIXED = {
    "event.id": "id",
    "event.name": "name",
    "event.category": "category",
    "http.route": "endpoint",
    "url.path": "endpoint",
    "http.target": "endpoint",
    "http.request.method": "method",
    "http.method": "method",
    "http.response.status_code": "status",
    "http.status_code": "status",
    "session.id": "session",
}
"""Attributes of the semantic conventions that are fixed keys of an event, the better of two first."""


def log_records(export: Any) -> Iterator[dict[str, Any] | EventError]:
    """Yield the record of an event for each log record of an export request, or what is wrong with it.

    A record without an attribute `event.id` gets a digest of itself as its id, so that the same request sent again counts once.

    Raises:
        EventError: it is no export request; the message says what is expected.
    """
    seen: Counter[str] = Counter()
    for resource in _lists(export, "resourceLogs", required=True):
        service = _attributes(_inside(resource.get("resource"))).get("service.name")
        for scope in _lists(resource, "scopeLogs"):
            for record in scope.get("logRecords") or ():
                if isinstance(record, EventError):
                    yield record
                    continue
                if not isinstance(record, dict):
                    yield EventError("a log record is no JSON object")
                    continue
                try:
                    yield _record(record, service, seen)
                except (ValueError, TypeError, OverflowError, RecursionError) as error:
                    yield EventError(f"the log record has another shape: {error}"[:500])


def _inside(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lists(export: Any, key: str, *, required: bool = False) -> list[dict[str, Any]]:
    found = export.get(key) if isinstance(export, dict) else None
    if found is None and not required:
        return []
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and _is_list(one.get("logRecords")) for one in found
    ):
        raise EventError(
            f'{key}: must be a list of objects: {{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [...]}}]}}]}}'
        )
    return found


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _record(record: Mapping[str, Any], service: Any, seen: Counter[str]) -> dict[str, Any]:
    attributes = _attributes(record)
    found = {key: value for key, value in attributes.items() if key not in _NAMES_OF_FIXED}
    for told, key in reversed(_NAMES_OF_FIXED.items()):
        if told in attributes:
            found[key] = attributes[told]
    if isinstance(service, str):
        found.setdefault("service", service)
    body = _value(record.get("body"))
    # An event's name wins over the body, which is a sentence for people.
    name = record.get("eventName") or found.get("name")
    if not name and isinstance(body, str) and body.strip():
        name = body.strip().splitlines()[0][:100]
    number = record.get("severityNumber") or 0
    level = next((level for least, level in _LEVELS if isinstance(number, int) and number >= least), "info")
    found |= {"name": name, "level": level, "at": _moment(record)}
    if not isinstance(found.get("id"), str):
        text = json.dumps([service, record], sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        seen[digest] += 1
        found["id"] = f"otlp:{digest}-{seen[digest]}"
    return found


def _attributes(of: Mapping[str, Any]) -> dict[str, Any]:
    told = of.get("attributes")
    pairs = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return {one["key"]: _value(one.get("value")) for one in pairs if isinstance(one.get("key"), str)}


def _value(told: Any) -> Any:
    """Return the value of an AnyValue; 64-bit integers are texts in JSON. Lists and maps stay as they are, and are dropped later."""
    if not isinstance(told, dict) or len(told) != 1:
        return None
    ((kind, value),) = told.items()
    if kind == "intValue":
        return int(value)
    return value


def _moment(record: Mapping[str, Any]) -> str | None:
    nanoseconds = int(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0)
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat() if nanoseconds else None
