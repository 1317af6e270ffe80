"""`sixfb ledger`: what was bought here, and what is not undone yet."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import books, settings
from cli.failing import Failing, using
from cli.output import say, say_json, say_table

if TYPE_CHECKING:
    from pathlib import Path

    from runner.entries import Entry, Order

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
    """List test purchases that are not undone: open, paid, unknown. With --clean expire and refund them now.

    Exit code: 0; with --clean 1 where something is left.
    """
    files = _files(location)
    has_key = settings.stripe_key() is not None
    if clean and not has_key:
        raise Failing("--clean: STRIPE_SECRET_KEY is not set, and without a key nothing can be undone")
    told: list[dict[str, Any]] = []
    left = 0
    for name, file in files.items():
        rows, unclean = _one(name, file, clean=clean, every=every, cleans=has_key)
        told += rows
        left += unclean
    if as_json:
        say_json({"left": left, "purchases": told})
    else:
        _print(told, left)
    if clean and left:
        raise typer.Exit(1)


def _files(location: str | None) -> dict[str, Path]:
    files = books.files()
    if location is None:
        return files
    if location not in files:
        raise Failing(f"--location: no ledger of {location!r} is here; there are: {', '.join(files) or 'none'}")
    return {location: files[location]}


def _one(name: str, file: Path, *, clean: bool, every: bool, cleans: bool) -> tuple[list[dict[str, Any]], int]:
    from runner.ledger import Ledger

    with using(file), closing(Ledger(file)) as ledger:
        if clean:
            books.clean(ledger, within_s=_CLEANS_FOR_S, hurry=True)
        now = datetime.now(UTC)
        entries = ledger.entries(unclean=not every)
        orders = ledger.orders()
        rows = [_row(name, entry, now, cleans=cleans) for entry in entries]
        rows += [_intent(name, order) for order in orders]
        return rows, sum(not entry.state.clean for entry in entries) + len(orders)


def _row(name: str, entry: Entry, now: datetime, *, cleans: bool) -> dict[str, Any]:
    return {
        "ledger": name,
        "session_id": entry.session_id,
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
    """A checkout that was asked for, and of which no session is known."""
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


def _print(rows: list[dict[str, Any]], left: int) -> None:
    from journeys.money import minor_money

    cells = []
    for row in rows:
        amount = minor_money(row["amount_minor"], row["currency"] or "usd") if row["amount_minor"] is not None else "–"
        why = f" ({row['tries']} tries; {row['last_error']})" if row["last_error"] else ""
        session = row["session_id"] or f"run {row['run_id']}"
        cells.append((row["ledger"], row["noted_at"][:16], session, amount, row["state"], row["note"] + why))
    if cells:
        say_table(("ledger", "made", "session", "amount", "state", "what is left to do"), cells)
    say(f"{left} not undone" if left else "nothing is left to undo")
