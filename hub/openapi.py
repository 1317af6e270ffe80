"""Builds `/openapi.json`: FastAPI's description of the endpoints, extended by their authentication and all refusals."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hub.answers import schemas
from hub.envelope import MOST_RUNS
from hub.event_ingest import MOST_EVENTS
from hub.permissions import Requirement, need
from sources.events import LARGEST_EVENT

_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERYWHERE = {
    400: "A `Host` that is not the hub's (`SIXFB_HOSTS`), or NUL in the address.",
    403: "Another site's page sends it, or a proxy that nobody named passed it on to a hub that asks nobody anything.",
    503: "The database does not answer; try again after `Retry-After` seconds.",
}
_FOR_PEOPLE = {401: "Nobody is logged in.", 403: "Logged in, but the role is too low."}
_FOR_PROGRAMS = {
    401: "No token, or one that is not known or is revoked.",
    403: "A token of another kind or place.",
    429: "Too fast; come back after `Retry-After` seconds.",
}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A location's or a source's token, `sfb_...`."},
    "metrics": {"type": "http", "scheme": "bearer", "description": "The scraper's, `SIXFB_METRICS_TOKEN`."},
    "session": {"type": "apiKey", "in": "cookie", "name": "sixfb_session", "description": "A person's, from `/login`."},
}

RUNS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_RUNS} runs and 4 MiB; each run at most 128 KiB. Unknown keys are left alone.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["runs"],
                    "properties": {
                        "location": {"type": ["string", "null"], "description": "Of every run in the batch."},
                        "runner": {"type": ["object", "null"], "description": "What the runner says of itself."},
                        "runs": {
                            "type": "array",
                            "maxItems": MOST_RUNS,
                            "items": {"$ref": "#/components/schemas/Run"},
                        },
                    },
                }
            }
        },
    }
}
_TEXT, _AMOUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["id", "at", "name"],
    "properties": {
        "id": {"type": "string", "description": "The event's alone, of its source; the same id counts once."},
        "at": {"type": "string", "format": "date-time"},
        "level": {"type": "string", "description": "error, warn or info; `info` where it is missing."},
        "name": _TEXT,
        "category": {"type": ["string", "null"], "description": "One of the guide's categories of errors."},
        "amount_minor": _AMOUNT,
        "price_minor": _AMOUNT,
        "currency": {"type": "string", "description": "Three letters; needed beside an amount."},
        "city": _TEXT,
        "tier": _TEXT,
        "is_member": {"type": "boolean"},
        "endpoint": _TEXT,
        "method": _TEXT,
        "status": {"type": "integer", "minimum": 100, "maximum": 599},
        "duration_ms": {"type": "number", "minimum": 0},
        "funnel_step": _TEXT,
        "session": _TEXT,
        "channel": _TEXT,
        "score": {"type": "number"},
    },
}
EVENTS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_EVENTS:,} events and 4 MiB; each event at most {LARGEST_EVENT // 1024} KiB. "
        "An array, or an object on each line (NDJSON), whatever the Content-Type.",
        "content": {
            "application/json": {"schema": {"type": "array", "maxItems": MOST_EVENTS, "items": _EVENT}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}
PROTOBUF = "application/x-protobuf"
LOGS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "An ExportLogsServiceRequest of OTLP, as it is or compressed by gzip or deflate.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            PROTOBUF: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
BYTES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def described(app: FastAPI, *, prefix: str = "") -> dict[str, Any]:
    """Return the complete description, made once; `prefix` is the path below which the hub is reached."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        if prefix:
            schema["servers"] = [{"url": prefix}]
        components = schema.setdefault("components", {})
        components["schemas"] = components.get("schemas", {}) | schemas()
        components["securitySchemes"] = _SCHEMES
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                _describe(operation, need(method.upper(), path))
        app.openapi_schema = schema
    return app.openapi_schema


def _describe(operation: dict[str, Any], asked: Requirement) -> None:
    refusals = dict(_EVERYWHERE)
    if asked in (Requirement.LOCATION, Requirement.SOURCE):
        refusals |= _FOR_PROGRAMS
        operation["security"] = [{"token": []}, {}]
    elif asked is Requirement.METRICS:
        refusals |= _FOR_PEOPLE
        operation["security"] = [{"metrics": []}, {"session": []}, {}]
    elif asked not in (Requirement.NOBODY, Requirement.SIGNATURE, Requirement.ADDRESS):
        refusals |= _FOR_PEOPLE
        operation["security"] = [{"session": []}, {}]
    for status, description in refusals.items():
        operation["responses"].setdefault(str(status), {"description": description, "content": _PROBLEM})
