"""Renders the page that a person sees when the hub refuses a request: nothing is there, or it is not allowed."""

from __future__ import annotations

from dataclasses import dataclass

from reports.live.frame import Frame
from reports.pages import render

_HEADINGS = {
    400: "The hub does not understand this address.",
    401: "A login is needed.",
    403: "You may not do this.",
    404: "There is no such page.",
    405: "There is no such page.",
    409: "This cannot be done now.",
    422: "The hub cannot use what was asked for.",
    429: "Too many requests.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPage:
    """Holds the data of the template. `problem` is a sentence without its full stop, `status` the HTTP status."""

    frame: Frame
    heading: str
    problem: str
    status: int


def refused_page(status: int, problem: str, *, prefix: str = "") -> str:
    """Return the page's HTML, without using the database; `prefix` is the path below which the hub is reached."""
    heading = _HEADINGS.get(status, "The hub did not do this.")
    frame = Frame(
        title=heading.rstrip("."),
        tone="mute",
        here="",
        links=(),
        notices=(),
        evaluated=None,
        csrf="",
        refresh_s=0,
        prefix=prefix,
    )
    return render("live/refused.html.j2", RefusedPage(frame=frame, heading=heading, problem=problem, status=status))
