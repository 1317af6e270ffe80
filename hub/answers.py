"""The shapes of the JSON doors' answers that are no nouns by themselves; `/openapi.json` is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from facts import Alert, Incident, Notification, Outcome, Verdict
from hub.ingest import Taken
from store.alerts import AlertChange


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
class AlertsListed:
    """Alerts, the firing first, and the incidents that are open."""

    alerts: list[Alert]
    incidents: list[Incident]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown(Alert):
    """An alert with what became of it and the messages of its incident."""

    changes: list[AlertChange] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)


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


def refused(**why: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of a door beside those that every door has: `_404="no such run"`."""
    return {int(status.lstrip("_")): told(Problem, description) for status, description in why.items()}
