"""Renders the hub's pages: facts to HTML, with the current time as an argument."""

from reports.live.assets import asset
from reports.live.frame import Present
from reports.live.jobs import job_row, jobs_page
from reports.live.login import login_page
from reports.live.overview import overview_page
from reports.live.pings import pings_page
from reports.live.refused import refused_page
from reports.live.requested import requested_page
from reports.live.run import RunAround, run_page
from reports.live.sla import sla_page
from reports.live.unavailable import unavailable_page

__all__ = [
    "Present",
    "RunAround",
    "asset",
    "job_row",
    "jobs_page",
    "login_page",
    "overview_page",
    "pings_page",
    "refused_page",
    "requested_page",
    "run_page",
    "sla_page",
    "unavailable_page",
]
