"""Finds the ledgers on this machine: those of the runners, and the one of ad-hoc runs."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli import settings
from process.network import proxy_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facts import Purchase, Run
    from runner.attempt.job import Job
    from runner.ledger.entries import Entry
    from runner.ledger.ledger import Ledger

FILE = "ledger.db"
_AFTER_A_RUN_S = 10.0
_CALL_S = 5.0


def file_for(location: str) -> Path:
    """Return the ledger of a location's runner if one has run here, else that of ad-hoc runs."""
    runners = settings.var_folder() / "runner" / location / FILE
    return runners if runners.is_file() else settings.var_folder() / FILE


def files() -> dict[str, Path]:
    """Return every ledger on this machine, by the name of its location; `ad-hoc` is not a runner's."""
    found = {"ad-hoc": settings.var_folder() / FILE}
    found |= {file.parent.name: file for file in sorted((settings.var_folder() / "runner").glob(f"*/{FILE}"))}
    return {name: file for name, file in found.items() if file.is_file()}


def refusal(job: Job) -> str | None:
    """Return why this run may not buy, and record it for the location's alert; None if it may, or its journey never buys."""
    from runner.ledger.allowance import refusal as refusal_of
    from runner.ledger.ledger import Ledger

    if job.ledger is None or _never_buys(job):
        return None
    ledger, now = Ledger(Path(job.ledger)), datetime.now(UTC)
    try:
        reason = refusal_of(ledger, now)
        if reason:
            ledger.refuse(job.run_id, now)
        return f"{job.location}: {reason}" if reason else None
    finally:
        ledger.close()


def _never_buys(job: Job) -> bool:
    from journeys.registry import BUILT_IN, load_journey

    # Ours buy, and need not be loaded to know that.
    return f"journeys.{job.journey}" not in BUILT_IN and not load_journey(job.journey, job.journeys_dir).buys


def clean(ledger: Ledger, *, within_s: float, hurry: bool = False) -> None:
    """Undo what can be undone within a time: sessions with Stripe's test-mode key, orders by their own journeys; `hurry` asks also
    what waits for its next try.

    Without a key sessions are left alone. Raises ConfigError.
    """
    key = settings.stripe_key()
    from journeys.checkout_session import StripeAccess
    from runner.ledger.cleaner import Cleaner
    from runner.ledger.own_undo import LIMIT_S, OwnUndo
    from runner.ledger.undo import StripeDesk

    ends = time.monotonic() + within_s
    own = OwnUndo(journeys_dir=settings.journeys_folder(), proxies=proxy_settings(), limit_s=min(LIMIT_S, within_s))
    with ExitStack() as opened:
        desk = None
        if key is not None:
            access = StripeAccess(key, settings.stripe_api_base())
            desk = opened.enter_context(closing(StripeDesk(access, timeout_s=_CALL_S)))
        cleaner = Cleaner(ledger=ledger, desk=desk, own=own, stopping=lambda: time.monotonic() > ends)
        if hurry:
            ledger.hurry(cleaner.clock())
        cleaner.clean(within_s=within_s)


def undone(run: Run, job: Job) -> Run:
    """The run after ten seconds of clean-up at most, its purchases as they are known then. What is left stays in the ledger."""
    from runner.ledger.ledger import Ledger

    if job.ledger is None:
        return run
    ledger = Ledger(Path(job.ledger))
    try:
        waits = ledger.next_due(sessions=job.stripe_key is not None)
        if waits is not None:
            clean(ledger, within_s=_AFTER_A_RUN_S)
        return replace(run, purchases=_as_known(run.purchases, ledger.entries(run_id=run.id)))
    finally:
        ledger.close()


def _as_known(purchases: Sequence[Purchase], entries: Sequence[Entry]) -> tuple[Purchase, ...]:
    known = {entry.shown_id: entry for entry in entries}
    return tuple(_one_as_known(purchase, known.get(purchase.session_id)) for purchase in purchases)


def _one_as_known(purchase: Purchase, entry: Entry | None) -> Purchase:
    if entry is None:
        return purchase
    if entry.state.clean:
        return replace(purchase, state=entry.state.value, note=entry.words(entry.changed_at, cleans=True))
    why = entry.note or entry.last_error
    return replace(purchase, note=f"{purchase.note}; not undone yet: {why}") if why else purchase
