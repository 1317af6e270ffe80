"""The doors of the jobs: what they are and how they are, and a run that a person asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from facts import JobState, to_wire
from hub.actions import acting, read_action
from hub.answers import answering
from hub.context import HubContext
from hub.errors import HubError
from hub.jobs.job import Job
from hub.requests import person
from store import Store
from store import jobs as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class JobShown:
    """A job with its schedule in words, and what is known of it; `state` is null before a hub has known of it."""

    name: str
    purpose: str
    schedule: str
    catch_up: str
    deadline_s: float
    state: JobState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsListed:
    """The jobs of this hub."""

    jobs: list[JobShown]


def shown_jobs(store: Store, jobs: Sequence[Job]) -> list[JobShown]:
    """Return each job with what is known of it."""
    with store.read() as connection:
        states = rows.states(connection)
    return [
        JobShown(
            name=job.name,
            purpose=job.purpose,
            schedule=job.schedule.words(),
            catch_up=job.catch_up.value,
            deadline_s=job.deadline_s,
            state=states.get(job.name),
        )
        for job in jobs
    ]


def ask_for_run(store: Store, jobs: Sequence[Job], name: str, *, by: str, at: datetime) -> JobShown:
    """Ask that a job is run now by the hub that runs the jobs; asking again before it began changes nothing.

    Raises:
        HubError: 404 no such job.
    """
    known = {job.name: job for job in jobs}
    if name not in known:
        raise HubError(404, f"no job {name!r:.80}; there are: {', '.join(known) or 'none'}")
    with store.write() as connection:
        rows.request(connection, name, by=by, at=at)
    return shown_jobs(store, [known[name]])[0]


def add_job_doors(router: APIRouter, context: HubContext) -> None:
    """Add `GET /api/jobs` and `POST /api/jobs/{name}/run`."""

    @router.get("/api/jobs", **answering(JobsListed, "The jobs."))
    def list_jobs() -> Response:
        """The jobs of the hub: what each does, when, and what came of it last."""
        return JSONResponse({"jobs": to_wire(shown_jobs(context.store, context.jobs))})

    @router.post(
        "/api/jobs/{name}/run",
        **acting(JobShown, "The job; it is run within a second or two.", _404="No such job."),
    )
    async def run_job(name: str, request: Request) -> Response:
        """Run a job now, beside its schedule. A form of our pages is sent back to its page; a program gets the job as JSON."""
        action = await read_action(request)
        job = await run_in_threadpool(
            ask_for_run, context.store, context.jobs, name, by=person(request), at=context.clock()
        )
        context.wake_jobs()
        return action.response(job, page="/jobs")
