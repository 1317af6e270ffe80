"""Renders the page that replaces all others while the database cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from reports.live.frame import Frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailablePage:
    """Holds the data of the template. `problem` is the sentence on what is wrong and what to do."""

    frame: Frame
    problem: str


def unavailable_page(problem: str) -> str:
    """Return the page's HTML, without using the database."""
    frame = Frame(
        title="The hub cannot use its database",
        tone="bad",
        here="",
        links=(),
        notices=(),
        evaluated=None,
        csrf="",
        refresh_s=0,
    )
    return render("live/unavailable.html.j2", UnavailablePage(frame=frame, problem=problem))
