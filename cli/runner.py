"""`sixfb runner`: the regional container's program."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from cli import settings
from cli.display import needs_display
from cli.failing import Failing, writable_folder
from cli.until import until_told_to_stop


def runner(
    location: Annotated[str, typer.Option("--location", metavar="NAME", help="Which location this is.")],
    site: Annotated[
        str | None, typer.Option("--site", metavar="URL", help="Buy there instead of at the plan's site.")
    ] = None,
    headed: Annotated[
        bool, typer.Option("--headed", envvar="SIXFB_HEADED", help="Run browsers with a window; it needs a display.")
    ] = False,
) -> None:
    """Run this location's journeys on time, and hand every result to the hub at SIXFB_HUB_URL."""
    from config import read_secret
    from config.secrets import secrets_in
    from journeys.browser import sandbox_wanted
    from runner.logs import mask_logs
    from runner.service import Runner, RunnerSettings

    needs_display(headed)
    hub_url = os.environ.get("SIXFB_HUB_URL")
    if not hub_url:
        raise Failing("SIXFB_HUB_URL: is not set; it is the hub's address, like https://hub.example.com")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    mask_logs(secrets_in(os.environ))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    folder = writable_folder(settings.var_folder() / "runner" / location, option="SIXFB_VAR")
    program = Runner(
        RunnerSettings(
            location=location,
            hub_url=hub_url,
            token=read_secret("SIXFB_TOKEN", os.environ),
            folder=folder,
            base_url=site,
            journeys_dir=os.environ.get("SIXFB_JOURNEYS"),
            chromium=os.environ.get("SIXFB_CHROMIUM"),
            sandbox=sandbox_wanted(),
            memory_mb=settings.memory_mb(),
            evidence_bytes=settings.evidence_bytes(2),
            other_secrets=secrets_in(os.environ),
            headed=headed,
            stripe_key=settings.stripe_key(),
            stripe_api_base=os.environ.get("STRIPE_API_BASE") or None,
        )
    )
    program.start()
    typer.echo(f"{location} buys for the hub at {hub_url}")
    until_told_to_stop()
    program.stop()
