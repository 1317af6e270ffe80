"""`sixfb runner`: the regional container's program."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cli import settings
from cli.display import needs_display
from cli.failing import Failing, writable_folder
from cli.output import say
from config import Complaint, ConfigError
from config.ending import listen

if TYPE_CHECKING:
    from runner.metrics import Served
    from runner.service import Runner

STOP_GRACE, METRICS_PORT = "SIXFB_STOP_GRACE", "SIXFB_METRICS_PORT"


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
    from config.network import proxy_settings
    from config.secrets import secrets_in
    from journeys.browser import sandbox_wanted
    from journeys.site_secrets import folders_of_secrets
    from runner.logs import start_scrubbed_logging
    from runner.service import Runner, RunnerSettings

    needs_display(headed)
    hub_url = os.environ.get("SIXFB_HUB_URL")
    if not hub_url:
        raise Failing("SIXFB_HUB_URL: is not set; it is the hub's address, like https://hub.example.com")
    start_scrubbed_logging("runner", context={"location": location})
    grace_s, port = stop_grace_s(), _metrics_port()
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
            proxies=proxy_settings(),
            secrets_in=folders_of_secrets(),
        )
    )
    ending = listen(to_input=True)
    program.start()
    metrics = _serve_metrics(program, port) if port else None
    say(f"{location} buys for the hub at {hub_url}")
    ending.wait()
    program.stop(grace_s=grace_s, hurry=ending.again)
    if metrics is not None:
        metrics.close()


def _serve_metrics(program: Runner, port: int) -> Served:
    from runner.metrics import serve

    try:
        return serve(program.measures, port)
    except OSError as error:
        program.stop()
        raise Failing(f"{METRICS_PORT}: cannot serve at 127.0.0.1:{port}: {error.strerror}") from None


def _metrics_port() -> int | None:
    """`SIXFB_METRICS_PORT`; None where it is not set. Raises ConfigError."""
    text = os.environ.get(METRICS_PORT, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ConfigError(
            Complaint(file="environment", key=METRICS_PORT, what=f"is {text!r}, no port", hint="write it like 9464")
        )
    return int(text)


def stop_grace_s(environment: Mapping[str, str] = os.environ) -> float:
    """`SIXFB_STOP_GRACE` in seconds. Raises ConfigError."""
    text = environment.get(STOP_GRACE, "").strip() or "60s"
    match = re.fullmatch(r"(\d{1,4})(s|m|)", text)
    if match is None:
        what, hint = f"is {text!r}, no duration", "write it like 60s or 2m"
        raise ConfigError(Complaint(file="environment", key=STOP_GRACE, what=what, hint=hint))
    return int(match[1]) * (60.0 if match[2] == "m" else 1.0)
