"""The jobs that write and mail reports: when, about which period, and what becomes of one that cannot be mailed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import Receipt
from alerts.report_mail import ReportNote
from config import read_document
from hub.artifacts import Artifacts
from hub.jobs import Job, JobContext, JobError, JobServices, configured_jobs, report_jobs
from hub.watched import Watched
from journeys.site import Business
from sla.targets import targets_from
from store import Store
from tests.drills.hub import ROOT, the_watched

NOW = datetime(2026, 12, 1, 13, 20, tzinfo=UTC)
"""07:20 on a Tuesday, the 1st, in Chicago."""
JOBS = {"daily": "daily-2026-11-30", "weekly": "weekly-2026-W48", "monthly": "monthly-2026-11"}


@dataclass
class AMail:
    """Takes mails, or answers as it is told to."""

    answer: Receipt = field(default_factory=lambda: Receipt(ok=True, detail="the server took it for 2"))
    which: frozenset[str] = frozenset(JOBS)
    got: list[ReportNote] = field(default_factory=list)

    def send(self, note: ReportNote) -> Receipt:
        """Take one."""
        self.got.append(note)
        return self.answer


def in_chicago() -> Watched:
    found = the_watched()
    return replace(found, site=replace(found.site, business=Business(timezone="America/Chicago")))


def services(store: Store, folder: Path, **more: Any) -> JobServices:
    usual: dict[str, Any] = {
        "store": store,
        "watched": in_chicago(),
        "artifacts": Artifacts(store, folder / "evidence"),
        "first_watched": NOW,
        "evidence_bytes": 1,
        "clock": lambda: NOW,
        "targets": targets_from(read_document(ROOT / "sla.yaml")),
        "folder": folder,
    }
    return JobServices(**{**usual, **more})


def the_job(name: str) -> Job:
    return next(job for job in report_jobs(in_chicago()) if job.name == f"{name}_report")


def done(name: str, at: datetime, of: JobServices) -> str:
    return the_job(name).do(JobContext(services=of, slot=at))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("daily", "daily at 07:00 (America/Chicago)"),
        ("weekly", "every Monday at 07:10 (America/Chicago)"),
        ("monthly", "monthly on day 1 at 07:20 (America/Chicago)"),
    ],
)
def test_reports_are_written_in_the_morning_of_the_business(name: str, words: str) -> None:
    assert the_job(name).schedule.words() == words


@pytest.mark.parametrize("name", JOBS)
def test_a_report_is_about_the_last_whole_period_before_its_slot_however_late_it_is(
    sqlite_store: Store, tmp_path: Path, name: str
) -> None:
    late = services(sqlite_store, tmp_path, clock=lambda: NOW + timedelta(hours=15))
    said = done(name, NOW, late)
    assert said == f"{JOBS[name]}.html was written; nobody is to get it by mail"
    assert "What to do" in (tmp_path / "reports" / f"{JOBS[name]}.html").read_text(encoding="utf-8")


def test_it_is_mailed_with_its_sentence_and_its_file(sqlite_store: Store, tmp_path: Path) -> None:
    mail = AMail()
    said = done("monthly", NOW, services(sqlite_store, tmp_path, report_mail=mail))
    assert said == "monthly-2026-11.html was written and mailed: the server took it for 2"
    (note,) = mail.got
    assert (note.key, note.file_name) == ("monthly-2026-11", "monthly-2026-11.html")
    assert note.subject == "Monthly report: November 2026"
    assert note.sentence.startswith("Nothing is known in November 2026")
    assert note.actions
    assert note.html == (tmp_path / "reports" / "monthly-2026-11.html").read_text(encoding="utf-8")


def test_one_that_is_not_wanted_is_only_written(sqlite_store: Store, tmp_path: Path) -> None:
    mail = AMail(which=frozenset({"monthly"}))
    assert "does not want it mailed" in done("daily", NOW, services(sqlite_store, tmp_path, report_mail=mail))
    assert mail.got == []


@pytest.mark.parametrize("permanent", [True, False])
def test_one_that_cannot_be_mailed_is_a_failure_that_says_it_was_written(
    sqlite_store: Store, tmp_path: Path, permanent: bool
) -> None:
    mail = AMail(answer=Receipt(ok=False, permanent=permanent, detail="the server refuses: 554"))
    with pytest.raises(JobError, match=r"monthly-2026-11\.html was written, and could not be mailed: .* 554") as told:
        done("monthly", NOW, services(sqlite_store, tmp_path, report_mail=mail))
    assert told.value.permanent is permanent
    assert (tmp_path / "reports" / "monthly-2026-11.html").is_file()


def test_a_folder_that_cannot_be_written_is_a_failure(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("in the way")
    with pytest.raises(JobError, match="cannot be written"):
        done("daily", NOW, services(sqlite_store, tmp_path))


def test_a_hub_has_these_jobs_and_a_service_without_a_folder_has_none(sqlite_store: Store, tmp_path: Path) -> None:
    names = {f"{name}_report" for name in JOBS}
    some = services(sqlite_store, tmp_path)
    assert names <= {job.name for job in configured_jobs(some)}
    assert names.isdisjoint(job.name for job in configured_jobs(replace(some, folder=None)))
