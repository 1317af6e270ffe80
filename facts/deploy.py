"""Defines deploys: a version of the site went live at a moment, as its delivery pipeline says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
