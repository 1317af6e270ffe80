"""What was measured stays until the hub has it; a poisoned record holds nobody up."""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from facts import Run, Status
from runner.spool.hub_client import HubClient
from runner.spool.sender import Sender
from runner.spool.spool import Spool
from tests.builders import A_MOMENT, a_run, some_evidence


def a_slot_run(number: int, **facts: Any) -> Run:
    slot = A_MOMENT + timedelta(minutes=number)
    return a_run(**{"id": f"run-{number}", "slot": slot, "location": "us-east", "evidence": (), **facts})


class Hub:
    """A hub that remembers what it took; `refuse` answers instead of it."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.evidence: list[str] = []
        self.refuse: Any = lambda _request, _runs: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        refused: httpx.Response | None
        if request.method == "PUT":
            refused = self.refuse(request, None)
            if refused is None:
                self.evidence.append(request.url.path.rpartition("/")[2])
            return refused or httpx.Response(201)
        runs = json.loads(request.content)["runs"]
        refused = self.refuse(request, runs)
        if refused is not None:
            return refused
        self.got += [run["id"] for run in runs]
        return httpx.Response(200, json={"results": [{"id": run["id"], "result": "accepted"} for run in runs]})


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "runner")


def a_sender(spool: Spool, hub: Hub) -> Sender:
    client = httpx.Client(transport=httpx.MockTransport(hub))
    return Sender(spool, HubClient("http://hub.test", location="us-east", client=client), jitter=lambda: 1.0)


def test_what_is_kept_is_sent_oldest_first_and_then_gone(spool: Spool, hub: Hub) -> None:
    for number in (2, 1, 3):
        spool.keep(a_slot_run(number))
    a_sender(spool, hub).send_all()
    assert hub.got == ["run-2", "run-1", "run-3"]
    assert spool.depth() == 0


def test_a_slot_is_begun_once_also_after_a_restart(spool: Spool, tmp_path: Path) -> None:
    assert spool.begin("ga", A_MOMENT, "run-1", A_MOMENT)
    assert not spool.begin("ga", A_MOMENT, "run-2", A_MOMENT)
    spool.close()
    again = Spool(tmp_path / "runner")
    assert not again.begin("ga", A_MOMENT, "run-3", A_MOMENT)
    assert [u.run_id for u in again.unfinished()] == ["run-1"]
    assert again.handled("ga") == A_MOMENT
    again.close()


def test_a_batch_keeps_within_its_limits(spool: Spool) -> None:
    for number in range(60):
        spool.keep(a_slot_run(number))
    assert len(spool.waiting()) == 50
    size = len(spool.waiting(most=1)[0].record)
    assert len(spool.waiting(most_bytes=size * 3 + 10)) == 3
    assert len(spool.waiting(most_bytes=1)) == 1


def test_a_poisoned_record_is_found_and_set_aside_and_the_others_go_on(spool: Spool, hub: Hub) -> None:
    for number in range(9):
        spool.keep(a_slot_run(number))

    def refuse(_request: httpx.Request, runs: Any) -> httpx.Response | None:
        return httpx.Response(422, text="bad") if any(r["id"] == "run-5" for r in runs) else None

    hub.refuse = refuse
    a_sender(spool, hub).send_all()
    assert sorted(hub.got) == [f"run-{n}" for n in range(9) if n != 5]
    assert [name for name, _ in spool.rejected()] == ["run-5"]
    assert spool.depth() == 0


def test_what_was_set_aside_is_tried_again_by_the_next_life(spool: Spool, tmp_path: Path) -> None:
    spool.keep(a_slot_run(1))
    (kept,) = spool.waiting()
    spool.reject(kept.run_id, "location: not on the plan")
    assert (spool.waiting(), len(spool.rejected())) == ([], 1)
    assert spool.try_rejected_again() == 1
    assert ([k.run_id for k in spool.waiting()], spool.rejected()) == ([kept.run_id], [])


def test_a_record_that_the_hub_rejects_by_name_is_set_aside_with_the_reason(spool: Spool, hub: Hub) -> None:
    spool.keep(a_slot_run(1))
    told = {"results": [{"id": "run-1", "result": "rejected", "reason": "location: unknown"}]}
    hub.refuse = lambda _request, _runs: httpx.Response(200, json=told)
    a_sender(spool, hub).send_all()
    assert spool.rejected() == [("run-1", "location: unknown")]


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (httpx.Response(503), [2, 4, 8]),
        (httpx.Response(429), [2, 4, 8]),
        (httpx.Response(401), [60, 60, 60]),
        (httpx.Response(403), [60, 60, 60]),
        (httpx.Response(200, text="<html>"), [2, 4, 8]),
    ],
)
def test_what_the_hub_cannot_take_now_stays_and_is_tried_again(
    spool: Spool, hub: Hub, answer: httpx.Response, waits: list[float]
) -> None:
    spool.keep(a_slot_run(1))
    hub.refuse = lambda _request, _runs: httpx.Response(answer.status_code, content=answer.content)
    sender = a_sender(spool, hub)
    assert [sender.send_all() for _ in range(3)] == waits
    assert sender.trouble is not None
    assert (spool.depth(), spool.rejected()) == (1, [])
    hub.refuse = lambda _request, _runs: None
    sender.send_all()
    assert hub.got == ["run-1"]
    assert sender.trouble is None


def test_the_hubs_retry_after_is_kept_though_something_new_is_there_to_send(spool: Spool, hub: Hub) -> None:
    asked, refusals = threading.Event(), [httpx.Response(429, headers={"Retry-After": "30"})]

    def refuse(_request: httpx.Request, _runs: Any) -> httpx.Response | None:
        asked.set()
        return refusals.pop() if refusals else None

    hub.refuse = refuse
    spool.keep(a_slot_run(1))
    sender = a_sender(spool, hub)
    sender.start()
    assert asked.wait(10)
    for number in (2, 3):
        spool.keep(a_slot_run(number))
        sender.wake()
    sender.stop(within_s=10)
    assert hub.got == []
    assert sender.trouble is not None
    assert "429" in sender.trouble
    sender.send_all()
    assert hub.got == ["run-1", "run-2", "run-3"]


@pytest.mark.parametrize(
    ("told", "waits"), [("30", 30), ("1", 2), ("100000", 600), ("Wed, 21 Oct 2026 07:28:00 GMT", 2)]
)
def test_retry_after_is_a_least_wait_within_reason(spool: Spool, hub: Hub, told: str, waits: float) -> None:
    spool.keep(a_slot_run(1))
    hub.refuse = lambda _request, _runs: httpx.Response(429, headers={"Retry-After": told})
    assert a_sender(spool, hub).send_all() == waits


def test_a_hub_that_does_not_know_us_is_an_error_in_the_log_with_what_to_do(
    spool: Spool, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    spool.keep(a_slot_run(1))
    hub.refuse = lambda _request, _runs: httpx.Response(401, json={"error": "the token is revoked"})
    a_sender(spool, hub).send_all()
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "SIXFB_TOKEN" in record.message


def with_evidence(number: int, folder: Path) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "shot.jpg").write_bytes(b"\xff\xd8\xff")
    return a_slot_run(number, evidence=(some_evidence(path="shot.jpg", sha256="a" * 64),))


def test_evidence_goes_ahead_of_its_run(spool: Spool, hub: Hub, tmp_path: Path) -> None:
    spool.keep(with_evidence(1, tmp_path), tmp_path)
    a_sender(spool, hub).send_all()
    assert (hub.evidence, hub.got) == (["a" * 64], ["run-1"])


def test_evidence_that_the_hub_cannot_take_holds_no_result_back(spool: Spool, hub: Hub, tmp_path: Path) -> None:
    spool.keep(with_evidence(1, tmp_path), tmp_path)
    hub.refuse = lambda request, _runs: httpx.Response(503) if request.method == "PUT" else None
    sender = a_sender(spool, hub)
    sender.send_all()
    assert (hub.evidence, hub.got) == ([], ["run-1"])
    hub.refuse = lambda _request, _runs: None
    sender.send_all()
    assert hub.evidence == ["a" * 64]


def test_evidence_that_is_gone_is_forgotten(spool: Spool, hub: Hub, tmp_path: Path) -> None:
    spool.keep(with_evidence(1, tmp_path), tmp_path)
    (tmp_path / "shot.jpg").unlink()
    a_sender(spool, hub).send_all()
    assert (hub.evidence, hub.got, spool.loose_artifacts()) == ([], ["run-1"], [])


def test_evidence_that_the_hub_has_takes_no_room_any_more(spool: Spool, hub: Hub, tmp_path: Path) -> None:
    spool.keep(with_evidence(1, tmp_path), tmp_path)
    a_sender(spool, hub).send_all()
    assert not (tmp_path / "shot.jpg").exists()


def waits(spool: Spool, folder: Path) -> None:
    """Four pictures of 1000 bytes that wait, the oldest first: failed, passed, failed, passed."""
    for number, status in enumerate([Status.FAILED, Status.PASSED, Status.FAILED, Status.PASSED]):
        (folder / f"{number}.jpg").write_bytes(b"x" * 1000)
        fact = some_evidence(path=f"{number}.jpg", sha256=str(number) * 64, bytes=1000)
        spool.keep(a_slot_run(number, status=status, evidence=(fact,)), folder)


@pytest.mark.parametrize(("most", "left"), [(4000, "0123"), (3999, "023"), (2000, "02"), (1000, "2"), (0, "")])
def test_where_too_much_evidence_waits_the_oldest_of_passed_runs_goes_first(
    spool: Spool, hub: Hub, tmp_path: Path, most: int, left: str
) -> None:
    waits(spool, tmp_path)
    assert spool.make_room(most) == 4 - len(left)
    assert sorted(file.stem for file in tmp_path.glob("*.jpg")) == list(left)
    told: dict[str, str | None] = {}

    def note(request: httpx.Request, _runs: Any) -> None:
        if request.method == "PUT":
            told[request.url.path[-1]] = request.headers.get("X-Evidence-Let-Go")

    hub.refuse = note
    a_sender(spool, hub).send_all()
    assert {name for name, why in told.items() if why is None} == set(left)
    assert {why for name, why in told.items() if name not in left} <= {"let go: the runner's store was full"}
    assert len(hub.got) == 4


def test_a_spool_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "runner").mkdir()
    old = sqlite3.connect(tmp_path / "runner" / "spool.db")
    old.execute("CREATE TABLE artifacts (sha256 TEXT PRIMARY KEY, run_id TEXT, kind TEXT, path TEXT)")
    old.execute("INSERT INTO artifacts VALUES ('a', 'run-1', 'screenshot', 'a.jpg')")
    old.commit()
    old.close()
    assert [a.sha256 for a in Spool(tmp_path / "runner").loose_artifacts()] == ["a"]


class FullDisk:
    """Every write fails until what is written is small enough to succeed at the `nth` try."""

    def __init__(self, nth: int) -> None:
        self._left = nth - 1

    def __call__(self, at: str) -> None:
        if at == "spool.writing" and self._left:
            self._left -= 1
            raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_on_a_full_disk_evidence_goes_first_then_raw_requests_and_never_the_result(tmp_path: Path, nth: int) -> None:
    spool = Spool(tmp_path / "runner", at=FullDisk(nth))
    (tmp_path / "shot.jpg").write_bytes(b"\xff\xd8\xff")
    spool.keep(a_slot_run(1, evidence=(some_evidence(path="shot.jpg", sha256="a" * 64),)), tmp_path)
    (kept,) = spool.results()
    assert (tmp_path / "shot.jpg").exists() == (nth == 1)
    assert [e.note for e in kept.evidence] == [None if nth == 1 else "not kept: the disk was full"]
    assert any(attempt.requests for attempt in kept.attempts) == (nth < 4)
    assert ("requests" in kept.cut) == (nth == 4)
    assert (tmp_path / "runner" / "ballast").exists() == (nth == 1)


def test_files_that_no_run_waits_with_are_swept_once_they_are_old(spool: Spool, tmp_path: Path) -> None:
    waits(spool, tmp_path)
    (tmp_path / "orphan.zip").write_bytes(b"x")
    (tmp_path / ".half.zip.123").write_bytes(b"x")
    spool.sweep(tmp_path, older_than=datetime.now(UTC) - timedelta(hours=1))
    assert (tmp_path / "orphan.zip").exists()
    spool.sweep(tmp_path, older_than=datetime.now(UTC) + timedelta(hours=1))
    assert sorted(f.name for f in tmp_path.iterdir() if f.is_file()) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
