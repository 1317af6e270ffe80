"""`sixfb jobs`: what the hub does on a schedule, how that went, and a run by hand."""

from __future__ import annotations

import getpass
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config
from cli.command_error import CommandError
from cli.output import say, say_json

if TYPE_CHECKING:
    from facts import JobState
    from hub.jobs import Job
    from store import Store

app = typer.Typer(help="The hub's jobs: what runs on a schedule, and how it went.", no_args_is_help=True)
_LOOK_S = 0.5


@app.command("list")
def list_jobs(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Every job that a hub has known of: what it does, when, what came of it, and when it runs next."""
    from facts import to_wire
    from hub.job_doors import shown_jobs

    with closing(hub_config.existing_database()) as store:
        found = [job for job in shown_jobs(store, _jobs()) if job.state is not None]
    if as_json:
        say_json({"jobs": to_wire(found)})
        return
    if not found:
        say("no hub has run a job yet")
    for job in found:
        assert job.state is not None
        say((job.name, "bold"), f"  {job.schedule}: {job.purpose}")
        say(f"  {_last(job.state)}")
        if job.state.next_at is not None:
            say(f"  next at {job.state.next_at:%Y-%m-%d %H:%M:%S} UTC")


def _jobs() -> tuple[Job, ...]:
    """Return every job of a hub with this configuration, those that read its sources among them. Raises ConfigError, CommandError."""
    from hub.collect import source_settings
    from hub.jobs import JOBS, report_jobs, source_jobs, trial_jobs
    from sources import configured_sources

    watched = hub_config.read_watched()
    sources = configured_sources(source_settings(watched))
    for source in sources:
        source.close()  # none is read here
    routing = hub_config.read_routing()
    trial = routing.trial.trial(str(routing.business_zone), lambda _now: ()) if routing.trial is not None else None
    return (*JOBS, *trial_jobs(trial), *report_jobs(watched), *source_jobs(sources))


def _last(state: JobState) -> str:
    if state.last_outcome is None or state.last_started_at is None:
        return "not run yet"
    took = f", took {state.last_duration_s:g} s" if state.last_duration_s is not None else ""
    result = f": {state.last_result}" if state.last_result else ""
    return f"{state.last_outcome} at {state.last_started_at:%Y-%m-%d %H:%M:%S} UTC{took}{result}"


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job; `sixfb jobs list` shows them.")],
    wait: Annotated[
        int, typer.Option("--wait", min=0, max=3600, metavar="SECONDS", help="How long to wait for its end.")
    ] = 120,
) -> None:
    """Have the hub run a job now, beside its schedule, and say what came of it.

    Exit code: 0 it succeeded; 1 it failed, it was not over in time, or no hub runs the jobs.
    """
    from hub.errors import HubError
    from hub.job_doors import ask_for_run
    from hub.jobs import JOBS_LEASE
    from store import jobs as rows
    from store import lease

    who, now = getpass.getuser(), datetime.now(UTC)
    with closing(hub_config.existing_database()) as store:
        with store.read() as connection:
            known = rows.states(connection)
            is_run = lease.held(connection, name=JOBS_LEASE) is not None
        try:
            ask_for_run(store, [job for job in _jobs() if job.name in known], name, by=who, at=now)
        except HubError as error:
            raise CommandError(str(error)) from None
        if not is_run:
            say(f"no hub runs the jobs now; {name} is run as soon as one starts")
            raise typer.Exit(1)
        state = _ended(store, name, since=known[name].last_started_at, within_s=wait)
    if state is None:
        say(f"{name} is asked for; it was not over within {wait} s (`sixfb jobs list` shows how it goes)")
        raise typer.Exit(1)
    say(f"{name} {_last(state)}")
    if state.last_outcome is None or state.last_outcome.bad:
        raise typer.Exit(1)


def _ended(store: Store, name: str, *, since: datetime | None, within_s: float) -> JobState | None:
    """Return the job once the requested run is over; None if that takes too long."""
    from store import jobs as rows

    ends = time.monotonic() + within_s
    while True:
        with store.read() as connection:
            state = rows.states(connection)[name]
        if state.requested_at is None and state.last_started_at != since and state.last_ended_at is not None:
            return state
        if time.monotonic() >= ends:
            return None
        time.sleep(_LOOK_S)
