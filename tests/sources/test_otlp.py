"""Log records of OpenTelemetry become the records of events."""

from __future__ import annotations

from typing import Any

import pytest

from sources.events import EventError
from sources.otlp import log_records


def an_export(*records: Any) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


@pytest.mark.parametrize(
    ("number", "level"),
    [(None, "info"), (1, "info"), (12, "info"), (13, "warn"), (16, "warn"), (17, "error"), (24, "error")],
)
def test_the_level_follows_the_severity_number(number: int | None, level: str) -> None:
    (record,) = log_records(an_export({"severityNumber": number}))
    assert isinstance(record, dict)
    assert record["level"] == level


def test_the_name_is_the_events_before_the_attributes_before_the_first_line_of_the_body() -> None:
    body = {"stringValue": "first line\nsecond"}
    named = {"key": "event.name", "value": {"stringValue": "attribute"}}
    records = [
        {"body": body},
        {"body": body, "attributes": [named]},
        {"body": body, "attributes": [named], "eventName": "event"},
        {"body": {"kvlistValue": {}}},
    ]
    told = [record["name"] for record in log_records(an_export(*records)) if isinstance(record, dict)]
    assert told == ["first line", "attribute", "event", None]


def test_an_id_is_told_or_a_digest_that_tells_equal_records_of_one_request_apart() -> None:
    told = {"attributes": [{"key": "event.id", "value": {"stringValue": "mine"}}]}
    records = [told, {"body": {"stringValue": "a"}}, {"body": {"stringValue": "a"}}, {"body": {"stringValue": "b"}}]
    first, again = ([r["id"] for r in log_records(an_export(*records)) if isinstance(r, dict)] for _ in range(2))
    assert first == again
    assert first[0] == "mine"
    assert len(set(first)) == 4


@pytest.mark.parametrize("time", ["soon", [], {}, "9" * 40])
def test_a_record_of_another_shape_costs_itself_alone(time: Any) -> None:
    bad, good = log_records(an_export({"timeUnixNano": time or ["x"]}, {"timeUnixNano": "1796040000000000000"}))
    assert isinstance(bad, EventError)
    assert isinstance(good, dict)
    assert good["at"].startswith("2026-11-30T")
