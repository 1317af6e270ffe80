"""Jobs on both databases: each slot at most once over hubs and restarts, whatever fails, hangs, or happens to the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.escalation import Escalation, Tier
from alerts.policy import Policy
from facts import HubClock, JobOutcome, JobState
from hub.artifacts import Artifacts
from hub.jobs import JOBS, CatchUp, Job, JobContext, JobError, JobScheduler, JobServices, configured_jobs, daily
from hub.jobs import missed_slots as missed_slots_job
from hub.jobs import retention as retention_job
from hub.jobs.job import Backoff
from hub.jobs.schedule import Every
from hub.otlp_settings import OtlpSettings
from journeys.site import StatusPage
from sources import SourceError
from store import Store, lease
from store import jobs as rows
from tests.drills.hub import the_watched

NOON = datetime(2026, 3, 28, 12, 0, 30, tzinfo=UTC)


@dataclass
class Stage:
    """One database with hubs, whose clock the test holds. `did` is the slots that were run, in order."""

    store: Store
    folder: Path
    now: datetime = NOON
    hub_clock: HubClock = field(default_factory=HubClock)
    did: list[datetime] = field(default_factory=list)
    steady_s: float = 0.0

    def services(self) -> JobServices:
        return JobServices(
            store=self.store,
            watched=the_watched(),
            artifacts=Artifacts(self.store, self.folder / "evidence"),
            first_watched=NOON,
            evidence_bytes=1_000_000,
            clock=lambda: self.now,
            hub_clock=lambda: self.hub_clock,
        )

    def job(self, name: str = "look", do: Callable[[JobContext], str] | None = None, **how: Any) -> Job:
        def note(context: JobContext) -> str:
            self.did.append(context.slot)
            return "all is well"

        return Job(**{"name": name, "purpose": "Looks.", "schedule": Every(60), "do": do or note, **how})

    def hub(self, *jobs: Job, holder: str = "first", **how: Any) -> JobScheduler:
        values: dict[str, Any] = {
            "store": self.store,
            "jobs": jobs,
            "services": self.services(),
            "holder": holder,
            "clock": lambda: self.now,
            "steady": lambda: self.steady_s,
            "jitter": lambda: 1.0,
        }
        return JobScheduler(**{**values, **how})

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.steady_s += seconds

    def state(self, name: str = "look") -> JobState:
        with self.store.read() as connection:
            return rows.states(connection)[name]

    def outcomes(self, name: str = "look") -> list[str]:
        """What came of each run, oldest first."""
        with self.store.read() as connection:
            return [run.outcome.value for run in reversed(rows.recent(connection, name))]


def looks(hub: JobScheduler) -> int:
    """Look, and look again once what was begun is over; how many runs were begun."""
    begun = hub.look()
    settle(hub)
    return begun


def settle(hub: JobScheduler) -> None:
    for attempt in list(hub._running.values()):
        assert attempt.thread is not None
        attempt.thread.join(30)
        assert not attempt.thread.is_alive()
    hub._record_what_is_over()


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Stage:
    return Stage(store, tmp_path)


def test_a_slot_is_run_once_however_often_anybody_looks(stage: Stage) -> None:
    hub = stage.hub(stage.job())
    assert [looks(hub) for _ in range(5)] == [1, 0, 0, 0, 0]
    stage.later(60)
    assert [looks(hub) for _ in range(3)] == [1, 0, 0]
    assert stage.did == [NOON.replace(second=0), NOON.replace(minute=1, second=0)]
    state = stage.state()
    assert (state.last_outcome, state.last_result, state.succeeded) == (JobOutcome.SUCCEEDED, "all is well", 2)
    assert (state.last_success_at, state.next_at) == (stage.now, NOON.replace(minute=2, second=0))


def test_of_two_hubs_one_runs_each_slot_and_the_other_takes_over_when_it_ends(stage: Stage) -> None:
    first, second = stage.hub(stage.job(), holder="first"), stage.hub(stage.job(), holder="second")
    assert (looks(first), looks(second)) == (1, 0)
    stage.later(60)
    assert (looks(second), looks(first)) == (0, 1)
    first.end()
    assert first.has_ended(1)
    first.give_up()
    stage.later(20)
    assert looks(second) == 0, "the slot was run by the other one"
    stage.later(40)
    assert (looks(first), looks(second)) == (0, 1)
    assert len(stage.did) == len(set(stage.did)) == 3


def test_two_hubs_that_both_believe_to_have_the_lease_run_a_slot_once(stage: Stage) -> None:
    first, second = stage.hub(stage.job(), holder="first"), stage.hub(stage.job(), holder="second")
    first._has_lease()
    with stage.store.write() as connection:
        lease.release(connection, name="jobs", holder="first")
    assert looks(second) == 1
    assert looks(first) == 0, "its lease is another's, which it finds out as it claims"
    assert len(stage.did) == 1


def test_many_hubs_at_once_claim_a_slot_once(stage: Stage) -> None:
    claim = rows.JobClaim(
        job="look", key="k", slot=NOON, holder="x", at=NOON, keep_until=NOON + timedelta(days=2), next_at=NOON
    )
    stage.hub(stage.job())
    won: list[bool] = []

    def try_it() -> None:
        with stage.store.write() as connection:
            won.append(rows.claim(connection, claim))

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_a_hub_that_starts_again_within_a_slot_does_not_run_it_again(stage: Stage) -> None:
    looks(stage.hub(stage.job(), holder="before"))
    assert looks(stage.hub(stage.job(), holder="after", lease_s=0.0)) == 0
    with stage.store.write() as connection:
        lease.release(connection, name="jobs", holder="before")
    again = stage.hub(stage.job(), holder="after")
    assert looks(again) == 0
    stage.later(60)
    assert looks(again) == 1


@pytest.mark.parametrize(
    ("catch_up", "ran", "outcomes"),
    [
        (CatchUp.RUN_ONCE, ["2026-03-28T12:00", "2026-03-28T15:00"], ["succeeded", "succeeded"]),
        (CatchUp.SKIP, ["2026-03-28T12:00"], ["succeeded", "skipped"]),
    ],
)
def test_slots_that_were_missed_are_caught_up_once_or_skipped(
    stage: Stage, catch_up: CatchUp, ran: list[str], outcomes: list[str]
) -> None:
    job = stage.job(schedule=Every(3600), catch_up=catch_up)
    looks(stage.hub(job))
    stage.later(3 * 3600 + 600)
    after = stage.hub(job)
    looks(after)
    looks(after)
    assert [f"{slot:%Y-%m-%dT%H:%M}" for slot in stage.did] == ran
    assert stage.outcomes() == outcomes
    with stage.store.read() as connection:
        newest = rows.recent(connection, "look")[0]
    assert newest.late
    stage.later(3000 - 20)
    looks(after)
    assert stage.did[-1] == NOON.replace(hour=16, second=0, minute=0)


def test_a_daily_job_runs_from_its_next_time_on_and_makes_up_for_nothing_before_it_existed(stage: Stage) -> None:
    hub = stage.hub(stage.job(schedule=daily(time(7, 0), zone="Europe/Berlin")))
    assert looks(hub) == 0
    stage.now = datetime(2026, 3, 29, 4, 59, 59, tzinfo=UTC)
    assert looks(hub) == 0
    stage.now = datetime(2026, 3, 29, 5, 0, 0, tzinfo=UTC)
    assert (looks(hub), looks(hub)) == (1, 0)
    assert stage.did == [datetime(2026, 3, 29, 5, 0, tzinfo=UTC)]


@pytest.mark.parametrize("at", [time(1, 30), time(2, 0), time(2, 30), time(3, 0)])
@pytest.mark.parametrize("began", [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)])
def test_a_local_slot_is_run_once_on_each_day_where_the_clocks_change(stage: Stage, at: time, began: datetime) -> None:
    stage.now = began
    hub = stage.hub(stage.job(schedule=daily(at, zone="Europe/Berlin")))
    for _ in range(4 * 48):
        looks(hub)
        stage.later(1800)
    with stage.store.read() as connection:
        runs = rows.recent(connection, "look")
    first = began.date() + timedelta(days=1)
    assert sorted(run.key for run in runs) == [(first + timedelta(days=n)).isoformat() for n in range(4)]
    assert len(stage.did) == 4


def test_a_clock_that_is_set_back_runs_no_slot_again(stage: Stage) -> None:
    stage.now = datetime(2026, 3, 28, 5, 0, tzinfo=UTC)
    hub = stage.hub(stage.job(schedule=daily(time(7, 0), zone="Europe/Berlin")), stage.job("often"))
    for _ in range(70):
        looks(hub)
        stage.later(60)
    stage.now -= timedelta(minutes=50)
    for _ in range(70):
        looks(hub)
        stage.later(60)
    with stage.store.read() as connection:
        assert [(run.key, run.tries) for run in rows.recent(connection, "look")] == [("2026-03-28", 1)]
        often = rows.recent(connection, "often", limit=500)
    assert len({run.key for run in often}) == len(often), "no slot has two runs"


def test_an_interval_goes_on_at_once_after_a_clock_that_was_ahead(stage: Stage) -> None:
    stage.now += timedelta(days=365)
    hub = stage.hub(stage.job())
    looks(hub)
    stage.now -= timedelta(days=365)
    begun = 0
    for _ in range(10):
        begun += looks(hub)
        stage.later(60)
    assert begun == 10


def test_after_a_clock_that_was_ahead_a_daily_job_runs_on_the_next_day(stage: Stage) -> None:
    job = stage.job(schedule=daily(time(7, 0), zone="Europe/Berlin"))
    hub = stage.hub(job)
    stage.now += timedelta(days=30)
    assert looks(hub) == 1
    stage.now = NOON + timedelta(minutes=1)
    assert looks(hub) == 0, "the job did not exist at seven"
    stage.now += timedelta(days=1)
    assert (looks(hub), looks(hub)) == (1, 0)
    assert stage.did[-1] == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def test_a_job_that_a_clock_noted_that_was_ahead_runs_all_the_same(stage: Stage) -> None:
    stage.now += timedelta(days=365)
    hub = stage.hub(stage.job(schedule=daily(time(7, 0), zone="Europe/Berlin")))
    stage.now = NOON
    assert (looks(hub), looks(hub)) == (1, 0)


def failing(error: Exception) -> Callable[[JobContext], str]:
    def fail(_context: JobContext) -> str:
        raise error

    return fail


def test_a_job_that_fails_waits_longer_each_time_and_is_well_again_after_a_success(stage: Stage) -> None:
    answers: list[Exception | None] = [JobError("no answer")]

    def do(_context: JobContext) -> str:
        if answers[0]:
            raise answers[0]
        return "done"

    hub = stage.hub(stage.job(do=do, schedule=Every(86_400), backoff=Backoff(first_s=10, longest_s=60)))
    waits = []
    for _ in range(5):
        assert looks(hub) == 1
        began, state = stage.now, stage.state()
        assert (state.last_outcome, state.last_result) == (JobOutcome.FAILED, "no answer")
        assert state.not_before is not None
        assert state.next_at == state.not_before
        waits.append((state.not_before - began).total_seconds())
        stage.later(waits[-1] - 1)
        assert looks(hub) == 0
        stage.later(1)
    assert waits == [10, 20, 40, 60, 60]
    answers[0] = None
    assert looks(hub) == 1
    state = stage.state()
    assert (state.failures, state.not_before, state.succeeded, state.failed) == (0, None, 1, 5)
    with stage.store.read() as connection:
        (run,) = rows.recent(connection, "look")
    assert (run.tries, run.outcome, run.result) == (6, JobOutcome.SUCCEEDED, "done")


def test_half_of_a_wait_is_left_to_chance() -> None:
    backoff = Backoff(first_s=10, longest_s=60)

    def wait_s(jitter: float, failures: int = 2) -> float:
        return backoff.wait(failures, retry_after_s=None, permanent=False, jitter=jitter).total_seconds()

    assert (wait_s(0.0), wait_s(0.5), wait_s(1.0)) == (10, 15, 20)
    assert wait_s(1.0, failures=10_000) == 60


def test_what_a_service_asks_to_wait_is_waited(stage: Stage) -> None:
    hub = stage.hub(stage.job(do=failing(SourceError("429", retry_after_s=1234.0))))
    looks(hub)
    assert stage.state().not_before == stage.now + timedelta(seconds=1234)


def test_a_permanent_failure_is_not_tried_again_before_its_next_slot_or_another_process(stage: Stage) -> None:
    job = stage.job(
        do=failing(SourceError("401", permanent=True)), schedule=Every(3600), backoff=Backoff(longest_s=900)
    )
    hub = stage.hub(job)
    assert looks(hub) == 1
    for _ in range(59):
        stage.later(60)
        begun = looks(hub)
        assert begun == (1 if stage.now.minute == 0 else 0)
    hub.give_up()
    stage.later(1)
    assert looks(stage.hub(job, holder="with other settings")) == 1


def test_a_slot_that_keeps_failing_is_given_up(stage: Stage) -> None:
    job = stage.job(
        do=failing(JobError("no")),
        schedule=Every(86_400),
        backoff=Backoff(first_s=600, longest_s=600),
        give_up_after=timedelta(hours=1),
    )
    hub = stage.hub(job)
    begun = 0
    for _ in range(120):
        begun += looks(hub)
        stage.later(60)
    assert begun == 6


def test_a_mistake_of_a_job_stops_no_other_and_tells_no_secret(stage: Stage) -> None:
    hub = stage.hub(stage.job("broken", do=failing(KeyError("sk_test_secret"))), stage.job())
    assert looks(hub) == 2
    assert stage.state("broken").last_result == "our own mistake (KeyError); the log shows where"
    assert stage.state("look").last_outcome is JobOutcome.SUCCEEDED


def test_a_job_that_hangs_is_over_after_its_time_and_stops_no_other(stage: Stage) -> None:
    go_on, begun = threading.Event(), threading.Event()

    def hang(_context: JobContext) -> str:
        begun.set()
        go_on.wait(60)
        return "at last"

    hub = stage.hub(stage.job("hangs", do=hang, deadline_s=30.0), stage.job())
    assert hub.look() == 2
    begun.wait(30)
    hung = hub._running["hangs"].thread
    for _ in range(5):
        stage.later(60)
        hub.look()
        other = hub._running["look"].thread
        assert other is not None
        other.join(30)
        hub._record_what_is_over()
    assert len(stage.did) == 6
    state = stage.state("hangs")
    assert state.last_outcome is JobOutcome.TIMED_OUT
    assert state.last_result == "not over within 30 s; it is not begun again before it ends"
    assert (state.failed, stage.outcomes("hangs")) == (1, ["timed out"])
    assert hub._running["hangs"].thread is hung, "it is not begun a second time"
    go_on.set()
    settle(hub)
    assert stage.state("hangs").last_result == "it ended after 300 s, with 30 s to do it in (succeeded: at last)"
    stage.later(60)
    assert hub.look() == 2
    settle(hub)


def test_a_long_job_learns_that_it_should_stop(stage: Stage) -> None:
    told: list[str] = []
    begun = threading.Event()

    def work(context: JobContext) -> str:
        begun.set()
        while True:
            try:
                context.check()
            except JobError as error:
                told.append(str(error))
                raise
            threading.Event().wait(0.01)

    hub = stage.hub(stage.job(do=work, deadline_s=30.0))
    hub.look()
    begun.wait(30)
    hub.end()
    assert hub.has_ended(30)
    assert told == ["stopped in the middle: the hub ends"]
    assert stage.state().last_outcome is JobOutcome.FAILED


def test_what_was_cut_off_is_recorded_by_the_next_hub_which_goes_on_with_the_next_slot(stage: Stage) -> None:
    forever = threading.Event()
    job = stage.job(do=lambda _context: str(forever.wait(60)))
    dead = stage.hub(job, holder="killed")
    dead.look()
    thread = dead._running["look"].thread
    # Its process is gone: nothing of it is heard again, and its lease runs out.
    with stage.store.write() as connection:
        lease.release(connection, name="jobs", holder="killed")
    after = stage.hub(stage.job(), holder="after")
    assert looks(after) == 0
    assert stage.outcomes() == ["cut off"]
    state = stage.state()
    assert "it was cut off" in state.last_result
    assert (state.failed, state.failures) == (1, 1)
    stage.later(60)
    assert looks(after) == 1
    assert stage.outcomes() == ["cut off", "succeeded"]
    # One that was only frozen, and goes on, changes nothing of it.
    forever.set()
    assert thread is not None
    thread.join(30)
    dead._record_what_is_over()
    assert stage.outcomes() == ["cut off", "succeeded"]


def test_a_hub_that_lost_its_lease_for_a_while_records_what_it_still_runs(stage: Stage) -> None:
    go_on = threading.Event()
    hub = stage.hub(stage.job(do=lambda _context: f"done {go_on.wait(60)}"))
    hub.look()
    with stage.store.write() as connection:
        lease.release(connection, name="jobs", holder="first")
    stage.later(20)
    hub.look()
    assert stage.outcomes() == ["running"], "its own run is under way: nobody cut it off"
    go_on.set()
    settle(hub)
    assert stage.state().last_result == "done True"


def test_what_a_person_asks_for_is_run_at_once_and_counts_for_no_slot(stage: Stage) -> None:
    hub = stage.hub(stage.job(schedule=Every(86_400)))
    looks(hub)
    stage.later(5)
    with stage.store.write() as connection:
        assert rows.request(connection, "look", by="Ada", at=stage.now)
        assert rows.request(connection, "look", by="Bob", at=stage.now)
        assert not rows.request(connection, "no such job", by="Ada", at=stage.now)
    assert (looks(hub), looks(hub)) == (1, 0)
    with stage.store.read() as connection:
        newest = rows.recent(connection, "look")[0]
    assert (newest.requested_by, newest.outcome) == ("Ada", JobOutcome.SUCCEEDED)
    stage.later(86_400)
    assert looks(hub) == 1


def test_a_person_need_not_wait_for_a_backoff(stage: Stage) -> None:
    hub = stage.hub(stage.job(do=failing(JobError("no")), backoff=Backoff(first_s=900)))
    looks(hub)
    stage.later(5)
    with stage.store.write() as connection:
        rows.request(connection, "look", by="Ada", at=stage.now)
    assert looks(hub) == 1


def test_a_database_that_is_away_loses_no_result(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from store import StoreUnavailableError

    hub = stage.hub(stage.job())
    hub.look()
    thread = hub._running["look"].thread
    assert thread is not None
    thread.join(30)

    def gone(*_: Any, **__: Any) -> Any:
        raise StoreUnavailableError("it is away")

    with monkeypatch.context() as patched:
        patched.setattr(rows, "finish", gone)
        with pytest.raises(StoreUnavailableError):
            hub.look()
    hub.look()
    assert stage.outcomes() == ["succeeded"]


def test_the_jobs_of_a_hub_are_those_that_it_has_work_for(stage: Stage) -> None:
    services = stage.services()
    names = [job.name for job in configured_jobs(services)]
    assert {"missed_slots", "retention", "evidence_limit", "orphans"} <= set(names)
    assert not {"escalation_audit", "status_page", "otlp_export"} & set(names)
    publishing = replace(services.watched, site=replace(services.watched.site, status_page=StatusPage(folder="/srv")))
    escalating = Policy(escalation=Escalation(tiers=(Tier(after=timedelta(0)),)))
    exporting = OtlpSettings(traces="http://127.0.0.1:9/v1/traces", metrics=None)
    whole = replace(services, policy=escalating, watched=publishing, otlp=exporting)
    assert [job.name for job in configured_jobs(whole)] == [job.name for job in JOBS]
    assert all(job.purpose.endswith(".") for job in configured_jobs(services))


def test_the_hubs_own_jobs_come_to_their_end(stage: Stage) -> None:
    # A job at a local time would only begin at its next one.
    jobs = [job for job in configured_jobs(stage.services()) if job.schedule.starts_at_once]
    hub = stage.hub(*jobs)
    assert looks(hub) == len(jobs)
    assert {stage.state(job.name).last_outcome for job in jobs} == {JobOutcome.SUCCEEDED}


@pytest.mark.parametrize("job", [missed_slots_job.JOB, retention_job.JOB], ids=lambda job: job.name)
def test_nothing_is_let_go_by_a_clock_that_is_wrong(stage: Stage, job: Job) -> None:
    stage.hub_clock = HubClock(readings=2, behind_s=7200.0, by=("us-east", "us-west"), is_wrong=True)
    hub = stage.hub(job)
    looks(hub)
    state = stage.state(job.name)
    assert state.last_outcome is JobOutcome.FAILED
    assert "the hub's clock is 2 h 0 min behind" in state.last_result


def test_claims_are_kept_for_longer_than_their_slot_could_come_again(stage: Stage) -> None:
    from store import retention

    hub = stage.hub(stage.job(), stage.job("daily", schedule=Every(86_400)))
    looks(hub)
    for days, left in ((1, (1, 1)), (2.5, (0, 1)), (4, (0, 0))):
        retention.sweep(stage.store, now=NOON + timedelta(days=days))
        with stage.store.read() as connection:
            assert tuple(len(rows.recent(connection, name)) for name in ("look", "daily")) == left
