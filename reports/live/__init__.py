"""Renders the hub's pages: facts to HTML, with the current time as an argument."""

from reports.live.assets import asset
from reports.live.frame import Present
from reports.live.inbox import InboxEntry, inbox_page
from reports.live.jobs import job_row, jobs_page
from reports.live.journey import journey_page
from reports.live.login import login_page
from reports.live.overview import FaultButton, overview_page
from reports.live.run import run_page
from reports.live.sla import sla_page
from reports.live.unavailable import unavailable_page

__all__ = [
    "FaultButton",
    "InboxEntry",
    "Present",
    "asset",
    "inbox_page",
    "job_row",
    "jobs_page",
    "journey_page",
    "login_page",
    "overview_page",
    "run_page",
    "sla_page",
    "unavailable_page",
]
