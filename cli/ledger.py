"""`sixfb ledger`: what was bought here, and what is not undone yet."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import ledgers, settings
from cli.command_error import CommandError, using
from cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from pathlib import Path

    from runner.ledger.entries import Entry, Order

_CLEANS_FOR_S = 60.0


def ledger(
    location: Annotated[
        str | None,
        typer.Option("--location", metavar="NAME", help="This runner's ledger alone; `ad-hoc` is a name too."),
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Undo now what can be undone.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show what is clean as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List purchases that are not undone: open, paid, unknown, ordered. With --clean undo them now: sessions at Stripe, orders by
    the undo of their journeys.

    Exit code: 0; with --clean 1 where something is left.
    """
    files = _files(location)
    has_key = settings.stripe_key() is not None
    if clean and not has_key and not any(_has_orders(file) for file in files.values()):
        raise CommandError(
            "--clean: STRIPE_SECRET_KEY is not set, and without a key no session of Stripe's can be undone"
        )
    told: list[dict[str, Any]] = []
    untold: Counter[str] = Counter()
    left = 0
    for name, file in files.items():
        found = _one(name, file, clean=clean, every=every, cleans=has_key)
        told += found.rows
        left += found.left
        untold += found.untold
    if as_json:
        say_json({"left": left, "purchases": told, "untold": dict(untold)})
    else:
        _print(told, left, untold, is_there=bool(files))
    if clean and left:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Found:
    """Holds the content of one ledger: its rows, how many purchases are not undone, and by journey the runs that reported none."""

    rows: list[dict[str, Any]]
    left: int
    untold: Counter[str]


def _has_orders(file: Path) -> bool:
    from runner.ledger.ledger import Ledger

    with using(file), closing(Ledger(file)) as ledger:
        return any(entry.order_id for entry in ledger.entries(unclean=True))


def _files(location: str | None) -> dict[str, Path]:
    files = ledgers.files()
    if location is None:
        return files
    if location not in files:
        raise CommandError(f"--location: no ledger of {location!r} is here; there are: {', '.join(files) or 'none'}")
    return {location: files[location]}


def _one(name: str, file: Path, *, clean: bool, every: bool, cleans: bool) -> _Found:
    from runner.ledger.ledger import Ledger

    with using(file), closing(Ledger(file)) as ledger:
        if clean:
            ledgers.clean(ledger, within_s=_CLEANS_FOR_S, hurry=True)
        now = datetime.now(UTC)
        entries = ledger.entries(unclean=not every)
        orders = ledger.orders()
        rows = [_row(name, entry, now, cleans=cleans) for entry in entries]
        rows += [_intent(name, order) for order in orders]
        left = sum(not entry.state.clean for entry in entries) + len(orders)
        return _Found(rows, left, Counter(ledger.untold_by_journey()))


def _row(name: str, entry: Entry, now: datetime, *, cleans: bool) -> dict[str, Any]:
    return {
        "ledger": name,
        "session_id": entry.shown_id,
        "run_id": entry.run_id,
        "journey": entry.journey,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
        "state": entry.state.value,
        "noted_at": entry.noted_at.isoformat(timespec="seconds"),
        "tries": entry.tries,
        "next_try_at": entry.next_try_at.isoformat(timespec="seconds") if entry.next_try_at else None,
        "last_error": entry.last_error,
        "note": entry.words(now, cleans=cleans),
    }


def _intent(name: str, order: Order) -> dict[str, Any]:
    """Return the row of a checkout that was requested and has no known session."""
    return {
        "ledger": name,
        "session_id": None,
        "run_id": order.run_id,
        "journey": order.journey,
        "amount_minor": None,
        "currency": None,
        "state": "unknown",
        "noted_at": order.meant_at.isoformat(timespec="seconds"),
        "tries": order.tries,
        "next_try_at": None,
        "last_error": order.last_error,
        "note": "a checkout was asked for and none was seen; if one was opened it expires in 24 h",
    }


def _print(rows: list[dict[str, Any]], left: int, untold: Counter[str], *, is_there: bool) -> None:
    from journeys.money import minor_money

    cells = []
    for row in rows:
        amount = minor_money(row["amount_minor"], row["currency"] or "usd") if row["amount_minor"] is not None else "–"
        why = f" ({row['tries']} tries; {row['last_error']})" if row["last_error"] else ""
        session = row["session_id"] or f"run {row['run_id']}"
        cells.append((row["ledger"], row["noted_at"][:16], session, amount, row["state"], row["note"] + why))
    if cells:
        say_table(("ledger", "made", "session or order", "amount", "state", "what is left to do"), cells)
    for journey, runs in sorted(untold.items()):
        say(
            f"unknown: {runs} {'run' if runs == 1 else 'runs'} of {journey} in the last 30 days told of no order, and may have placed "
            "one; tell each with visit.bought(), or write buys=False where there is none"
        )
    if left:
        say(f"{left} not undone")
    elif not is_there:
        say("nothing is left to undo: no ledger is here")
    else:
        say(f"nothing is left to undo{' of what was told' if untold else ''}")
