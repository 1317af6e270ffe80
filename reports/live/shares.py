"""`/shares`: the links that show one page to people without an account, and the page of a link that opens nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from facts import Share
from reports.live.frame import Ago, Frame, ago, bare_frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    """Holds one link as the page shows it. `url` opens it, None where the link opens nothing any more."""

    id: str
    path: str
    by: str
    state: str
    tone: str
    made: Ago | None
    until: str
    opened: Ago | None
    url: str | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesPage:
    """Holds the data of the template."""

    frame: Frame
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPage:
    """Holds the data of the page of a link that opens nothing. `problem` is the sentence that says so."""

    frame: Frame
    problem: str


def shares_page(frame: Frame, shares: Sequence[Share], url_of: Callable[[Share], str | None], now: datetime) -> str:
    """Return the page's HTML; `url_of` returns the whole address of a link, None where it opens nothing."""
    rows = [
        ShareRow(
            id=one.id,
            path=one.path,
            by=one.by,
            state=one.state(now),
            tone="good" if one.state(now) == "active" else "mute",
            made=ago(one.created_at, now),
            until=frame.zone.clock(one.expires_at, now),
            opened=ago(one.last_opened_at, now),
            url=url_of(one) if one.state(now) == "active" else None,
            revoked_by=one.revoked_by,
        )
        for one in shares
    ]
    return render("live/shares.html.j2", SharesPage(frame=frame, rows=tuple(rows)))


def closed_page(problem: str, prefix: str) -> str:
    """Return the page of a link that opens nothing; it says nothing else of the hub."""
    frame = bare_frame("This link is closed", here="", prefix=prefix)
    return render("live/share_closed.html.j2", ClosedPage(frame=frame, problem=problem))
