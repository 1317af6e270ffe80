"""Adds the page of one run, the same as Markdown, and the endpoint that reclassifies a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from facts import Blame, Deploy, Run, RunRequest, Status
from hub.access import is_local_host
from hub.actions import acting, read_action
from hub.context import HubContext
from hub.errors import HubError
from hub.requests import person
from hub.run_evidence import read_evidence
from reports.compare import compare
from reports.live import RunAround, requested_page, run_page
from reports.live.deploys import LOOK_BACK, deploy_notes
from reports.run_markdown import run_markdown
from reports.sections.elsewhere import WINDOWS, ErrorCount, elsewhere_section, signature_of
from reports.usual import usual_steps
from store import alerts, deploys, incidents, run_requests, runs

if TYPE_CHECKING:
    from hub.site import Pages

_USUAL_RUNS = 100
"""The number of good runs that tell how long a step usually takes."""
_PICTURED_RUNS = 90
"""The number of good runs among which one with pictures of its steps is looked for; one an hour keeps them."""
_MOST_GROUPS = 500
_OPENED_WITHIN = timedelta(hours=6)
_MOST_INCIDENTS = 60
_LONGEST_REASON = 500
NO_RESULT_AFTER = timedelta(minutes=15)
"""How long after it was requested a run is waited for on its page."""
_NO_FAILURE = (Status.PASSED, Status.MISSED, Status.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassified:
    """Holds a run's blame after a person changed it, and the one before."""

    run_id: str
    blame: Blame
    was: Blame | None
    by: str
    reason: str


def add_run_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/runs/{id}` and `/runs/{id}.md`."""
    context = pages.context

    @router.get("/runs/{run_id}.md")
    def show_markdown(run_id: str) -> Response:
        stored, around = _load(context, run_id, with_pictures=False)
        run, good = stored.run, around.good
        base = context.policy.base_url
        body = run_markdown(
            run,
            url=f"{base.rstrip('/')}/runs/{quote(run.id, safe='')}" if base else None,
            comparison=compare(run, good) if good is not None and good.id != run.id else None,
            deploys=deploy_notes(around.deploys, run.started_at),
            elsewhere=elsewhere_section(run, around.errors, until=around.until, is_past=around.is_past),
        )
        return PlainTextResponse(body, media_type="text/markdown; charset=utf-8")

    @router.get("/runs/{run_id}")
    def show_run(run_id: str, request: Request) -> Response:
        asked = _request_without_run(context, run_id)
        if asked is not None:
            is_open = asked.requested_at > context.clock() - NO_RESULT_AFTER
            frame = pages.seen_by(request).frame("A requested run", "/runs", refresh_s=0)
            return HTMLResponse(requested_page(frame, asked, now=context.clock(), is_open=is_open))
        stored, around = _load(context, run_id)
        run = stored.run
        found = read_evidence(context.store, context.artifacts.path, run, now=context.clock())
        frame = pages.seen_by(request).frame(run.id, f"/runs/{run_id}", refresh_s=0)
        return HTMLResponse(run_page(frame, run, found, around, opens_traces=_is_secure(context, request)))


def _request_without_run(context: HubContext, run_id: str) -> RunRequest | None:
    """Return the request of a run that has not come yet; None if the run is here, or nobody requested one."""
    with context.store.read() as connection:
        return None if runs.exists(connection, run_id) else run_requests.get(connection, run_id)


def _is_secure(context: HubContext, request: Request) -> bool:
    """Return whether the browser lets the trace viewer have its service worker: over https, or on its own machine."""
    access = context.guard.access
    if access.is_https(request) or access.is_proxy(request):
        return access.is_https(request)  # behind a proxy the host is the proxy's word, not what the browser shows
    return is_local_host(request.headers.get("Host"))


def _load(context: HubContext, run_id: str, *, with_pictures: bool = True) -> tuple[runs.StoredRun, RunAround]:
    """Return a run with what the hub knows around it. Raises HubError 404."""
    now = context.clock()
    with context.store.read() as connection:
        stored = runs.get(connection, run_id)
        if stored is None:
            raise HubError(404, f"no run {run_id!r:.220}")
        run = stored.run
        journey, location, before = run.journey, run.location, run.started_at
        good = runs.last_good(connection, journey=journey, location=location, before=before)
        pictured = _pictured(connection, run, good)
        times = runs.good_step_times(connection, journey=journey, location=location, before=before, limit=_USUAL_RUNS)
        deployed = _deploys_before(connection, run, good)
        is_past = run.started_at < now - WINDOWS[-1]
        until = run.started_at if is_past else now
        errors = _errors(connection, run, until=until)
        incident = _incident(connection, run, now)
    schedule = context.watched.schedules().get(run.journey)
    around = RunAround(
        good=good,
        pictured=pictured,
        good_artifacts=read_evidence(context.store, context.artifacts.path, pictured, now=now)
        if pictured is not None and with_pictures
        else (),
        usual=usual_steps(times),
        deploys=deployed,
        errors=errors,
        until=until,
        is_past=is_past,
        word=_word(stored),
        incident=incident,
        can_run=schedule is not None and run.location in schedule.grids,
    )
    return stored, around


def _pictured(connection: Connection, run: Run, good: Run | None) -> Run | None:
    """Return the good run whose picture stands beside the run's: the last that kept one of the failed step, else the last."""
    if good is None or run.failed_step is None:
        return good
    found = runs.last_pictured(
        connection,
        journey=run.journey,
        location=run.location,
        before=run.started_at,
        step=run.failed_step,
        limit=_PICTURED_RUNS,
    )
    return found or good


def _incident(connection: Connection, run: Run, now: datetime) -> tuple[str, str] | None:
    """Return the id and the title of the incident to which a run that did not pass belongs; None where it belongs to none.

    It began with an alert about the run's journey, and at the run's location where it is about one. An incident is opened some
    failures after its first one.
    """
    if run.status in _NO_FAILURE:
        return None
    since, until = run.started_at, run.finished_at + _OPENED_WITHIN
    found = incidents.of_period(connection, since=since, until=until, limit=_MOST_INCIDENTS)
    leads = {alert.id: alert for alert in alerts.of_ids(connection, [one.lead for one in found])}
    for one in found:
        lead = leads.get(one.lead)
        if lead is None or lead.journey != run.journey:
            continue
        bound = lead.traits.location_bound if lead.traits is not None else None
        is_here = bound is None or bound == run.location
        if is_here and lead.began_at <= run.finished_at and run.started_at <= (lead.over_at or now):
            return one.id, lead.title or lead.key
    return None


def _word(stored: runs.StoredRun) -> str | None:
    if not stored.reclassified_by:
        return None
    was = stored.was.value if stored.was else "nobody’s"
    return f"{stored.reclassified_by} says it was {stored.run.blame}, not {was}: {stored.reclassified_why}"


def _deploys_before(connection: Connection, run: Run, good: Run | None) -> list[Deploy]:
    """Return the deploys since the last good run, or of the day before where none is known; a run that passed is not explained."""
    if run.status is Status.PASSED:
        return []
    since = good.started_at if good is not None else run.started_at - LOOK_BACK
    return deploys.of_period(connection, since=since, until=run.finished_at)


def _errors(connection: Connection, run: Run, *, until: datetime) -> list[ErrorCount]:
    """Return how often the run's error ended runs in the periods that end at `until`."""
    signature = signature_of(run.failed_step, run.error)
    if signature is None or run.status in _NO_FAILURE:
        return []
    # The clock of a runner may be ahead a little, and its run belongs to the same error.
    until += timedelta(minutes=1)
    groups = runs.failure_groups(
        connection, status=run.status, since=[until - w for w in WINDOWS], until=until, limit=_MOST_GROUPS
    )
    found = []
    for group in groups:
        if signature_of(group.failed_step, group.error) != signature:
            continue
        last = runs.id_of_failure(connection, status=run.status, location=group.location, started_at=group.last_at)
        found.append(
            ErrorCount(
                journey=group.journey,
                location=group.location,
                failed_step=group.failed_step,
                error=group.error,
                counts=group.counts,
                first_at=group.first_at,
                last_at=group.last_at,
                last_run=last or run.id,
            )
        )
    return found


def _reclassify(context: HubContext, run_id: str, asked: Mapping[str, Any], *, by: str) -> Reclassified:
    """Store a person's word on the blame of a run. Raises HubError 404, 409, 422."""
    known = ", ".join(Blame)
    if asked.get("blame") not in list(Blame):
        raise HubError(422, f"blame: {str(asked.get('blame'))[:60]!r} is none; choose one of {known}")
    reason = asked.get("reason")
    if not isinstance(reason, str) or not 1 <= len(reason.strip()) <= _LONGEST_REASON:
        raise HubError(422, f"reason: write why, in 1 to {_LONGEST_REASON} characters")
    blame = Blame(asked["blame"])
    with context.store.write() as connection:
        stored = runs.get(connection, run_id)
        if stored is None:
            raise HubError(404, f"no run {run_id!r:.220}; `sixfb runs list` shows the latest")
        if stored.run.status in _NO_FAILURE:
            raise HubError(409, f"the run {stored.run.status}: there is nobody to blame")
        reason = reason.strip().replace("\0", "\ufffd")
        runs.reclassify(connection, run_id, blame=blame, by=by, reason=reason, at=context.clock())
    return Reclassified(run_id=run_id, blame=blame, was=stored.run.blame, by=by, reason=reason)


def add_run_actions(router: APIRouter, context: HubContext) -> None:
    """Add `POST /api/runs/{id}/reclassify`."""

    @router.post(
        "/api/runs/{run_id}/reclassify",
        **acting(
            Reclassified,
            "The run has another blame from the next tick on.",
            _404="No such run.",
            _409="The run passed, or was not made: there is nobody to blame.",
            _422="No such blame, or no reason.",
        ),
    )
    async def reclassify_run(run_id: str, request: Request) -> Response:
        """Say who is to blame for a run: `{"blame": "third_party", "reason": "Stripe's status page says so"}`."""
        action = await read_action(request, example='{"blame": "third_party", "reason": "why"}')
        done = await run_in_threadpool(_reclassify, context, run_id, action.asked, by=person(request))
        context.wake()
        return action.response(done, page=f"/runs/{quote(run_id, safe='')}")
