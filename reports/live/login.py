"""`/login`: who are you?"""

from __future__ import annotations

from dataclasses import dataclass

from reports.live.frame import Frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """Everything the template prints. `after` is the path to go to, `problem` the sentence of what was wrong."""

    frame: Frame
    csrf: str
    after: str
    name: str
    problem: str | None


def login_page(*, csrf: str, after: str, name: str = "", problem: str | None = None, prefix: str = "") -> str:
    """The page's HTML."""
    frame = Frame(
        title="Log in",
        tone="mute",
        here="/login",
        journeys=(),
        notices=(),
        evaluated=None,
        has_inbox=False,
        csrf="",
        refresh_s=0,
        prefix=prefix,
    )
    page = LoginPage(frame=frame, csrf=csrf, after=after, name=name, problem=problem)
    return render("live/login.html.j2", page)
