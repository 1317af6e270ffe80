"""Renders the page of a signed link in a message: what fires, and the buttons that acknowledge or escalate it."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Alert, AlertState
from reports.live.frame import Frame, bare_frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLinkPage:
    """Holds the data of the template. `action` is where its form is sent, `done` what was done just now; "" if nothing was."""

    frame: Frame
    id: str
    title: str
    summary: str
    state: str
    since: str
    acked_by: str
    action: str
    done: str
    can_acknowledge: bool
    can_escalate: bool


def action_link_page(alert: Alert, *, action: str, done: str = "", prefix: str = "") -> str:
    """Return the page's HTML."""
    firing = alert.state is AlertState.FIRING
    frame = bare_frame("Confirm", here="/links", prefix=prefix)
    page = ActionLinkPage(
        frame=frame,
        id=alert.id,
        title=alert.title or alert.key,
        summary=alert.summary,
        state="closed" if alert.closed else alert.state.value,
        since=f"{alert.began_at:%Y-%m-%d %H:%M:%S} UTC",
        acked_by=alert.acked_by or "",
        action=action,
        done=done,
        can_acknowledge=(firing and alert.acked_at is None) or alert.needs_review,
        can_escalate=firing and alert.incident is not None,
    )
    return render("live/action_link.html.j2", page)
