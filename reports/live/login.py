"""Renders `/login`."""

from __future__ import annotations

from dataclasses import dataclass

from reports.live.frame import Frame, bare_frame
from reports.pages import render


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """Holds the data of the template. `after` is the path to open after the login, `problem` the reason of a refusal.

    `oidc` is the path at which a login by the identity provider begins, "" where there is none.
    """

    frame: Frame
    csrf: str
    after: str
    name: str
    problem: str | None
    oidc: str = ""


def login_page(
    *, csrf: str, after: str, name: str = "", problem: str | None = None, prefix: str = "", oidc: str = ""
) -> str:
    """Return the page's HTML; `oidc` is the path at which a login by the identity provider begins, "" where there is none."""
    frame = bare_frame("Log in", here="/login", prefix=prefix)
    page = LoginPage(frame=frame, csrf=csrf, after=after, name=name, problem=problem, oidc=oidc)
    return render("live/login.html.j2", page)
