"""`sixfb run JOURNEY`: one run, now, here."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import ledgers, settings
from cli.command_error import OUR_FAULT, CommandError, using, writable_file, writable_folder
from cli.display import needs_display
from cli.output import json_text, say
from config import ConfigError
from config.secrets import secrets_in
from facts import Status, to_wire
from journeys.browser import named_browser, sandbox_wanted
from journeys.site import Site
from journeys.site_secrets import site_secrets
from process.network import browser_proxy, proxy_settings
from runner.attempt.canaries import configured
from runner.attempt.job import Job, new_run_id

if TYPE_CHECKING:
    from cli.repeat import Repetitions

_SLOWEST_MS, _MOST_RUNS = 60_000, 1_000


class Trace(StrEnum):
    """The choices of when Playwright's trace is recorded and kept."""

    ON = "on"
    OFF = "off"
    RETAIN_ON_FAILURE = "retain-on-failure"


def run(
    journey: Annotated[str, typer.Argument(help="The journey's name; `sixfb journeys list` has them.")],
    site: Annotated[str | None, typer.Option(help="Base URL of the site, instead of site.yaml's.")] = None,
    location: Annotated[str, typer.Option(help="The location the run is counted for.")] = "local",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key of site.yaml.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar='"Name: value"', help="An extra header for the site.")
    ] = None,
    headed: Annotated[bool, typer.Option("--headed", envvar="SIXFB_HEADED", help="Show the browser.")] = False,
    slow_mo: Annotated[float, typer.Option(metavar="MS", min=0, help="Wait that long before each action.")] = 0,
    pause_on_failure: Annotated[
        bool, typer.Option("--pause-on-failure", help="Keep the browser open where it failed.")
    ] = False,
    repeat: Annotated[int, typer.Option(min=1, metavar="N", help="Run N times; print spread and flake rate.")] = 1,
    trace: Annotated[Trace, typer.Option(help="Playwright's trace.")] = Trace.RETAIN_ON_FAILURE,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the run; with --repeat the list of the runs that were made."
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the run's page, or the page of all runs.")
    ] = None,
) -> None:
    """Walk one journey once, now, from here.

    Exit code: 0 passed; 1 failed or timed out; 2 bad usage or configuration; 3 errored or blocked, or fewer runs than wanted.
    """
    if not slow_mo <= _SLOWEST_MS:
        raise CommandError(
            f"--slow-mo: {slow_mo:g} is no number of milliseconds up to {_SLOWEST_MS:,}, a minute before each action"
        )
    if repeat > _MOST_RUNS:
        raise CommandError(f"--repeat: {repeat:,} runs would take days; {_MOST_RUNS:,} are the most")
    _check_watching(headed=headed, pause_on_failure=pause_on_failure)
    settings.announce("site.yaml", "locations.yaml")
    for option, file in (("--json", json_file), ("--junit", junit)):
        if file:
            writable_file(file, option=option)
    if report:
        writable_folder(report, option="--report")
    evidence = writable_folder(settings.var_folder() / "evidence", option="SIXFB_VAR")
    job = _job(
        journey,
        settings.read_site(set_ or [], base_url=site),
        settings.known_location(location),
        evidence=evidence,
        headers=dict(_header(text) for text in header or []),
        trace=trace,
        headed=headed,
        slow_mo_ms=slow_mo,
        pause_on_failure=pause_on_failure,
    )
    _may_buy(job)
    from cli.repeat import Repetitions, make_runs  # rich and the reports are not needed to refuse a bad option

    repetitions = Repetitions(repeat)
    try:
        make_runs(job, repetitions)
    finally:  # Ctrl-C after an hour of runs loses none of them
        if repetitions.runs:
            write_files(repetitions, json_file=json_file, junit=junit, report=report, evidence=evidence)
    sys.exit(exit_code(repetitions))


def _may_buy(job: Job) -> None:
    try:
        with using(Path(job.ledger or ledgers.FILE)):
            reason = ledgers.refusal(job)
    except OSError as error:
        raise CommandError(f"the ledger {job.ledger} cannot be used: {error}") from None
    if reason:
        raise CommandError(reason)


def _check_watching(*, headed: bool, pause_on_failure: bool) -> None:
    if pause_on_failure and not headed:
        raise CommandError("--pause-on-failure: there is nothing to look at without --headed")
    needs_display(headed)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if (
        not colon
        or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name.strip())
        or re.search(r"[^\t\x20-\x7e]", text)
    ):
        raise CommandError(f'--header: {text!r} is not "Name: value"')
    return name.strip(), value.strip()


def _job(journey: str, site: Site, location: str, *, evidence: Path, headers: dict[str, str], **how: object) -> Job:
    from journeys.registry import JourneyError, known_journey, load_journey

    own = settings.journeys_folder()
    try:
        known_journey(journey, own)
        # Our own need the ticket shop; where it is described, they need not be loaded to know that.
        lacking = [] if site.sells_tickets else load_journey(journey, own).lacks(site)
    except JourneyError as error:
        raise CommandError(str(error)) from None
    if lacking:
        raise ConfigError(*lacking)
    basic, secret_headers = site_secrets(site)
    proxies = proxy_settings()
    browser_proxy(proxies, site.base_url)
    return Job(
        run_id=new_run_id(journey, location, datetime.now(UTC)),
        journey=journey,
        location=location,
        site=site,
        evidence=str(evidence.resolve()),
        canaries=configured(settings.read_locations().canaries, site_url=site.base_url, hub_url=settings.hub_url()),
        journeys_dir=own,
        chromium=named_browser(),
        sandbox=sandbox_wanted(),
        memory_mb=settings.memory_mb(),
        headers=headers,
        proxies=proxies,
        secret_headers={name: value.reveal() for name, value in secret_headers.items()},
        basic_auth=basic.reveal() if basic else None,
        other_secrets=list(secrets_in(os.environ)),
        stripe_key=settings.stripe_key(),
        stripe_api_base=settings.stripe_api_base(),
        ledger=str(ledgers.file_for(location).resolve()),
        last_good=str(settings.var_folder().resolve() / "last-good"),
        **how,  # type: ignore[arg-type]
    )


def write_files(
    repetitions: Repetitions, *, json_file: Path | None, junit: Path | None, report: Path | None, evidence: Path
) -> None:
    """Write the files. Their shape depends on the command, not on how many runs were made."""
    runs, wanted = repetitions.runs, repetitions.wanted
    if json_file:
        data = to_wire(runs[0]) if wanted == 1 else to_wire(runs)
        json_file.write_text(json_text(data) + "\n", encoding="utf-8")
    if junit:
        from reports.junit import junit_xml

        junit.write_text(junit_xml(runs, wanted=wanted, why_fewer=repetitions.why_fewer), encoding="utf-8")
    if report:
        from reports.round_page import write_round
        from reports.run_page import write_run

        if wanted == 1:
            page = write_run(runs[0], evidence=evidence, out=report)
        else:
            made = f"{wanted}" if repetitions.is_complete else f"{len(runs)} of {wanted}"
            page = write_round(runs, title=f"{made} runs of {runs[0].journey}", evidence=evidence, out=report)
        say(f"report: {page}")


def exit_code(repetitions: Repetitions) -> int:
    """Return 0 if all runs were made and passed; 1 if one failed or timed out; else 3."""
    statuses = {run.status for run in repetitions.runs}
    if statuses & {Status.FAILED, Status.TIMED_OUT}:
        return 1
    return 0 if repetitions.is_complete and statuses == {Status.PASSED} else OUR_FAULT
