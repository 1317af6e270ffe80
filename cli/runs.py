"""`sixfb runs`: the runs the hub has, and a person's word on whose fault one was."""

from __future__ import annotations

import getpass
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import hub_config
from cli.command_error import CommandError
from cli.output import say, say_json, say_table
from facts import Blame, Status

app = typer.Typer(help="The runs that the hub has.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id, or a beginning of it that no other run has.")]


@app.command("list")
def list_runs(
    journey: Annotated[str | None, typer.Option("--journey")] = None,
    location: Annotated[str | None, typer.Option("--location")] = None,
    status: Annotated[Status | None, typer.Option("--status")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The latest runs, newest first."""
    from cli.progress import STYLES
    from facts import to_wire
    from store import runs

    with closing(hub_config.existing_database()) as store, store.read() as connection:
        found = runs.latest(connection, journey=journey, location=location, status=status, limit=limit)
    if as_json:
        say_json(to_wire(found))
        return
    rows = [
        (
            f"{run.slot:%m-%d %H:%M:%S}" if run.slot else "ad hoc",
            run.journey,
            run.location,
            (run.status.value, STYLES.get(run.status, "")),
            run.blame or "",
            f"{run.duration_ms / 1000:.1f}",
            run.run_id,
            run.error or "",
        )
        for run in found
    ]
    say_table(
        ("slot (UTC)", "journey", "location", "status", "blame", "seconds", "run", "what happened"),
        rows,
        right=("seconds",),
    )


@app.command()
def show(run_id: RunId) -> None:
    """One run, whole, as JSON."""
    from cli import ids
    from facts import to_wire
    from store import runs

    with closing(hub_config.existing_database()) as store, store.read() as connection:
        stored = runs.get(connection, ids.run_id(connection, run_id))
    if stored is None:
        raise CommandError(f"no run {run_id!r}; `sixfb runs list` shows the latest")
    say_json(to_wire(stored.run))


@app.command()
def reclassify(
    run_id: RunId,
    blame: Annotated[Blame, typer.Option("--blame", help="Whose fault it was.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the run.")],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so; you, if not said.")] = None,
) -> None:
    """Say whose fault a run was; what counts changes from the next tick on, the first word is kept."""
    from cli import ids
    from store import runs

    with closing(hub_config.existing_database()) as store, store.write() as connection:
        run_id = ids.run_id(connection, run_id)
        stored = runs.get(connection, run_id)
        if stored is None:
            raise CommandError(f"no run {run_id!r}; `sixfb runs list` shows the latest")
        if stored.run.status in (Status.PASSED, Status.MISSED, Status.SKIPPED):
            raise CommandError(f"{run_id} {stored.run.status}: there is nobody to blame")
        runs.reclassify(
            connection, run_id, blame=blame, by=by or getpass.getuser(), reason=reason, at=datetime.now(UTC)
        )
    say(f"{run_id}: blame was {stored.run.blame or '-'}, is {blame}")
