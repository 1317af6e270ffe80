"""`sixfb report`: reports about a day, a week, a month, a quarter or a year, and about one run; each is one HTML file."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError, writable_folder
from cli.output import say

if TYPE_CHECKING:
    from hub.report_data import ReportSettings

app = typer.Typer(help="Reports for owners and the team: one HTML file each.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that the file is written to.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write a PDF beside it, by the browser that journeys use.")]


def _period(example: str, unit: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        "--for", metavar=unit.upper(), help=f"The {unit}, like {example}; the last whole one, if not said."
    )
    return option


@app.command()
def run(
    run_id: Annotated[
        str, typer.Argument(metavar="ID", help="The run's id, or a beginning of it that no other run has.")
    ],
    out: Out,
    pdf: Pdf = False,
) -> None:
    """One run: the cause on top, with its pictures inside the file."""
    from cli import ids
    from hub.artifacts import Artifacts
    from hub.run_evidence import read_evidence
    from reports.artifacts import file_name
    from reports.pages import write
    from reports.run_page import render_run
    from store import runs

    with closing(hub_config.existing_database()) as store:
        with store.read() as connection:
            stored = runs.get(connection, ids.run_id(connection, run_id))
        if stored is None:
            raise CommandError(f"no run {run_id!r}; `sixfb runs list` shows the latest")
        kept = hub_config.existing_folder() / "evidence"
        # A command that reads makes no folder, as the hub does.
        path_of = Artifacts(store, kept).path if kept.is_dir() else lambda _: None
        found = read_evidence(store, path_of, stored.run, now=datetime.now(UTC))
    folder = writable_folder(out, option="--out")
    _written(write(folder / f"{file_name(stored.run.id)}.html", render_run(stored.run, found)), pdf=pdf)


@app.command()
def daily(out: Out, period: Annotated[str | None, _period("2026-11-29", "day")] = None, pdf: Pdf = False) -> None:
    """Whether buyers could buy on a day, and what to do about it."""
    _report("daily", out, period, pdf=pdf)


@app.command()
def weekly(out: Out, period: Annotated[str | None, _period("2026-W48", "week")] = None, pdf: Pdf = False) -> None:
    """The metrics of a week, and where they could be better."""
    _report("weekly", out, period, pdf=pdf)


@app.command()
def monthly(out: Out, period: Annotated[str | None, _period("2026-11", "month")] = None, pdf: Pdf = False) -> None:
    """A month for stakeholders: availability, objectives, incidents, money, speed, what changed."""
    _report("monthly", out, period, pdf=pdf)


@app.command()
def quarterly(out: Out, period: Annotated[str | None, _period("2026-Q4", "quarter")] = None, pdf: Pdf = False) -> None:
    """How well the monitoring worked in a quarter: detection, false alarms, blind time, coverage of the guide."""
    _report("quarterly", out, period, pdf=pdf)


@app.command()
def yearly(out: Out, period: Annotated[str | None, _period("2026", "year")] = None, pdf: Pdf = False) -> None:
    """Alert fatigue in a year: alerts per week and person, never acknowledged, thresholds to look at."""
    _report("yearly", out, period, pdf=pdf)


def _report(name: str, out: Path, asked: str | None, *, pdf: bool) -> None:
    """Write the report about a period, the last whole one if none is asked for. Raises CommandError, ConfigError."""
    from hub.reports import make_report
    from reports.pages import write
    from reports.periodic.period import PeriodError, last_whole, read_period
    from reports.periodic.registry import REPORTS

    kind, now = REPORTS[name], datetime.now(UTC)
    settings.announce("site.yaml", "locations.yaml", "sla.yaml", "alerts.yaml")
    told = report_settings()
    try:
        zone = told.zone
        period = (
            read_period(asked, kind.kind, now=now, zone=zone) if asked is not None else last_whole(kind.kind, now, zone)
        )
    except PeriodError as error:
        raise CommandError(f"--for: {error}") from None
    folder = writable_folder(out, option="--out")
    with closing(hub_config.existing_database()) as store:
        made = make_report(store, name, period, told, now=now)
    _written(write(folder / made.file_name, made.html()), pdf=pdf)


def report_settings() -> ReportSettings:
    """Return the settings of reports. Raises ConfigError, CommandError."""
    from hub.report_data import ReportSettings

    return ReportSettings(
        watched=hub_config.read_watched(),
        targets=hub_config.read_targets(),
        base_url=hub_config.read_routing().base_url or "",
    )


def _written(page: Path, *, pdf: bool) -> None:
    say(f"report: {page}")
    if pdf:
        from cli.print_pdf import print_pdf

        say(f"pdf: {print_pdf(page)}")
