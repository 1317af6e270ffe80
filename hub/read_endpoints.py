"""Defines the JSON endpoints that read runs, verdicts, alerts and events; each list has pages, filters and a form as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from facts import AlertState, Run, Severity, Status, VerdictStatus, to_wire, withheld_thread
from hub.answers import AlertShown, AlertsListed, EventsListed, RunsListed, VerdictHistory, VerdictsTold, answering
from hub.context import HubContext
from hub.cycle import VERDICTS
from hub.errors import HubError
from hub.listing import LISTING, Cursor, Form, From, To, answered, in_order, period, place_of, read_place, with_csv
from store import alerts, events, incidents, ladder, meta, outbox, runs, verdicts
from store.verdicts import PastVerdict

_RUN = (
    "run_id journey location slot status blame failed_step error first_status first_blame first_failed_step duration_ms"
)
RUN_COLUMNS = (*_RUN.split(), "slow", "flaky", "late", "started_at", "finished_at", "received_at")
_ALERT = "id rule severity state title summary journey subject pending_since fired_at acked_at acked_by acked_until"
ALERT_COLUMNS = (*_ALERT.split(), "resolved_at", "incident", "inhibited_by", "flapping", "runs")
_VERDICT = "rule journey subject verdict severity value limit unit low high n coverage window data_at summary"
VERDICT_COLUMNS = tuple(_VERDICT.split())
HISTORY_COLUMNS = tuple(one.name for one in fields(PastVerdict))
EVENT_COLUMNS = ("source", "id", "at", "level", "name", "category", "fields")
_DAY = timedelta(days=1)
_WRONG = "A parameter is not known, or its value is none."


def add_read_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add the `GET` endpoints of `/api/runs`, `/api/sla`, `/api/alerts` and `/api/events`."""
    _add_runs(router, context)
    _add_verdicts(router, context)
    _add_alerts(router, context)
    _add_events(router, context)


def _add_runs(router: APIRouter, context: HubContext) -> None:
    @router.get("/api/runs", **with_csv(answering(RunsListed, "The runs.", _422=_WRONG)), **LISTING)
    def list_runs(
        request: Request,
        journey: str | None = None,
        location: str | None = None,
        status: Status | None = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        form: Form = None,
    ) -> Response:
        """Return runs that started in a period, newest first, in short form; all of them, if no period is asked for."""
        in_order(since, until)
        with context.store.read() as connection:
            found = runs.latest(
                connection,
                journey=journey,
                location=location,
                status=status,
                since=since,
                before=until,
                after_place=read_place(cursor),
                limit=limit + 1,
            )
        last = found[limit - 1] if len(found) > limit else None
        told = {"runs": found[:limit], "next": place_of(last.started_at, last.run_id) if last else None}
        return answered(request, form, told, rows="runs", columns=RUN_COLUMNS)

    @router.get("/api/runs/{run_id}", **answering(Run, "The run.", _404="No such run."))
    def show_run(run_id: str) -> Response:
        """Return one run in full."""
        with context.store.read() as connection:
            stored = runs.get(connection, run_id)
        if stored is None:
            raise HubError(404, f"no run {run_id!r:.220}")
        return JSONResponse(to_wire(stored.run))


def _add_verdicts(router: APIRouter, context: HubContext) -> None:
    @router.get("/api/sla", **with_csv(answering(VerdictsTold, "The verdicts.", _422=_WRONG)), **LISTING)
    def tell_verdicts(
        request: Request,
        rule: str | None = None,
        journey: str | None = None,
        subject: str | None = None,
        verdict: VerdictStatus | None = None,
        form: Form = None,
    ) -> Response:
        """Return the verdicts of the last tick. A target is known by its rule, journey and subject."""
        with context.store.read() as connection:
            told: Mapping[str, Any] = meta.get(connection, VERDICTS) or {"at": None, "verdicts": []}
        wanted = {"rule": rule, "journey": journey, "subject": subject, "verdict": verdict}
        asked = {key: value for key, value in wanted.items() if value is not None}
        chosen = [one for one in told["verdicts"] if all(one.get(key) == value for key, value in asked.items())]
        return answered(request, form, {**told, "verdicts": chosen}, rows="verdicts", columns=VERDICT_COLUMNS)

    @router.get("/api/sla/history", **with_csv(answering(VerdictHistory, "The history.", _422=_WRONG)), **LISTING)
    def tell_history(
        request: Request,
        since: From = None,
        until: To = None,
        rule: str | None = None,
        key: str | None = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        form: Form = None,
    ) -> Response:
        """Return how each target was judged over time, oldest first: a row per change of verdict, and one per hour.

        Covers the last day by default. The rows that applied at the start of the period come first, on the first page.
        """
        since, until = period(since, until, context.clock(), usual=_DAY)
        place = read_place(cursor)
        with context.store.read() as connection:
            found, following = verdicts.history_page(
                connection, since=since, until=until, rule=rule, key=key, after=_number(place, cursor), limit=limit
            )
        told = {
            "from": since,
            "to": until,
            "rows": [row for _, row in found],
            "next": place_of(until, str(following)) if following is not None else None,
        }
        return answered(request, form, told, rows="rows", columns=HISTORY_COLUMNS)


def _number(place: tuple[Any, str] | None, cursor: str | None) -> int | None:
    if place is None:
        return None
    if not (place[1].isascii() and place[1].isdigit() and len(place[1]) <= 18):
        raise HubError(422, f"cursor: {cursor!a:.60} is none; write the `next` of the page before, or leave it out")
    return int(place[1])


def _add_alerts(router: APIRouter, context: HubContext) -> None:
    @router.get("/api/alerts", **with_csv(answering(AlertsListed, "The alerts.", _422=_WRONG)), **LISTING)
    def list_alerts(
        request: Request,
        state: AlertState | None = None,
        severity: Severity | None = None,
        rule: str | None = None,
        journey: str | None = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        form: Form = None,
    ) -> Response:
        """Return alerts, newest first, with the open incidents. Alerts that were dropped before they fired are returned only if
        `state` asks for them.

        With `from` or `to`, it returns the alerts and incidents that were open during any part of that period.
        """
        if since is not None or until is not None:
            since, until = period(since, until, context.clock(), usual=_DAY)
        with context.store.read() as connection:
            found = alerts.page(
                connection,
                state=state,
                severity=severity,
                rule=rule,
                journey=journey,
                since=since,
                until=until,
                after_place=read_place(cursor),
                limit=limit + 1,
            )
            if since is not None and until is not None:
                of_them = incidents.of_period(connection, since=since, until=until, limit=limit)
            else:
                of_them = incidents.open_ones(connection)
        last = found[limit - 1] if len(found) > limit else None
        told = {
            "alerts": found[:limit],
            "incidents": of_them,
            "next": place_of(last.pending_since, last.id) if last else None,
        }
        return answered(request, form, told, rows="alerts", columns=ALERT_COLUMNS)

    @router.get("/api/alerts/{alert_id}", **answering(AlertShown, "The alert.", _404="No such alert."))
    def show_alert(alert_id: str) -> Response:
        """Return one alert with its changes and the messages of its incident."""
        with context.store.read() as connection:
            alert = alerts.get(connection, alert_id)
            if alert is None:
                raise HubError(404, f"no alert {alert_id!r:.220}")
            changes = alerts.changes(connection, alert_id)
            incident = [alert.incident] if alert.incident else []
            owed, calls = (
                outbox.of_threads(connection, [*incident, withheld_thread(alert_id)]),
                ladder.of_incidents(connection, incident),
            )
        told = {"changes": to_wire(changes), "notifications": to_wire(owed), "escalation": to_wire(calls)}
        return JSONResponse({**to_wire(alert), **told})


def _add_events(router: APIRouter, context: HubContext) -> None:
    @router.get("/api/events", **with_csv(answering(EventsListed, "The events.", _422=_WRONG)), **LISTING)
    def list_events(
        request: Request,
        source: str | None = None,
        name: str | None = None,
        level: str | None = None,
        category: str | None = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        form: Form = None,
    ) -> Response:
        """Return the events of a period, newest first; of the last day by default. An event is known by its source and id."""
        since, until = period(since, until, context.clock(), usual=_DAY)
        wanted = {"source": source, "name": name, "level": level, "category": category}
        with context.store.read() as connection:
            found = events.page(
                connection, since=since, until=until, wanted=wanted, after_place=read_place(cursor), limit=limit + 1
            )
        last = found[limit - 1] if len(found) > limit else None
        rows = [{"source": of, **to_wire(event)} for of, event in found[:limit]]
        following = place_of(last[1].at, events.place_name(*last)) if last else None
        return answered(request, form, {"events": rows, "next": following}, rows="events", columns=EVENT_COLUMNS)
