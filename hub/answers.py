"""How the JSON doors answer, of which `/openapi.json` is made, and the shapes of answers that are no nouns by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse

from facts import Alert, Incident, Metric, Notification, Outcome, Verdict
from hub.ingest import Taken
from metrics import MetricPoint
from store.alerts import AlertChange
from store.verdicts import PastVerdict

_UNREADABLE = {400: "The body is not JSON in UTF-8.", 415: "The body is compressed."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something was refused, in one sentence that says what to do."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsTaken:
    """What became of each record of a batch, in its order."""

    received_at: datetime
    results: list[Taken]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKept:
    """`new` is false where the very bytes were here already."""

    sha256: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsListed:
    """Runs in short, newest first."""

    runs: list[Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsTold:
    """The verdicts of the last tick and its moment; null before the first."""

    at: datetime | None
    verdicts: list[Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictHistory:
    """Rows of the history, oldest first, and of each target the one that held when the period began. The answer also has the
    period's bounds, as `from` and `to`. A `verdict` of null: the target was not judged any more."""

    rows: list[PastVerdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsListed:
    """Alerts, newest first, and incidents: those that are open, or those of the period."""

    alerts: list[Alert]
    incidents: list[Incident]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown(Alert):
    """An alert with what became of it and the messages of its incident."""

    changes: list[AlertChange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListed:
    """Every metric of the catalogue."""

    metrics: list[Metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesShown:
    """One series of a metric; a stretch without values has no point."""

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
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """`status` is `ok`, or what is wrong."""

    status: str
    last_tick: datetime | None


def told(model: type, description: str) -> dict[str, Any]:
    """One answer of a door, for its description."""
    return {"model": model, "description": description}


def answering(
    model: type,
    description: str,
    *,
    reads_json: bool = False,
    also: Mapping[int, dict[str, Any]] | None = None,
    **refused: str,
) -> dict[str, Any]:
    """How a JSON door answers, as its decorator wants it: 200 with a model, `also` with something else, and its refusals.

    A refusal is `_404="No such run."`; those that every door has (`hub/openapi.py`) are not named, and neither are those of
    a body that is no JSON where the door `reads_json`.
    """
    refusals = {**(_UNREADABLE if reads_json else {}), **{int(status[1:]): why for status, why in refused.items()}}
    answers = {200: told(model, description), **(also or {})}
    answers |= {status: told(Problem, why) for status, why in refusals.items()}
    return {"response_class": JSONResponse, "responses": answers}
