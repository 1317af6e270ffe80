"""The hub hears of a runner that has nothing to send: who it is, what waits, what troubles it, and what its clock says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from facts import Blame, Heartbeat, Run, Status, from_wire
from runner.health import RunnerHealth
from runner.identity import runner_id
from runner.spool.hub_client import HubClient
from runner.spool.sender import Sender
from runner.spool.spool import Spool
from tests.builders import A_MOMENT, a_run


class Bench:
    """A sender with clocks that the test holds, and what the hub got."""

    def __init__(self, folder: Path) -> None:
        self.got: list[dict[str, Any]] = []
        self.steady = 0.0
        self.refuse = False
        self.spool = Spool(folder)
        hub = HubClient(
            "http://hub.test", location="us-east", client=httpx.Client(transport=httpx.MockTransport(self._hub))
        )
        self.sender = Sender(
            self.spool,
            hub,
            jitter=lambda: 1.0,
            about=lambda: {"id": "r1", "version": "1.2.3", "trouble": "its disk takes nothing"},
            clock=lambda: A_MOMENT + timedelta(seconds=self.steady),
            monotonic=lambda: self.steady,
        )

    def _hub(self, request: httpx.Request) -> httpx.Response:
        if self.refuse:
            return httpx.Response(503)
        batch = json.loads(request.content)
        self.got.append(batch)
        return httpx.Response(200, json={"results": [{"id": r["id"], "result": "accepted"} for r in batch["runs"]]})

    def beat(self, after_s: float = 0) -> Heartbeat:
        """What the hub is told so much later."""
        self.steady += after_s
        self.sender.send_all()
        return from_wire(Heartbeat, self.got[-1]["runner"])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def a_result(number: int) -> Run:
    return a_run(id=f"run-{number}", slot=A_MOMENT + timedelta(minutes=number), location="us-east", evidence=())


def test_a_runner_without_results_says_how_it_is(bench: Bench) -> None:
    assert bench.beat() == Heartbeat(
        id="r1", version="1.2.3", spool=0, rejected=0, sent_at=A_MOMENT, trouble="its disk takes nothing"
    )
    assert bench.got[0]["runs"] == []
    assert bench.got[0]["location"] == "us-east"


def test_it_says_so_thrice_a_minute_and_not_more_often(bench: Bench) -> None:
    bench.beat()
    bench.beat(after_s=9)
    assert len(bench.got) == 1
    assert bench.sender.send_all() == 20
    bench.beat(after_s=11)
    assert len(bench.got) == 2


def test_results_are_a_word_too_and_are_no_more_waiting_when_it_is_heard(bench: Bench) -> None:
    for number in range(60):
        bench.spool.keep(a_result(number))
    bench.beat()
    assert [(len(batch["runs"]), batch["runner"]["spool"]) for batch in bench.got] == [(50, 10), (10, 0)]


def test_what_the_hub_refused_for_good_is_counted(bench: Bench) -> None:
    bench.spool.keep(a_result(1))
    bench.spool.reject("run-1", "location: unknown")
    assert (bench.beat().rejected, bench.beat().spool) == (1, 0)


def test_a_hub_that_does_not_answer_is_told_again(bench: Bench) -> None:
    bench.refuse = True
    assert bench.sender.send_all() == 2
    assert bench.sender.trouble is not None
    bench.refuse = False
    assert bench.beat(after_s=2).sent_at == A_MOMENT + timedelta(seconds=2)


def test_a_runner_keeps_its_name_over_a_restart_and_another_has_another(tmp_path: Path) -> None:
    first = runner_id(tmp_path / "a")
    assert runner_id(tmp_path / "a") == first
    assert runner_id(tmp_path / "b") != first
    (tmp_path / "a" / "runner-id").write_text("")
    assert runner_id(tmp_path / "a") != first


def test_a_folder_that_cannot_be_written_costs_only_the_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert runner_id(tmp_path / "file" / "folder")


def ended(status: Status) -> Run:
    return a_run(status=status, blame=Blame.RUNNER if status is Status.ERRORED else None, error="no browser")


def test_two_errored_runs_in_a_row_are_trouble_and_a_measured_one_ends_it() -> None:
    troubles = RunnerHealth()
    troubles.observe_run(ended(Status.ERRORED))
    assert troubles.sentence() is None
    troubles.observe_run(ended(Status.ERRORED))
    assert troubles.sentence() == "its last runs errored: no browser"
    troubles.observe_run(ended(Status.FAILED))
    assert troubles.sentence() is None


def test_every_trouble_is_said_until_it_is_over() -> None:
    troubles = RunnerHealth()
    troubles.report("disk", "its disk takes nothing")
    troubles.report("plan", "it has no plan")
    assert troubles.sentence() == "its disk takes nothing; it has no plan"
    troubles.clear("disk")
    troubles.clear("disk")
    assert troubles.sentence() == "it has no plan"
