"""The JSON endpoints of incidents: the list, one with its whole story, and escalating it now."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from facts import Alert, Deploy, LadderRow, Notification, Severity, to_wire
from hub.actions import acting, read_action
from hub.answers import answering
from hub.context import HubContext
from hub.errors import HubError
from hub.escalate import escalate
from hub.incident_data import load_stories
from hub.incident_pages import read_incident
from hub.listing import LISTING, Cursor, Form, From, To, answered, in_order, with_csv
from hub.report_data import ReportSettings
from hub.requests import back_to, person
from reports.incident_story import BudgetCost, Entry, headline, sentences, time_line
from reports.periodic.data import Story
from reports.periodic.sections.incidents import title_of
from store import incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentShort:
    """An incident in short form.

    `began_at` is the start of the first bad run and `ended_at` the end of the first good one after it, null while it is open.
    `lost_minor` is what the shop would usually have sold meanwhile, in minor units by currency; null where that is not known, with the
    reason in `lost_unknown`.
    """

    id: str
    title: str
    severity: Severity
    opened_at: datetime
    began_at: datetime
    lasted_s: float
    ended_at: datetime | None = None
    resolved_at: datetime | None = None
    fired_at: datetime | None = None
    told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    highest_tier: int = 0
    lost_minor: dict[str, int] | None = None
    lost_unknown: str = ""
    alerts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsListed:
    """Incidents, newest first. `next` is the `cursor` of the following page; null on the last one."""

    incidents: list[IncidentShort]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetTaken(BudgetCost):
    """What an incident took of one target's error budget; a `share` of 1 is all of it."""

    share_taken: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentShown(IncidentShort):
    """An incident with its whole story. `deploy` is the last one of the 30 minutes before the first bad run."""

    headline: str
    sentence: str
    deploy: Deploy | None = None
    bad_runs: dict[str, int] = field(default_factory=dict)
    time_line: list[Entry] = field(default_factory=list)
    members: list[Alert] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    escalation: list[LadderRow] = field(default_factory=list)
    budgets: list[BudgetTaken] = field(default_factory=list)


COLUMNS = tuple(one.name for one in fields(IncidentShort))


def _short(story: Story, now: datetime) -> dict[str, Any]:
    begins, ends = story.span(now)
    incident = story.incident
    return {
        "id": incident.id,
        "title": title_of(story),
        "severity": incident.severity,
        "opened_at": incident.opened_at,
        "began_at": begins,
        "lasted_s": round((ends - begins).total_seconds(), 3),
        "ended_at": ends if incident.resolved_at is not None else None,
        "resolved_at": incident.resolved_at,
        "fired_at": story.fired_at,
        "told_at": story.told_at,
        "acknowledged_at": story.acked_at,
        "highest_tier": story.tiers,
        "lost_minor": dict(story.lost) if story.lost is not None else None,
        "lost_unknown": story.lost_unknown,
        "alerts": [alert.id for alert in story.alerts],
    }


def _settings(context: HubContext) -> ReportSettings:
    return ReportSettings(watched=context.watched, targets=context.targets, base_url=context.policy.base_url)


def add_incident_endpoints(router: APIRouter, context: HubContext) -> None:
    """Add `/api/incidents` and what is below it."""

    @router.get(
        "/api/incidents",
        **with_csv(
            answering(IncidentsListed, "The incidents.", _422="A parameter is not known, or its value is none.")
        ),
        **LISTING,
    )
    def list_incidents(
        request: Request,
        state: Literal["open", "resolved"] | None = None,
        severity: Severity | None = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        form: Form = None,
    ) -> Response:
        """Return incidents that were open during any part of a period, newest first; all of them, if no period is asked for."""
        number = incidents.number_of(cursor) if cursor is not None else None
        if cursor is not None and number is None:
            raise HubError(422, f"cursor: {cursor!a:.40} is none; write the `next` of the page before, or leave it out")
        in_order(since, until)
        now = context.clock()
        with context.store.read() as connection:
            found = incidents.page(
                connection,
                before=number,
                is_open=None if state is None else state == "open",
                severity=severity,
                since=since,
                until=until,
                limit=limit + 1,
            )
            stories = load_stories(connection, found[:limit], _settings(context), now=now)
        following = found[limit - 1].id if len(found) > limit else None
        told = {"incidents": [_short(story, now) for story in stories], "next": following}
        return answered(request, form, told, rows="incidents", columns=COLUMNS)

    @router.get("/api/incidents/{incident_id}", **answering(IncidentShown, "The incident.", _404="No such incident."))
    def show_incident(incident_id: str) -> Response:
        """Return one incident with its whole story on one time line, oldest entry first."""
        data = read_incident(context, incident_id)
        story = data.story
        told = {
            **_short(story, data.now),
            "headline": headline(data, f"{data.span[0]:%H:%M} UTC"),
            "sentence": sentences(data),
            "deploy": data.deploy,
            "bad_runs": dict(data.bad_runs),
            "time_line": list(time_line(data)),
            "members": list(story.alerts),
            "notifications": list(story.messages),
            "escalation": list(data.ladder),
            "budgets": [{**to_wire(one), "share_taken": one.share} for one in data.budgets],
        }
        return JSONResponse(to_wire(told))

    @router.post(
        "/api/incidents/{incident_id}/escalate",
        **acting(
            LadderRow,
            "The tier that was called; `status` is `unreached` where it reached nobody and the next one was called as well.",
            _404="No such incident.",
            _409="It is resolved, silenced or in maintenance, or it does not escalate.",
        ),
    )
    async def escalate_now(incident_id: str, request: Request) -> Response:
        """Call the next escalation tier of an incident now instead of when its time comes, at any hour.

        An acknowledgement is taken back: whoever escalates wants somebody else to have it.
        """
        action = await read_action(request)
        called = await run_in_threadpool(
            escalate,
            context.store,
            context.policy,
            incident_id,
            by=person(request),
            now=context.clock(),
            site=context.watched.site,
        )
        context.wake()
        return action.response(called[0], page=back_to(action.asked, f"/incidents/{called[0].incident}"))
