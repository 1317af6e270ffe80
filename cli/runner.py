"""`sixfb runner`: the regional container's program."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cli import settings
from cli.command_error import CommandError, announce, using, writable_folder
from cli.display import needs_display
from config import Complaint, ConfigError
from config.bounds import without_login
from process.private_files import create_private
from process.signals import listen

if TYPE_CHECKING:
    from runner.metrics import Served
    from runner.service import Runner

LOCATION = r"[a-z0-9][a-z0-9-]{0,31}"
_LONGEST_GRACE_S = 1200.0
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
    from config.secrets import secrets_in
    from journeys.browser import named_browser, sandbox_wanted
    from journeys.site_secrets import folders_of_secrets
    from process.logs import get_logger
    from process.network import proxy_settings
    from runner.logs import start_scrubbed_logging
    from runner.service import Runner, RunnerSettings

    needs_display(headed)
    hub_url = settings.hub_url()
    if not hub_url:
        raise CommandError("SIXFB_HUB_URL: is not set; it is the hub's address, like https://hub.example.com")
    if not re.fullmatch(LOCATION, location):
        raise CommandError(
            f"--location: {location!r:.80} is no location's name: small letters, digits and hyphens, 32 at most"
        )
    site = settings.site_address(site)
    start_scrubbed_logging("runner", context={"location": location})
    create_private()
    grace_s, port, proxies = stop_grace_s(), metrics_port(), proxy_settings()
    check_proxies(proxies)
    secrets_in_folders, journeys_dir = folders_of_secrets(), checked_journeys()
    folder = writable_folder(settings.var_folder() / "runner" / location, option="SIXFB_VAR")
    with using(folder):
        program = Runner(
            RunnerSettings(
                location=location,
                hub_url=hub_url,
                token=settings.runner_token(location),
                folder=folder,
                base_url=site,
                journeys_dir=journeys_dir,
                chromium=named_browser(),
                sandbox=sandbox_wanted(),
                memory_mb=settings.memory_mb(),
                evidence_bytes=settings.evidence_bytes(2),
                other_secrets=secrets_in(os.environ),
                headed=headed,
                stripe_key=settings.stripe_key(),
                stripe_api_base=settings.stripe_api_base(),
                proxies=proxies,
                secrets_in=secrets_in_folders,
            )
        )
    get_logger("sixfb.runner").info(
        "configuration_read",
        plan=f"from the hub, kept in {folder / 'plan.json'}",
        journeys=journeys_dir or "shipped",
        secrets=[str(one) for one in secrets_in_folders],
    )
    ending = listen(to_input=True)
    program.start()
    metrics = _serve_metrics(program, port) if port else None
    announce(f"{location} buys for the hub at {without_login(hub_url)}")
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
        raise CommandError(f"{METRICS_PORT}: cannot serve at 127.0.0.1:{port}: {error.strerror}") from None


def metrics_port(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the port in `SIXFB_METRICS_PORT`; None if it is not set. Raises ConfigError."""
    text = environment.get(METRICS_PORT, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        what, hint = f"is {text!r:.80}, no port", "write it like 9464"
        raise ConfigError(Complaint(file="environment", key=METRICS_PORT, what=what, hint=hint))
    return int(text)


def stop_grace_s(environment: Mapping[str, str] = os.environ) -> float:
    """Return `SIXFB_STOP_GRACE` in seconds. Raises ConfigError."""
    text = environment.get(STOP_GRACE, "").strip() or "60s"
    match = re.fullmatch(r"([0-9]{1,4})(s|m|)", text)
    if match is None:
        what, hint = f"is {text!r:.80}, no duration", "write it like 60s or 2m"
        raise ConfigError(Complaint(file="environment", key=STOP_GRACE, what=what, hint=hint))
    grace_s = int(match[1]) * (60.0 if match[2] == "m" else 1.0)
    if grace_s > _LONGEST_GRACE_S:
        what = f"is {text}, and a run is ended after ten minutes at most, tried twice"
        raise ConfigError(Complaint(file="environment", key=STOP_GRACE, what=what, hint="write 20m at most"))
    return grace_s


def check_proxies(proxies: Mapping[str, str]) -> None:
    """Refuse a proxy that no browser could use. Raises ConfigError."""
    from process.network import browser_proxy

    for scheme in ("http", "https"):
        browser_proxy(proxies, f"{scheme}://shop.example.com")


def checked_journeys() -> str | None:
    """Return the user's folder of journeys after loading them as a check; None if there is none. Raises ConfigError."""
    from journeys.registry import JOURNEYS, JourneyError, load_journeys

    folder = settings.journeys_folder()
    if folder:
        try:
            load_journeys(folder)
        except JourneyError as error:
            if not os.environ.get(JOURNEYS):
                raise CommandError(str(error)) from None
            raise ConfigError(Complaint(file="environment", key=JOURNEYS, what=str(error))) from None
    return folder
