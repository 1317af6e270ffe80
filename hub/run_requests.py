"""Takes requests for runs beside the schedule, and gives each to one runner of its location."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from alerts.maintenance import planned
from facts import LEAST_FREE_S, Plan, PlannedJourney, Run, RunRequest, WireError, from_wire, to_wire, why_skipped
from hub.actions import acting, read_action
from hub.answers import answering
from hub.context import HubContext
from hub.decoding import json_in
from hub.errors import HubError
from hub.guard import token_of
from hub.records import storable
from hub.requests import limited_body, person
from journeys.site import RequestBudget
from process.logs import get_logger
from store import run_requests as rows
from store import runs

_log = get_logger("sixfb.hub")
EXPIRES_AFTER = timedelta(minutes=10)
"""How long a request waits for a runner; a run later than that answers a question that nobody asks any more."""
_RECENT_RUNS = 20
_LARGEST = 4096
_LONGEST_ID = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """Holds why no run was requested at a location."""

    location: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedRuns:
    """Holds the requests that were made, or that wait already, and the locations where none was made."""

    requested: list[RunRequest]
    refused: list[RefusedRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRequest:
    """Holds whether a runner has to make the requested run; false if another one took it, or it is too old."""

    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    runner: str


def waiting_requests(context: HubContext, location: str, now: datetime) -> tuple[RunRequest, ...]:
    """Return the requests that a runner of a location has to take."""
    with context.store.read() as connection:
        found = rows.of_location(connection, location, since=now - EXPIRES_AFTER)
    return tuple(request for request in found if request.taken_at is None)


def request_runs(context: HubContext, journey: str, location: str | None, *, by: str, now: datetime) -> RequestedRuns:
    """Request a run of a journey at a location, or at each of its locations.

    Raises:
        HubError: 404 the journey or the location is not on the plan, 409 no location may run it now.
    """
    schedule = context.watched.schedules().get(journey)
    if schedule is None:
        known = ", ".join(context.watched.schedules())
        raise HubError(404, f"no journey {storable(journey)[:80]!r} on the schedule; there are: {known}")
    if location is not None and location not in schedule.grids:
        known = ", ".join(schedule.grids)
        raise HubError(404, f"{journey} is not run at {storable(location)[:64]!r}; it is run at: {known}")
    requested, refused = [], []
    for place in [location] if location is not None else list(schedule.grids):
        found = _request(context, journey, place, by=by, now=now)
        if isinstance(found, RunRequest):
            requested.append(found)
        else:
            refused.append(RefusedRequest(location=place, reason=found))
    if not requested:
        raise HubError(409, "; ".join(f"{one.location}: {one.reason}" for one in refused))
    return RequestedRuns(requested=requested, refused=refused)


def _request(context: HubContext, journey: str, location: str, *, by: str, now: datetime) -> RunRequest | str:
    """Return the request that waits at a location, new or not, or the sentence why there is none."""
    plan = context.watched.plan_for(location)
    maintenance = planned(context.policy.maintenance, location, now)
    refusal = why_skipped(maintenance, journey, now) or _too_often(plan, journey, now)
    refusal = refusal or _budget_refusal(context, plan, journey, now)
    if refusal is not None:
        return refusal
    request = RunRequest(
        id=_run_id(journey, location, now), journey=journey, location=location, requested_at=now, by=by[:100]
    )
    with context.store.write() as connection:
        for other in rows.of_location(connection, location, since=now - EXPIRES_AFTER):
            if other.journey == journey and other.taken_at is None:
                return other  # pressed twice, or by two people: one run answers both
        rows.add(connection, request)
    _log.info("run_requested", run_id=request.id, journey=journey, location=location, by=by)
    return request


def _run_id(journey: str, location: str, now: datetime) -> str:
    """Return an id like those that runners make, so that lists sort by time."""
    place = re.sub(r"[^A-Za-z0-9-]+", "-", location)[:32]
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{journey}-{place}-{secrets.token_hex(3)}"


def _too_often(plan: Plan, journey: str, now: datetime) -> str | None:
    for one in plan.journeys:
        if one.journey == journey and one.period_s < 2 * LEAST_FREE_S:
            return f"it runs every {one.period_s} s anyway, the next time at {one.grid.after(now):%H:%M:%S} UTC"
    return None


def _budget_refusal(context: HubContext, plan: Plan, journey: str, now: datetime) -> str | None:
    allowed = context.watched.site.request_budget
    with context.store.read() as connection:
        latest = runs.latest(connection, location=plan.location, limit=_RECENT_RUNS)
        stored = [runs.get(connection, one.run_id) for one in latest]
    return why_too_expensive([one.run for one in stored if one], plan.journeys, journey, allowed=allowed, now=now)


def why_too_expensive(
    recent: Sequence[Run],
    planned_journeys: Sequence[PlannedJourney],
    journey: str,
    *,
    allowed: RequestBudget | None,
    now: datetime,
) -> str | None:
    """Return why a further run of a journey would take requests that coming slots need; None if it would not.

    `recent` are the last runs of the location, the newest first. The window is the one that the site announced last, or
    that of `request_budget` in `site.yaml`; the runner checks again before it starts the run.
    """
    window = _window(recent, allowed, now)
    if window is None:
        return None
    left, ends = window
    costs = _costs(recent)
    cost = max(1, costs.get(journey, 1))
    kept = sum(len(list(one.grid.between(now, ends))) * costs.get(one.journey, 0) for one in planned_journeys)
    if left - cost >= kept:
        return None
    return (
        f"the request budget: {left} requests are left to it until {ends:%H:%M:%S} UTC, "
        f"a run of {journey} takes about {cost}, and the coming slots need {kept}"
    )


def _window(recent: Sequence[Run], allowed: RequestBudget | None, now: datetime) -> tuple[int, datetime] | None:
    """Return how many requests are left and until when; None where no limit is known."""
    attempts = [attempt for run in recent for attempt in reversed(run.attempts)]
    for attempt in attempts:
        if attempt.requests_left is not None and attempt.requests_reset_at is not None:
            if attempt.requests_reset_at <= now:
                break
            return attempt.requests_left, attempt.requests_reset_at
    if allowed is None:
        return None
    length = timedelta(seconds=allowed.window_s)
    inside = [attempt for attempt in attempts if now - length < attempt.started_at <= now]
    spent = sum(attempt.requests_counted or 0 for attempt in inside)
    began = min((attempt.started_at for attempt in inside), default=now)
    return max(0, allowed.requests - spent), began + length


def _costs(recent: Sequence[Run]) -> Mapping[str, int]:
    """Return what the last run of each journey took at its first attempt."""
    costs: dict[str, int] = {}
    for run in recent:
        if run.attempts and run.attempts[0].requests_counted is not None:
            costs.setdefault(run.journey, run.attempts[0].requests_counted)
    return costs


def _take(context: HubContext, request_id: str, body: bytes, location: str | None, now: datetime) -> TakenRequest:
    """Give a request to the runner that asks. Raises HubError 400, 403, 404, 422."""
    try:
        asked = from_wire(_Taking, json_in(body))
    except WireError as error:
        raise HubError(422, storable(str(error))[:300]) from None
    if not 1 <= len(asked.runner) <= _LONGEST_ID or asked.runner != storable(asked.runner):
        raise HubError(422, f"runner: 1 to {_LONGEST_ID} characters")
    with context.store.write() as connection:
        request = rows.get(connection, request_id)
        if request is None:
            raise HubError(404, f"no run was requested as {storable(request_id)[:200]!r}")
        if location is not None and request.location != location:
            raise HubError(403, f"the token is of {location}, the requested run of {request.location}")
        if request.taken_at is None and request.requested_at < now - EXPIRES_AFTER:
            return TakenRequest(granted=False)
        return TakenRequest(granted=rows.take(connection, request_id, runner=asked.runner, at=now))


def add_run_requests(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/journeys/{name}/run-now`, and the endpoint at which a runner takes a request."""
    schema: Any = {"type": "object", "properties": {"location": {"type": "string"}}}

    @router.post(
        "/api/journeys/{name}/run-now",
        **acting(
            RequestedRuns,
            "The runs are requested; a runner of each location makes its run at its next look at the plan, within a minute.",
            takes=schema,
            _404="No such journey, or it is not run there.",
            _409="No location may run it now: maintenance, or the request budget is kept for coming slots.",
            _422="JSON of another shape.",
        ),
    )
    async def run_now(name: str, request: Request) -> Response:
        """Request a run beside the schedule: `{"location": "us-east"}`, or `{}` for each location of the journey.

        The run counts for no target, as every run without a slot.
        """
        example = '{"location": "us-east"}, or {} for every location'
        action = await read_action(request, example=example)
        location = action.asked.get("location")
        if not isinstance(location, str | None):
            raise HubError(422, f"location: {str(location)[:60]!r} is no name; send an object, like {example}")
        done = await run_in_threadpool(
            request_runs, context, name, location or None, by=person(request), now=context.clock()
        )
        return action.response(done, page=f"/runs/{quote(done.requested[0].id, safe='')}")

    @router.post(
        "/api/run-requests/{request_id}/take",
        **answering(
            TakenRequest,
            "Whether this runner has to make the run.",
            reads_json=True,
            _404="No such request.",
            _413="The body is too large.",
            _422="JSON of another shape.",
        ),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["runner"],
                            "properties": {"runner": {"type": "string", "minLength": 1, "maxLength": _LONGEST_ID}},
                        }
                    }
                },
            }
        },
    )
    async def take_request(request_id: str, request: Request) -> Response:
        """Take a requested run before making it, so that of several runners at a location one makes it."""
        body, token = await limited_body(request, _LARGEST), token_of(request)
        place = token.subject if token else None
        taken = await run_in_threadpool(_take, context, request_id, body, place, context.clock())
        return JSONResponse(to_wire(taken))
