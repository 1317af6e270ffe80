"""The hub's JSON doors: what runners send, and what programs read."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from facts import AlertState, Status, to_wire
from hub.acknowledge import take_on
from hub.centre import Centre
from hub.cycle import VERDICTS
from hub.decoding import decoded
from hub.errors import HubError
from hub.ingest import LARGEST_BATCH
from hub.requests import csrf_checked, limited_body, person
from store import alerts as alert_rows
from store import incidents, meta, outbox, runs

_TICK_IS_LATE_S = 60.0


def api(centre: Centre) -> APIRouter:
    """Every door below `/api`, and the two that say how the hub is."""
    router = APIRouter()
    _add_runner_doors(router, centre)
    _add_readers(router, centre)
    _add_actions(router, centre)
    _add_health(router, centre)
    return router


def _add_runner_doors(router: APIRouter, centre: Centre) -> None:
    @router.post("/api/runs")
    async def take_runs(request: Request) -> Any:
        """Take a batch of runs: `{"location": ..., "runs": [...]}`; each is answered accepted, duplicate or rejected."""
        body = await limited_body(request, LARGEST_BATCH)
        now = centre.clock()
        taken = await run_in_threadpool(centre.ingest.batch, body, now=now)
        return {"received_at": to_wire(now), "results": to_wire(taken)}

    @router.put("/api/evidence/{sha256}")
    async def take_evidence(sha256: str, request: Request) -> Any:
        """Take an artifact of at most 20 MiB, unpacked. 201 stored, 200 was here already.

        Its kind stands in `X-Evidence-Kind`, its run in `X-Evidence-Run`; `X-Evidence-Let-Go` says that it never comes, and why.
        """
        kind = request.headers.get("X-Evidence-Kind", "")
        run_id = request.headers.get("X-Evidence-Run")
        gone = request.headers.get("X-Evidence-Let-Go")
        if gone is not None:
            await run_in_threadpool(centre.artifacts.note_gone, sha256, kind, gone, run_id=run_id, now=centre.clock())
            return JSONResponse({"sha256": sha256, "new": False})
        body = decoded(request.stream(), request.headers.get("Content-Encoding", ""))
        new = await centre.artifacts.keep(sha256, kind, body, run_id=run_id, now=centre.clock())
        return JSONResponse({"sha256": sha256, "new": new}, status_code=201 if new else 200)

    @router.get("/api/plan")
    def tell_plan(location: str, request: Request) -> Response:
        """What the runner of a location should do; with `If-None-Match` 304 where that has not changed."""
        try:
            plan = centre.watched.plan_for(location)
        except KeyError:
            known = ", ".join(centre.watched.locations.locations)
            raise HubError(404, f"no location {location!r} in the hub's locations.yaml; it has {known}") from None
        tag = f'"{plan.hash}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(json.dumps(to_wire(plan)), media_type="application/json", headers={"ETag": tag})


def _add_readers(router: APIRouter, centre: Centre) -> None:
    @router.get("/api/runs")
    def list_runs(
        journey: str | None = None,
        location: str | None = None,
        status: Status | None = None,
        before: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Any:
        """The latest runs, newest first, in short."""
        with centre.store.read() as connection:
            found = runs.latest(
                connection, journey=journey, location=location, status=status, before=before, limit=limit
            )
        return {"runs": to_wire(found)}

    @router.get("/api/runs/{run_id}")
    def show_run(run_id: str) -> Any:
        """One run, whole."""
        with centre.store.read() as connection:
            stored = runs.get(connection, run_id)
        if stored is None:
            raise HubError(404, f"no run {run_id!r}")
        return to_wire(stored.run)

    @router.get("/api/sla")
    def tell_verdicts() -> Any:
        """The verdicts of the last tick."""
        with centre.store.read() as connection:
            return meta.get(connection, VERDICTS) or {"at": None, "verdicts": []}

    @router.get("/api/alerts")
    def list_alerts(state: AlertState | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Any:
        """Alerts, the firing first, then newest first."""
        with centre.store.read() as connection:
            found = alert_rows.listed(connection, state=state, limit=limit)
            open_incidents = incidents.open_ones(connection)
        return {"alerts": to_wire(found), "incidents": to_wire(open_incidents)}

    @router.get("/api/alerts/{alert_id}")
    def show_alert(alert_id: str) -> Any:
        """One alert with its changes and the messages of its incident."""
        with centre.store.read() as connection:
            alert = alert_rows.get(connection, alert_id)
            if alert is None:
                raise HubError(404, f"no alert {alert_id!r}")
            changes = alert_rows.changes(connection, alert_id)
            owed = outbox.of_threads(connection, [alert.incident]) if alert.incident else []
        return {**to_wire(alert), "changes": to_wire(changes), "notifications": to_wire(owed)}


def _add_actions(router: APIRouter, centre: Centre) -> None:
    @router.post("/api/alerts/{alert_id}/ack")
    async def acknowledge_alert(alert_id: str, request: Request) -> Response:
        """Take an alert on. A form of our pages is sent back to its page; a program gets the alert as JSON."""
        from_form = await csrf_checked(request, centre.csrf)
        alert = await run_in_threadpool(
            take_on, centre.store, centre.policy, alert_id, by=person(request), now=centre.clock()
        )
        centre.wake()
        if from_form:
            return Response(status_code=303, headers={"Location": "/alerts"})
        return JSONResponse(to_wire(alert))


def _add_health(router: APIRouter, centre: Centre) -> None:
    @router.get("/healthz")
    def alive() -> Any:
        """The process answers."""
        return {"status": "ok"}

    @router.get("/readyz")
    def ready() -> Response:
        """The database takes writes and an evaluator's tick is younger than a minute."""
        now = centre.clock()
        with centre.store.write() as connection:
            meta.put(connection, "readyz", to_wire(now))
            verdicts = meta.get(connection, VERDICTS)
        at = datetime.fromisoformat(verdicts["at"]) if verdicts else None
        late = at is None or (now - at).total_seconds() > _TICK_IS_LATE_S
        status = "no tick within a minute" if late else "ok"
        return JSONResponse({"status": status, "last_tick": to_wire(at)}, status_code=503 if late else 200)
