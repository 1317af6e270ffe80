"""Reads OTLP export requests in protobuf into the form that they have in JSON, and writes the answers in protobuf.

https://opentelemetry.io/docs/specs/otlp/#binary-protobuf-encoding
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from sources.events import EventError

_MOST_ATTRIBUTES = 1_000
"""The most attributes that a log record may have; only a few of them are kept."""


class ProtobufError(ValueError):
    """A body that is no export request; the message says what is expected."""


class TooManyRecordsError(ValueError):
    """An export request has more log records than are taken at once."""


def read_export(body: bytes, *, most: int) -> dict[str, Any]:
    """Return an export request as its JSON object, with what `sources.otlp` reads of it. An empty body is an empty request.

    A record with more than 1,000 attributes is told as an `EventError` in its place, so that it is rejected alone.

    Raises:
        ProtobufError: the bytes are no export request.
        TooManyRecordsError: there are more than `most` log records, or groups of them.
    """
    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise ProtobufError(
            f"the body is no ExportLogsServiceRequest in protobuf: {str(error)[:200] or 'it cannot be parsed'}"
        ) from None
    if body and not request.resource_logs:
        raise ProtobufError("the body is no ExportLogsServiceRequest: it has no resource_logs (field 1)")
    # Before anything is copied: an empty record takes two bytes.
    groups = len(request.resource_logs) + sum(len(one.scope_logs) for one in request.resource_logs)
    if groups > 2 * most or sum(len(s.log_records) for r in request.resource_logs for s in r.scope_logs) > most:
        raise TooManyRecordsError
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": _attributes(resource.resource.attributes)},
                "scopeLogs": [
                    {"logRecords": [_record(record) for record in scope.log_records]} for scope in resource.scope_logs
                ],
            }
            for resource in request.resource_logs
        ]
    }


def _record(record: Any) -> dict[str, Any] | EventError:
    if len(record.attributes) > _MOST_ATTRIBUTES:
        return EventError(f"the log record has {len(record.attributes):,} attributes; {_MOST_ATTRIBUTES:,} are taken")
    return {
        "timeUnixNano": str(record.time_unix_nano),
        "observedTimeUnixNano": str(record.observed_time_unix_nano),
        "severityNumber": int(record.severity_number),
        "eventName": record.event_name,
        "body": _value(record.body),
        "attributes": _attributes(record.attributes),
        # What is not read here still tells two records apart.
        "digest": hashlib.sha256(record.SerializeToString(deterministic=True)).hexdigest(),
    }


def _attributes(pairs: Any) -> list[dict[str, Any]]:
    return [{"key": pair.key, "value": _value(pair.value)} for pair in pairs]


def _value(value: Any) -> dict[str, Any]:
    """Return a value as JSON has it; lists and maps come empty, because none is kept."""
    match value.WhichOneof("value"):
        case "string_value":
            return {"stringValue": value.string_value}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            return {"doubleValue": value.double_value}
        case "bytes_value":
            return {"bytesValue": base64.b64encode(value.bytes_value).decode("ascii")}
        case "array_value":
            return {"arrayValue": {"values": []}}
        case "kvlist_value":
            return {"kvlistValue": {"values": []}}
        case _:
            return {}


def export_response(rejected: int, message: str) -> bytes:
    """Return the answer to an export request: empty where nothing was rejected."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    encoded: bytes = response.SerializeToString()
    return encoded


def status(message: str) -> bytes:
    """Return the body of a refusal: a `google.rpc.Status` that says why."""
    encoded: bytes = Status(message=message).SerializeToString()
    return encoded
