"""The registry of the hub's pages: the navigation of every page is made of it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.dashboards.registry import DASHBOARDS
from reports.live.frame import Link

OVERVIEW = Link(path="/", title="Overview")
BEFORE_JOURNEYS = (OVERVIEW, *(Link(path=one.path, title=one.title) for one in DASHBOARDS.values()))
AFTER_JOURNEYS = (
    Link(path="/alerts", title="Alerts"),
    Link(path="/sla", title="Targets"),
    Link(path="/reports", title="Reports"),
    Link(path="/jobs", title="Jobs"),
)
PINGS = (Link(path="/pings", title="Pings"),)
DEMO = (Link(path="/inbox", title="Inbox"),)


def links_of(journeys: Sequence[str], *, is_demo: bool = False, has_pings: bool = False) -> tuple[Link, ...]:
    """Return the links of the navigation: the dashboards, each journey, what is firing and judged, the jobs that ping where
    there are any, and in the demo its inbox."""
    of_journeys = (Link(path=f"/journeys/{name}", title=name) for name in journeys)
    return (*BEFORE_JOURNEYS, *of_journeys, *AFTER_JOURNEYS, *(PINGS if has_pings else ()), *(DEMO if is_demo else ()))
