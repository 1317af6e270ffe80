"""A hub's data as an attacker would write it: every text from outside is full of what a terminal obeys."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.app import main
from facts import (
    Alert,
    AlertState,
    Blame,
    Incident,
    Notification,
    NotificationKind,
    Run,
    Sample,
    Severity,
    Share,
    Silence,
    Status,
    StepStatus,
    Token,
    TokenKind,
    labels,
)
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger
from store import Store, alerts, incidents, outbox, runs, samples, shares, silences, tokens
from tests.builders import A_MOMENT, a_purchase, a_run, a_step, an_attempt
from tests.ledger_entries import an_order

# Colour, clipboard (OSC 52), clear screen, C1, DEL, NUL, backspace, bell, line and cell breaks, bidi, zero width, tags, lone surrogate.
ACTS = "\x1b[31m\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b2J\x7f\x00\b\r\n\t\x85\u2028\u202e\u2066\u200b\ufeff\U000e0041\ud800[/red][bold]"
STORED = ACTS.replace("\ud800", "")
"""What a database keeps of it: none takes half a surrogate pair."""
_ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def obeyed(text: str) -> set[str]:
    """Return the characters of an output that a terminal would act on, but line feeds."""
    return {character for character in text if character != "\n" and unicodedata.category(character) in _ACTING}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """A terminal."""
        return True


def sixfb(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, encoding: str = "utf-8", columns: int | None = None
) -> Done:
    """Run a command in this process; `columns` gives it a terminal of that width, else it writes into a pipe."""
    kind = io.TextIOWrapper if columns is None else Terminal
    streams = [kind(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["sixfb", *arguments])
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        if columns is not None:
            patch.setenv("COLUMNS", str(columns))
        before = os.umask(0o022)  # hub and runner set it for their whole process
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            os.umask(before)
    out, err = (stream.buffer.getvalue().decode(encoding, "surrogatepass") for stream in streams)  # type: ignore[attr-defined]
    return Done(int(ended.value.code or 0), out, err)


def a_hostile_run(number: int = 1, *, minutes_ago: float = 0) -> Run:
    """A failed run whose texts all hold control characters and markup."""
    step = a_step(name=f"step{STORED}", status=StepStatus.FAILED, error=f"why{STORED}")
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return a_run(
        id=f"20260117T12000{number}Z-vip_member_discount-us-east-a1b2c{number}",
        journey="ga_purchase",
        location="us-east",
        slot=began - timedelta(seconds=number),
        started_at=began,
        finished_at=began + timedelta(seconds=20),
        status=Status.FAILED,
        blame=Blame.JOURNEY,
        error=f"the page says {STORED}",
        steps=(step,),
        attempts=(
            an_attempt(status=Status.FAILED, error=f"the page says {STORED}", where=f"x.py{STORED}", steps=(step,)),
        ),
        purchases=(a_purchase(note=f"note{STORED}"),),
    )


def a_hostile_alert() -> Alert:
    """A firing alert whose texts all hold control characters and markup."""
    return Alert(
        id="F0.ga_purchase.1",
        key="F0/ga_purchase",
        rule="F0",
        severity=Severity.CRITICAL,
        state=AlertState.FIRING,
        episode=1,
        pending_since=A_MOMENT,
        fired_at=A_MOMENT,
        summary=f"summary{STORED}",
        title=f"title{STORED}",
        acked_by=f"ann{STORED}",
        counted=(f"us-east{STORED}",),
        left_out=(f"us-west: {STORED}",),
        runs=(f"run{STORED}",),
        incident="inc-1",
    )


def fill(store: Store) -> None:
    """Put a hostile run, alert, message, silence and token into a hub's database."""
    alert = a_hostile_alert()
    told = Notification(
        id="inc-1.1.firing.slack",
        thread="inc-1",
        alert_id=alert.id,
        destination=f"slack{STORED}",
        kind=NotificationKind.FIRING,
        severity=Severity.CRITICAL,
        order=1,
        created_at=A_MOMENT,
        due_at=A_MOMENT,
        last_error=f"answered {STORED}",
    )
    with store.write() as connection:
        for number in (1, 2):
            runs.save(connection, a_hostile_run(number), received_at=datetime.now(UTC))
        alerts.save(connection, [alert], at=A_MOMENT)
        incidents.save(
            connection,
            [Incident(id="inc-1", lead=alert.id, severity=Severity.CRITICAL, opened_at=A_MOMENT, alerts=(alert.id,))],
        )
        outbox.owe(connection, [told])
        token = Token(id="0a1b2c3d", kind=TokenKind.LOCATION, subject=f"us-east{STORED}", key="k", created_at=A_MOMENT)
        tokens.add(connection, token, mac="0" * 64)
        now = datetime.now(UTC)
        silence = Silence(
            id="silence-1",
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(days=365),
            created_at=now,
            by=f"bob{STORED}",
            reason=f"deploy{STORED}",
            match={"journey": (f"ga{STORED}",)},
        )
        silences.save(connection, silence)
        shared = Share(
            id="0a1b2c3d4e5f6071",
            path=f"/runs/{STORED}",
            key="k",
            by=f"bob{STORED}",
            created_at=now,
            expires_at=now + timedelta(days=7),
        )
        shares.add(connection, shared)
        place = labels(city=f"dallas{STORED}", tier=f"ga{STORED}")
        samples.save(connection, [Sample(metric="inventory_seats", at=now, value=35.0, labels=place)], now=now)


def a_ledger(file: Path) -> None:
    """Write a ledger that was told hostile words."""
    ledger = Ledger(file)
    try:
        order = an_order(journey=f"ga{STORED}")
        ledger.note(f"cs_test{STORED}", order, state=State.PAID, amount_minor=100, currency="usd", now=A_MOMENT)
        ledger.put_off(f"cs_test{STORED}", f"Stripe says {STORED}", next_try_at=A_MOMENT)
    finally:
        ledger.close()
