"""Renders `/search`: the results of a search, by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.live.frame import Frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Holds something that was found: its kind, its exact name, its title, and the path of its page without the prefix."""

    kind: str
    name: str
    title: str
    path: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Holds the data of the template."""

    frame: Frame
    asked: str
    hits: tuple[Hit, ...]


def search_page(frame: Frame, asked: str, hits: Sequence[Hit]) -> str:
    """Return the page's HTML."""
    return render("live/search.html.j2", SearchPage(frame=frame, asked=asked, hits=tuple(hits)))
