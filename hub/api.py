"""Defines the hub's JSON endpoints, for runners and for other programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from alerts.maintenance import planned
from facts import Alert, Plan, digest_of, to_wire
from hub.acknowledge import read_length, take_on
from hub.actions import acting, read_action
from hub.answers import (
    Alive,
    EventsTaken,
    EvidenceKept,
    LogsExported,
    Ready,
    RunsTaken,
    answering,
    told,
)
from hub.artifacts import ArtifactHeader
from hub.context import HubContext
from hub.decoding import decoded
from hub.deploy_endpoints import add_deploy_endpoints
from hub.envelope import LARGEST_BATCH
from hub.errors import HubError
from hub.event_ingest import LARGEST_BATCH as LARGEST_EVENTS
from hub.event_ingest import EventIngest, EventTaken
from hub.guard import content_type, token_of
from hub.incident_endpoints import add_incident_endpoints
from hub.job_doors import add_job_doors
from hub.locations import add_location_doors
from hub.metric_doors import add_metric_doors
from hub.metrics import OPENMETRICS, Metrics
from hub.openapi import BYTES_BODY, EVENTS_BODY, LOGS_BODY, PROTOBUF, RUNS_BODY
from hub.pagerduty_webhook import add_pagerduty_webhook
from hub.pings import add_ping_endpoints
from hub.read_endpoints import add_read_endpoints
from hub.requests import back_to, limited_body, person, unpacked_body
from hub.resolve import read_reason, resolve
from hub.routes_shown import add_route_endpoint
from hub.run_page import add_run_actions
from hub.run_requests import add_run_requests, waiting_requests
from hub.share_pages import add_share_endpoints
from hub.silence_endpoints import add_silence_endpoints
from hub.stripe_webhook import add_stripe_webhook
from hub.twilio_webhook import add_twilio_webhook
from store import StoreUnavailableError

_ACKNOWLEDGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"for": {"type": ["string", "null"], "description": "How long, like 2h; 1m to 7d."}},
}


def api(context: HubContext) -> APIRouter:
    """Return the router with every endpoint below `/api`, the health checks and the metrics."""
    router = APIRouter()
    _add_runner_doors(router, context)
    _add_event_doors(router, context)
    add_location_doors(router, context)
    add_job_doors(router, context)
    add_read_endpoints(router, context)
    add_metric_doors(router, context)
    add_stripe_webhook(router, context)
    add_pagerduty_webhook(router, context)
    add_twilio_webhook(router, context)
    _add_actions(router, context)
    add_silence_endpoints(router, context)
    add_run_actions(router, context)
    add_run_requests(router, context)
    add_deploy_endpoints(router, context)
    add_incident_endpoints(router, context)
    add_ping_endpoints(router, context)
    add_route_endpoint(router, context)
    add_share_endpoints(router, context)
    _add_health(router, context)
    _add_metrics(router, context)
    return router


def _add_runner_doors(router: APIRouter, context: HubContext) -> None:
    @router.post(
        "/api/runs",
        **answering(
            RunsTaken,
            "What became of each run.",
            reads_json=True,
            _413="More than 4 MiB or 50 runs.",
            _422="JSON of another shape.",
            _503="The hub's clock is wrong, or may be; keep it and come back.",
            _425="Of a newer version of the wire; keep it and come back once the hub is upgraded.",
        ),
        openapi_extra=RUNS_BODY,
    )
    async def take_runs(request: Request) -> Response:
        """Accept a batch of runs; each is answered `accepted`, `duplicate` or `rejected`, and accepted runs are on disk."""
        body = await limited_body(request, LARGEST_BATCH)
        now, token = context.clock(), token_of(request)
        try:
            taken = await run_in_threadpool(context.ingest.batch, body, now=now, only=token.subject if token else None)
        except StoreUnavailableError as error:
            context.health.failed(error)
            raise
        # An accepted run proves that the database accepts writes.
        if any(one.result == "accepted" for one in taken):
            context.health.wrote()
        return JSONResponse({"received_at": to_wire(now), "results": to_wire(taken)})

    @router.put(
        "/api/evidence/{sha256}",
        **answering(
            EvidenceKept,
            "It was here already, or is noted as never to come.",
            also={201: told(EvidenceKept, "Stored.")},
            _400="No such hash, kind or run id, or bytes that are not of their `Content-Encoding`.",
            _413="More than 20 MiB, unpacked.",
            _415="A `Content-Encoding` that is not taken.",
            _422="The bytes have another hash, or no kind.",
        ),
        openapi_extra=BYTES_BODY,
    )
    async def take_evidence(
        sha256: str,
        request: Request,
        x_evidence_kind: Annotated[str, Header(description="screenshot, trace or page_text")] = "",
        x_evidence_run: Annotated[str | None, Header(description="The run it proves.")] = None,
        x_evidence_let_go: Annotated[str | None, Header(description="It never comes, and why.")] = None,
    ) -> Response:
        """Accept an artifact of at most 20 MiB, unpacked; its kind is in `X-Evidence-Kind`."""
        token = token_of(request)
        what = ArtifactHeader(
            sha256=sha256,
            kind=x_evidence_kind,
            run_id=x_evidence_run or None,
            location=token.subject if token else None,
        )
        if x_evidence_let_go is not None:
            await run_in_threadpool(context.artifacts.note_gone, what, x_evidence_let_go, now=context.clock())
            return JSONResponse({"sha256": sha256, "new": False})
        # The bytes are written in threads, because a slow disk must not block the event loop.
        body = decoded(request.stream(), request.headers.get("Content-Encoding", ""))
        new = await context.artifacts.keep(what, body, now=context.clock())
        return JSONResponse({"sha256": sha256, "new": new}, status_code=201 if new else 200)

    @router.get(
        "/api/plan",
        **answering(
            Plan,
            "The plan; its `ETag` names it.",
            also={304: {"description": "It has not changed."}},
            _404="No such location.",
            _422="No location is asked for.",
        ),
    )
    def tell_plan(location: str, request: Request, if_none_match: Annotated[str | None, Header()] = None) -> Response:
        """Return the plan of a location; with `If-None-Match`, 304 if it has not changed."""
        token = token_of(request)
        if token is not None and token.subject != location:
            raise HubError(
                403, f"the token is of {token.subject}, and the plan of {location!r:.80} is not its business"
            )
        try:
            plan = context.watched.plan_for(location)
        except KeyError:
            known = ", ".join(context.watched.locations.locations)
            raise HubError(404, f"no location {location!r:.80} in the hub's locations.yaml; it has {known}") from None
        now = context.clock()
        maintenance = planned(context.policy.maintenance, location, now)
        plan = replace(plan, maintenance=maintenance, requested=waiting_requests(context, location, now))
        tag = f'"{plan.hash}{_digest_of_today(plan)}"'
        # W/ marks a weak validator, into which a proxy may turn the tag.
        if if_none_match and tag in [one.strip().removeprefix("W/") for one in if_none_match.split(",")]:
            return Response(status_code=304, headers={"ETag": tag})
        return JSONResponse(to_wire(plan), headers={"ETag": tag})


def _digest_of_today(plan: Plan) -> str:
    """Return what tells apart the parts of a plan that are not in its hash; empty if there are none."""
    today = [*plan.maintenance, *plan.requested]
    return f"-{digest_of(str(to_wire(today)))}" if today else ""


def _add_event_doors(router: APIRouter, context: HubContext) -> None:
    ingest = EventIngest(context.store, witness=context.ingest.witness)

    async def take(
        request: Request, body: bytes, do: Callable[..., list[EventTaken]], now: datetime
    ) -> list[EventTaken]:
        token = token_of(request)
        try:
            taken = await run_in_threadpool(do, body, now=now, source=token.subject if token else None)
        except StoreUnavailableError as error:
            context.health.failed(error)
            raise
        if any(one.result == "accepted" for one in taken):
            context.health.wrote()
        return taken

    @router.post(
        "/api/events",
        **answering(
            EventsTaken,
            "What became of each event.",
            _413="More than 4 MiB or 5,000 events.",
            _415="The body is compressed.",
            _422="There is no event in it.",
            _503="The hub's clock is wrong, or may be; keep the events and come back.",
        ),
        openapi_extra=EVENTS_BODY,
    )
    async def take_events(request: Request) -> Response:
        """Accept events of the site; each is answered `accepted`, `duplicate` or `rejected`, and accepted events are on disk."""
        now = context.clock()
        taken = await take(request, await limited_body(request, LARGEST_EVENTS), ingest.batch, now)
        return JSONResponse({"received_at": to_wire(now), "results": to_wire(taken)})

    logs_door = answering(
        LogsExported,
        "The log records were taken; `partialSuccess` says how many were rejected, and why the first one was.",
        _400="The body is neither JSON in UTF-8 nor an export request in protobuf, or not compressed as it says.",
        _413="More than 4 MiB, unpacked, or 5,000 log records.",
        _415="Another Content-Type than JSON and protobuf, or another Content-Encoding than gzip and deflate.",
        _422="It is no export request.",
        _503="The hub's clock is wrong, or may be; keep the log records and come back.",
    )
    for answer in logs_door["responses"].values():
        answer["content"][PROTOBUF] = {"schema": {"type": "string", "format": "binary"}}

    @router.post("/v1/logs", **logs_door, openapi_extra=LOGS_BODY)
    async def take_logs(request: Request) -> Response:
        """Accept log records by OTLP/HTTP, in JSON or protobuf; each becomes an event, as at `/api/events`.

        The answer has the content type of the request, a refusal too.
        """
        kind = content_type(request)
        if kind not in ("application/json", PROTOBUF):
            raise HubError(415, f"Content-Type: send OTLP in JSON (application/json) or in protobuf ({PROTOBUF})")
        if kind == PROTOBUF:
            return await _answered_in_protobuf(take_export(request, ingest.export_protobuf))
        rejected = await take_export(request, ingest.export)
        if not rejected:
            return JSONResponse({})
        told = {"rejectedLogRecords": str(len(rejected)), "errorMessage": _why_first(rejected)}
        return JSONResponse({"partialSuccess": told})

    async def take_export(request: Request, do: Callable[..., list[EventTaken]]) -> list[EventTaken]:
        taken = await take(request, await unpacked_body(request, LARGEST_EVENTS), do, context.clock())
        return [one for one in taken if one.result == "rejected"]


def _why_first(rejected: Sequence[EventTaken]) -> str:
    return f"{rejected[0].id}: {rejected[0].reason}"


async def _answered_in_protobuf(taking: Awaitable[list[EventTaken]]) -> Response:
    """Return what became of an export request in protobuf, a refusal as the `Status` that OTLP has for it."""
    from sources.otlp_protobuf import export_response, status

    try:
        rejected = await taking
    except HubError as error:
        return Response(status(str(error)), status_code=error.status, headers=error.headers, media_type=PROTOBUF)
    told = export_response(len(rejected), _why_first(rejected) if rejected else "")
    return Response(told, media_type=PROTOBUF)


def _add_actions(router: APIRouter, context: HubContext) -> None:
    @router.post(
        "/api/alerts/{alert_id}/ack",
        **acting(
            Alert,
            "The alert, acknowledged.",
            takes=_ACKNOWLEDGE_SCHEMA,
            _404="No such alert.",
            _409="It is over.",
            _422="`for` is no length.",
        ),
    )
    async def acknowledge_alert(alert_id: str, request: Request) -> Response:
        """Acknowledge an alert, perhaps for a time: `{"for": "2h"}`. A form of the hub's pages is redirected to its page; a program
        gets the alert as JSON."""
        action = await read_action(request, example='{"for": "2h"}')
        try:
            length = read_length(action.asked.get("for"))
        except ValueError as error:
            raise HubError(422, str(error)) from None
        alert = await run_in_threadpool(
            take_on, context.store, context.policy, alert_id, by=person(request), now=context.clock(), length=length
        )
        context.wake()
        return action.response(alert, page=back_to(action.asked))

    @router.post(
        "/api/alerts/{alert_id}/unack",
        **acting(Alert, "The alert, unacknowledged.", _404="No such alert.", _409="It is over."),
    )
    async def unacknowledge_alert(alert_id: str, request: Request) -> Response:
        """Unacknowledge an alert and its incident: its escalation begins again."""
        action = await read_action(request)
        alert = await run_in_threadpool(
            take_on, context.store, context.policy, alert_id, by=person(request), now=context.clock(), take=False
        )
        context.wake()
        return action.response(alert, page=back_to(action.asked))

    @router.post(
        "/api/alerts/{alert_id}/resolve",
        **acting(
            Alert,
            "The alert, closed.",
            takes={"type": "object", "required": ["reason"], "properties": {"reason": {"type": "string"}}},
            _404="No such alert.",
            _409="It is over.",
            _422="`reason` is missing or too long.",
        ),
    )
    async def resolve_alert(alert_id: str, request: Request) -> Response:
        """End an alert that cannot end by itself: `{"reason": "the city is not sold any more"}`.

        It fires again, as a new episode, where its rule is still breached at the next tick.
        """
        action = await read_action(request, example='{"reason": "the city is not sold any more"}')
        try:
            reason = read_reason(action.asked.get("reason"))
        except ValueError as error:
            raise HubError(422, str(error)) from None
        alert = await run_in_threadpool(
            resolve, context.store, context.policy, alert_id, by=person(request), reason=reason, now=context.clock()
        )
        context.wake()
        return action.response(alert, page=back_to(action.asked))


def _add_health(router: APIRouter, context: HubContext) -> None:
    @router.get("/healthz", **answering(Alive, "It is alive."))
    async def alive() -> Response:
        """Return 200 while the process responds.

        It runs on the event loop itself, so it works even if the thread pool is full or the database is unreachable.
        """
        return JSONResponse({"status": "ok"})

    @router.get(
        "/readyz",
        **answering(Ready, "It works.", also={503: told(Ready, "What is wrong.")}),
    )
    async def ready() -> Response:
        """Return 200 if the database accepts writes and the last tick is younger than a minute, as the hub's own loops last found."""
        complaints = context.health.complaints(context.clock())
        return JSONResponse(
            {"status": "; ".join(complaints) or "ok", "last_tick": to_wire(context.health.last_tick)},
            status_code=503 if complaints else 200,
        )


def _add_metrics(router: APIRouter, context: HubContext) -> None:
    jobs = [job.name for job in context.jobs]
    metrics = Metrics(
        context.store,
        context.watched,
        context.targets,
        clock=context.clock,
        jobs=jobs,
        disk=context.artifacts.disk_usage,
    )

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={
            200: {
                "description": "The metrics.",
                "content": {kind: {"schema": {"type": "string"}} for kind in (OPENMETRICS, "text/plain")},
            }
        },
    )
    def tell_metrics(request: Request) -> Response:
        """Return the metrics for Prometheus: in OpenMetrics format, or in the older text format if the scraper does not accept it."""
        body, content_type = metrics.answer(request.headers.get("Accept") or OPENMETRICS)
        return Response(body, headers={"Content-Type": content_type})
