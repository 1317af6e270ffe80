"""`sixfb journeys list`: what a buyer can do here."""

from __future__ import annotations

import typer

from cli import settings
from cli.command_error import CommandError
from cli.output import say

app = typer.Typer(help="The journeys there are.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """The journeys there are."""


@app.command("list")
def list_journeys() -> None:
    """Every journey with its steps and limits; those of a folder of your own too."""
    from journeys.registry import JourneyError, load_journeys

    try:
        found = load_journeys(settings.journeys_folder())
    except JourneyError as error:
        raise CommandError(str(error)) from None
    for journey in found.values():
        guide = f" (the guide's {journey.guide_name})" if journey.guide_name not in (None, journey.name) else ""
        say((journey.name, "bold"), (guide, "dim"))
        say(f"  {journey.title}")
        say(f"  steps: {' → '.join(journey.steps)}")
        say((f"  slow over {journey.slow_after_s:g} s, ended at {journey.deadline_s:g} s; {journey.file}", "dim"))
