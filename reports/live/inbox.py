"""Renders `/inbox`: the messages that the demo's receivers got."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.live.frame import Ago, Frame, ago
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """Holds one message in the form a receiver got it."""

    number: int
    at: datetime
    receiver: str
    channel: str
    text: str
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """Holds one message in the form shown on the page. `phone` is the number of the phone that can answer it."""

    number: int
    at: Ago | None
    to: str
    first: str
    rest: str
    json: str
    phone: str | None = None


def inbox_row(entry: InboxEntry, now: datetime) -> InboxRow:
    """Return the row of a message."""
    first, _, rest = entry.text.partition("\n")
    return InboxRow(
        number=entry.number,
        at=ago(entry.at, now),
        to=f"{entry.receiver} {entry.channel}",
        first=first,
        rest=rest,
        json=json.dumps(entry.body, indent=2, ensure_ascii=False),
        phone=entry.channel if entry.receiver == "twilio" and "Reply " in entry.text else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Holds the data of the template."""

    frame: Frame
    rows: tuple[InboxRow, ...]


def inbox_page(frame: Frame, entries: Sequence[InboxEntry], now: datetime) -> str:
    """Return the page's HTML, the newest message first."""
    rows = tuple(inbox_row(entry, now) for entry in sorted(entries, key=lambda e: -e.number))
    return render("live/inbox.html.j2", InboxPage(frame=frame, rows=rows))
