"""`sixfb sources`: lists the services that deliver numbers, reads one of them once, and fills in its past."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import hub_config, settings
from cli.command_error import CommandError
from cli.moments import moment_of
from cli.output import say, say_json, say_table
from config.durations import words

if TYPE_CHECKING:
    from facts import FeedState
    from sources import Source
    from store.cursors import CursorState

app = typer.Typer(help="The sources of numbers beside the journeys.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceShown:
    """Holds a source as it is listed. `off` says why it is not configured, None where it is; `every_s` is None where it is off."""

    name: str
    off: str | None
    every_s: float | None = None
    last_good_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    next_try_at: datetime | None = None


@app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """Every source: whether it is configured, when it last brought numbers, and what went wrong since."""
    from facts import to_wire

    shown = _shown()
    if as_json:
        say_json(to_wire(shown))
        return
    rows = [
        (
            one.name,
            ("off", "dim") if one.off else ("on", "green"),
            words(one.every_s) if one.every_s else "",
            f"{one.last_good_at:%m-%d %H:%M:%S}" if one.last_good_at else "",
            f"{one.next_try_at:%m-%d %H:%M:%S}" if one.next_try_at else "",
            one.off or _error(one) or "",
        )
        for one in shown
    ]
    say_table(("source", "state", "every", "last good (UTC)", "waits until", "why"), rows)


def _error(shown: SourceShown) -> str | None:
    """Return the last error if no reading has succeeded since."""
    good, failed = shown.last_good_at, shown.last_error_at
    return shown.last_error if failed is not None and (good is None or failed >= good) else None


def _shown() -> list[SourceShown]:
    from hub.collect import source_settings
    from sources import SOURCES

    told = source_settings(hub_config.read_watched())
    feeds, cursors = _known()
    found = []
    for kind in SOURCES:
        off = kind.configured(told)
        if off is not None:
            found.append(SourceShown(name=kind.name, off=off))
            continue
        feed, cursor = feeds.get(kind.name), cursors.get(kind.name)
        with closing(kind(told)) as source:
            found.append(
                SourceShown(
                    name=kind.name,
                    off=None,
                    every_s=source.every_s,
                    last_good_at=feed.last_good_at if feed else None,
                    last_error=feed.last_error if feed else None,
                    last_error_at=feed.last_error_at if feed else None,
                    next_try_at=cursor.next_try_at if cursor else None,
                )
            )
    return found


def _known() -> tuple[dict[str, FeedState], dict[str, CursorState]]:
    """Return what the hub has stored about its sources; nothing if no hub has run yet."""
    from store import cursors, feeds

    if not hub_config.has_database(settings.database_url()):
        return {}, {}
    with closing(hub_config.existing_database()) as store, store.read() as connection:
        return feeds.states(connection), cursors.states(connection)


@app.command("test")
def read_once(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source's name, as `sixfb sources list` tells it.")],
    as_json: AsJson = False,
) -> None:
    """Read a source once, from its beginning, and tell what it brought; nothing is saved.

    Exit code: 0 where it brought something, 1 where it failed.
    """
    from facts import to_wire
    from hub.collect import reading_errors
    from sources import EVENT_COUNTS, SourceError

    source = _configured(name)
    now = datetime.now(UTC)
    error: str | None = None
    count = EVENT_COUNTS.get(name)
    samples: list[Any] = []
    events: list[Any] = []
    with closing(source):
        try:
            collected = source.collect(None, now)
            events = list(collected.events)
            samples = [*collected.samples, *(count(events) if count else [])]
            error = "; ".join(reading_errors(collected, name)) or collected.incomplete
        except SourceError as failed:
            error = str(failed)
    if as_json:
        told = [{"metric": s.metric, "labels": dict(s.labels), "at": to_wire(s.at), "value": s.value} for s in samples]
        say_json({"source": name, "error": error, "samples": told, "events": to_wire(events)})
    else:
        rows = [(s.metric, " ".join(f"{k}={v}" for k, v in s.labels), f"{s.value:.6g}") for s in samples]
        if rows:
            say_table(("metric", "labels", "value"), rows, right=("value",))
        for event, n in sorted(Counter(event.name for event in events).items()):
            say(f"{n} of {event}")
        say(f"{name} failed: {error}" if error else f"{name} brought {len(samples)} samples and {len(events)} events")
    if error:
        raise typer.Exit(1)


@app.command("backfill")
def fill_in(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source's name, as `sixfb sources list` tells it.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="2026-11-30T14:00 (UTC), or 7d before now; as far as it goes, if not said."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fill in the numbers of a source from the time before the hub read it, as far as its service still tells them.

    Doing it again counts nothing twice. Exit code: 0 where everything was read, 1 where something is missing.
    """
    from facts import to_wire
    from hub.backfill import backfill
    from sources import WITHOUT_PAST, PastSource, SourceError

    source, now = _configured(name), datetime.now(UTC)
    if not isinstance(source, PastSource):
        source.close()
        raise CommandError(f"{name} has no past to read: {WITHOUT_PAST[name]}")
    begins = moment_of(since, "--since", now) or now - source.past
    if begins >= now:
        raise CommandError(f"--since: {since:.80} is not before now")
    oldest = now - source.past
    if begins < oldest:
        if not as_json:
            say(f"{name} can be read back to {oldest:%Y-%m-%d %H:%M} UTC ({source.past.days} days), and no further")
        begins = oldest
    with closing(source), closing(hub_config.existing_database()) as store:
        try:
            filled = backfill(store, source, since=begins, now=now)
        except SourceError as error:
            raise CommandError(f"{name} failed: {error}", code=1) from None
    if as_json:
        say_json({"source": name, **to_wire(filled)})
    else:
        say(
            f"{name}: {filled.samples:,} samples and {filled.events:,} new events from {filled.since:%Y-%m-%d %H:%M} UTC on, "
            f"by {filled.reads:,} requests"
        )
        if filled.missing:
            say(f"not read: {filled.missing}")
    if filled.missing:
        raise typer.Exit(1)


def _configured(name: str) -> Source:
    """Return the source with a name, ready to be read. Raises CommandError if there is none, or it is off."""
    from hub.collect import source_settings
    from sources import SOURCES

    kinds = {kind.name: kind for kind in SOURCES}
    if name not in kinds:
        raise CommandError(f"no source is named {name!r:.80}; there are: {', '.join(kinds)}")
    told = source_settings(hub_config.read_watched())
    if (off := kinds[name].configured(told)) is not None:
        raise CommandError(f"{name} is off: {off}")
    return kinds[name](told)
