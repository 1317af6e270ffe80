"""Describes the deploys that may have caused a run's failure: those since the last good run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import Deploy
from reports.words import span

LOOK_BACK = timedelta(hours=24)
"""How far back a deploy may lie where no good run is known."""
_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployNote:
    """Holds a sentence on a deploy, and the address of its own page, if it has one."""

    text: str
    url: str | None


def deploy_notes(deploys: Sequence[Deploy], started_at: datetime) -> tuple[DeployNote, ...]:
    """Return a sentence for each of the last three deploys, the last first; the third says how many more there were before it."""
    newest = sorted(deploys, key=lambda one: one.at, reverse=True)
    notes = [DeployNote(text=_sentence(one, started_at), url=one.url) for one in newest[:_MOST]]
    if len(newest) > _MOST:
        notes[-1] = DeployNote(text=f"{notes[-1].text} ({len(newest) - _MOST} more before it)", url=notes[-1].url)
    return tuple(notes)


def _sentence(deploy: Deploy, started_at: datetime) -> str:
    where = f" to {deploy.environment}" if deploy.environment else ""
    by = f" by {deploy.by}" if deploy.by else ""
    note = f": {deploy.note}" if deploy.note else ""
    when = f"{span(started_at - deploy.at)} before this run" if deploy.at <= started_at else "during this run"
    return f"{deploy.version} was deployed{where}{by} {when}{note}"
