"""Each source is a job: it says what a reading brought, and fails where the reading did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from facts import Sample, labels
from hub.artifacts import Artifacts
from hub.jobs import JobContext, JobError, JobServices, configured_jobs
from hub.jobs.schedule import Every
from sources import Collected, SourceError, SourceSettings
from store import Store
from tests.drills.hub import the_watched

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


@dataclass
class ASource:
    """Brings one number, or fails."""

    name: ClassVar[str] = "inventory"
    every_s: ClassVar[float] = 60.0
    site_requests: ClassVar[int] = 1
    error: SourceError | None = None

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Always."""
        return None

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """One number."""
        if self.error is not None:
            raise self.error
        return Collected(
            samples=[Sample(metric="inventory_seats", at=now, value=35.0, labels=labels(city="dallas", tier="ga"))]
        )

    def close(self) -> None:
        """Nothing is open."""


def services(store: Store, folder: Path, source: ASource) -> JobServices:
    return JobServices(
        store=store,
        watched=the_watched(),
        artifacts=Artifacts(store, folder / "evidence"),
        first_watched=NOW,
        evidence_bytes=1_000_000,
        sources=[source],
        clock=lambda: NOW,
    )


def test_a_source_has_a_job_of_its_name_and_period(store: Store, tmp_path: Path) -> None:
    for scale, period_s in ((1.0, 60.0), (5.0, 12.0)):
        jobs = {job.name: job for job in configured_jobs(services(store, tmp_path, ASource()), scale=scale)}
        assert jobs["inventory"].schedule == Every(period_s)


def test_a_source_that_failed_once_is_asked_again_within_a_period_on_every_clock(store: Store, tmp_path: Path) -> None:
    for scale, period_s in ((1.0, 60.0), (5.0, 12.0), (12.5, 4.8)):
        jobs = {job.name: job for job in configured_jobs(services(store, tmp_path, ASource()), scale=scale)}
        waits = jobs["inventory"].backoff
        for failures in (1, 2, 9):
            wait = waits.wait(failures, retry_after_s=None, permanent=False, jitter=1.0)
            assert wait.total_seconds() == pytest.approx(period_s)


def test_a_reading_is_told_and_a_failed_one_fails_the_job(store: Store, tmp_path: Path) -> None:
    source = ASource()
    at_hand = services(store, tmp_path, source)
    (job,) = [one for one in configured_jobs(at_hand) if one.name == "inventory"]
    context = JobContext(services=at_hand, slot=NOW)
    assert job.do(context) == "1 sample"
    source.error = SourceError("GET /api/inventory: 503")
    with pytest.raises(JobError, match="503"):
        job.do(context)
    said = "not asked: inventory failed before, and its wait is not over: GET /api/inventory: 503"
    assert job.do(context) == said, "nothing was tried, so nothing failed"
    source.error = None
    later = replace(context, services=replace(at_hand, clock=lambda: NOW + timedelta(minutes=2)))
    assert job.do(later) == "1 sample"
