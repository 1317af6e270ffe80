"""Defines the JSON responses of the endpoints, from which `/openapi.json` is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from facts import Alert, Event, Incident, LadderRow, Metric, Notification, Outcome, Verdict
from hub.event_ingest import EventTaken
from hub.ingest import IngestResult
from metrics import MetricPoint
from store.alerts import AlertChange
from store.verdicts import PastVerdict

_SCHEMAS = "#/components/schemas/"
_UNREADABLE = {400: "The body is not JSON in UTF-8.", 415: "The body is compressed."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Holds why a request was refused, in one sentence that says what to do."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsTaken:
    """Holds the result for each record of a batch, in order."""

    received_at: datetime
    results: list[IngestResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsTaken:
    """Holds the result for each event of a batch, in order."""

    received_at: datetime
    results: list[EventTaken]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsExported:
    """Holds the response of OTLP/HTTP; without `partialSuccess`, every log record was accepted."""

    partialSuccess: dict[str, str] | None = None  # noqa: N815 - OTLP's own name


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKept:
    """Holds the result for an artifact; `new` is false if the same bytes were stored already."""

    sha256: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsListed:
    """Holds short forms of runs, newest first. `next` is the `cursor` of the following page; null on the last one."""

    runs: list[Outcome]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventListed(Event):
    """An event and the source that sent it."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsListed:
    """Holds events, newest first. `next` is the `cursor` of the following page; null on the last one."""

    events: list[EventListed]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsTold:
    """Holds the verdicts of the last tick and its time; null before the first tick."""

    at: datetime | None
    verdicts: list[Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictHistory:
    """Holds rows of the history, oldest first, and for each target the row that applied at the start of the period.

    The response also has the period's bounds, as `from` and `to`. A null `verdict` means that the target was no longer
    judged. `next` is the `cursor` of the following page; null on the last one.
    """

    rows: list[PastVerdict]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsListed:
    """Holds alerts, newest first, and incidents: the open ones, or those of the period.

    `next` is the `cursor` of the following page of alerts; null on the last one.
    """

    alerts: list[Alert]
    incidents: list[Incident]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown(Alert):
    """Holds an alert with its changes and the messages of its incident."""

    changes: list[AlertChange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    escalation: list[LadderRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListed:
    """Holds every metric of the catalogue."""

    metrics: list[Metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesShown:
    """Holds one series of a metric; a period without values has no point."""

    labels: dict[str, str]
    points: list[MetricPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricShown:
    """A metric's series from `since` up to `until`, a point for each `step_s` seconds.

    `since` is later than was asked for where nothing older is kept.
    """

    metric: Metric
    since: datetime
    until: datetime
    step_s: int
    series: list[SeriesShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Holds the response of the liveness check."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Holds the response of the readiness check; `status` is `ok`, or the problems found."""

    status: str
    last_tick: datetime | None


_models: dict[str, type] = {}
"""The model of each response that an endpoint has declared, by its name."""


def told(model: type, description: str) -> dict[str, Any]:
    """Return one response of an endpoint, for the OpenAPI description; the model's schema is in `schemas`.

    The model is referred to by its name and not handed to FastAPI, which would build each model's validators at every
    start although responses are not validated; that took most of the time in which an application was made.
    """
    _models[model.__name__] = model
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": _SCHEMAS + model.__name__}}},
    }


def schemas() -> dict[str, Any]:
    """Return the JSON schemas of all responses that were declared, and of what they consist of, by their names."""
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]]
    inputs = [(name, "serialization", TypeAdapter(model)) for name, model in _models.items()]
    _, definitions = TypeAdapter.json_schemas(inputs, ref_template=_SCHEMAS + "{model}")
    found: dict[str, Any] = definitions["$defs"]
    return found


def answering(
    model: type,
    description: str,
    *,
    reads_json: bool = False,
    also: Mapping[int, dict[str, Any]] | None = None,
    **refused: str,
) -> dict[str, Any]:
    """Return the responses of a JSON endpoint as arguments for its decorator: 200 with a model, those in `also`, and refusals.

    A refusal is `_404="No such run."`. Those that every endpoint has (`hub/openapi.py`) are not listed here, and
    neither are those for a body that is not JSON if the endpoint `reads_json`.
    """
    refusals = {**(_UNREADABLE if reads_json else {}), **{int(status[1:]): why for status, why in refused.items()}}
    answers = {200: told(model, description), **(also or {})}
    answers |= {status: told(Problem, why) for status, why in refusals.items()}
    return {"response_class": JSONResponse, "responses": answers}
