"""Defines deploys: a version of the site went live at a moment, as its delivery pipeline says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

DEPLOY_REACH = timedelta(minutes=30)
"""How long after a deploy a failure is said to come after it."""
_DURING = timedelta(minutes=1)
"""How long a run lasts: a deploy that comes while the first failing run is under way may be what it met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Holds a deploy of the watched site.

    `at` is when the version went live. `by` is who or what deployed it, `note` what changed in a sentence, and `url` the page of
    the pipeline's run or of the release. `source` is the subject of the token that reported it; None if no token was needed.
    """

    id: str
    at: datetime
    version: str
    received_at: datetime
    environment: str | None = None
    by: str | None = None
    note: str | None = None
    url: str | None = None
    source: str | None = None


def deploy_before(deploys: Iterable[Deploy], began_at: datetime) -> Deploy | None:
    """Return the last deploy of the 30 minutes before a failure began; None if there was none.

    A deploy of the minute after counts too, because `began_at` is when the first failing run was started.
    """
    near = [one for one in deploys if began_at - DEPLOY_REACH <= one.at <= began_at + _DURING]
    return max(near, key=lambda one: (one.at, one.id), default=None)


def after_deploy(deploy: Deploy, began_at: datetime) -> str:
    """Return in words how a failure lies to a deploy: `2 minutes after deploy 4f2a1 to production`."""
    where = f" to {deploy.environment}" if deploy.environment else ""
    seconds = round((began_at - deploy.at).total_seconds())
    if seconds <= 0:
        return f"during deploy {deploy.version}{where}"
    number, unit = (seconds, "second") if seconds < 60 else (seconds // 60, "minute")
    return f"{number} {unit if number == 1 else unit + 's'} after deploy {deploy.version}{where}"
