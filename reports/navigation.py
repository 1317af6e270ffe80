"""Registers the hub's pages, from which the navigation of every page is made."""

from __future__ import annotations

from collections.abc import Sequence

from reports.dashboards.registry import DASHBOARDS
from reports.live.frame import Link
from reports.words import journey_title

OVERVIEW = Link(path="/", title="Overview")
BEFORE_JOURNEYS = (OVERVIEW, *(Link(path=one.path, title=one.title) for one in DASHBOARDS.values()))
# Before the journeys, of which there may be many: on a narrow screen the end of the navigation has to be scrolled to.
JUDGED = (
    Link(path="/alerts", title="Alerts"),
    Link(path="/sla", title="Targets"),
    Link(path="/reports", title="Reports"),
)
AFTER_JOURNEYS = (Link(path="/jobs", title="Jobs"),)
PINGS = (Link(path="/pings", title="Pings"),)


def links_of(journeys: Sequence[str], added: Sequence[Link] = (), *, has_pings: bool = False) -> tuple[Link, ...]:
    """Return the links of the navigation: the dashboards, what fires and is judged, each journey, the jobs that ping where there
    are any, and those that are added."""
    of_journeys = (Link(path=f"/journeys/{name}", title=journey_title(name)) for name in journeys)
    return (*BEFORE_JOURNEYS, *JUDGED, *of_journeys, *AFTER_JOURNEYS, *(PINGS if has_pings else ()), *added)


def next_on_wall(here: str) -> str:
    """Return the address of the page that follows `here` where pages rotate on a wall: the overview and the dashboards."""
    paths = [link.path for link in BEFORE_JOURNEYS]
    place = paths.index(here) + 1 if here in paths else 0
    return f"{paths[place % len(paths)]}?wall=1"
