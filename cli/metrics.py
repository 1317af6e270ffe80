"""`sixfb metrics`: every number by name, and what it was."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import hub_config
from cli.command_error import CommandError
from cli.moments import moment_of
from cli.output import say, say_json, say_table
from config.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrics import MetricPoint

app = typer.Typer(help="The metrics of the catalogue.", no_args_is_help=True)
_SHOWN = ("value", "low", "high", "coverage", "p50", "p95", "p99", "min", "max")
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("list")
def list_metrics(as_json: AsJson = False) -> None:
    """Every metric: its name, kind, unit, labels, source and meaning."""
    from facts import to_wire
    from metrics import CATALOGUE

    if as_json:
        say_json(to_wire(list(CATALOGUE.values())))
        return
    rows = [(m.name, m.kind.value, m.unit, ", ".join(m.labels), m.source, m.title) for m in CATALOGUE.values()]
    say_table(("metric", "kind", "unit", "labels", "source", "what it is"), rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The metric's name, as `sixfb metrics list` tells it.")],
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="2026-11-30T14:00 (UTC), or 24h before now. [default: 24h]"),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="The end, likewise; now, if not said.")
    ] = None,
    step: Annotated[
        str | None, typer.Option("--step", metavar="LENGTH", help="How long a point is, like 5m, 1h or 1d.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a metric was: a line for each series and stretch of time that has values."""
    from hub.series import SeriesError, known_metric, load_series
    from hub.series import as_json as wire_of

    now = datetime.now(UTC)
    try:
        known_metric(name)
        begins, ends = moment_of(since, "--from", now), moment_of(until, "--to", now)
        step_s = _step(step)
        watched = hub_config.read_watched()
        with closing(hub_config.existing_database()) as store, store.read() as connection:
            answered = load_series(connection, name, watched=watched, now=now, since=begins, until=ends, step_s=step_s)
    except SeriesError as error:
        raise CommandError(str(error)) from None
    if as_json:
        say_json(wire_of(answered))
        return
    metric = answered.metric
    say(f"{metric.title} ({metric.unit}): {metric.formula}")
    if not answered.series:
        say(f"no values from {answered.since:%Y-%m-%d %H:%M} to {answered.until:%Y-%m-%d %H:%M} UTC")
        return
    points = [point for one in answered.series for point in one.points]
    columns = [column for column in _SHOWN if any(getattr(point, column) is not None for point in points)]
    names = sorted(metric.labels)
    rows = [
        (*(value for _, value in one.labels), f"{point.start:%m-%d %H:%M:%S}", str(point.n), *_cells(point, columns))
        for one in answered.series
        for point in one.points
    ]
    say_table((*names, "from (UTC)", "n", *columns), rows, right=("n", *columns))


def _cells(point: MetricPoint, columns: list[str]) -> Iterator[str]:
    for column in columns:
        value = getattr(point, column)
        yield "" if value is None else f"{value:.6g}"


def _step(text: str | None) -> int | None:
    from hub.series import LARGEST_STEP_S

    if text is None:
        return None
    try:
        length_s = seconds(text, key="--step")
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not 1 <= length_s <= LARGEST_STEP_S or length_s % 1:
        raise CommandError(f"--step: {text:.80} is not between 1s and {LARGEST_STEP_S // 86_400}d in whole seconds")
    return int(length_s)
