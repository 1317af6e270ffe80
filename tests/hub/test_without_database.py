"""While the database cannot be used, nothing is taken, everybody is told why, and the event loop goes on."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from facts import to_wire
from hub.artifacts import ArtifactHeader, Artifacts
from hub.errors import HubError
from store import Store, StoreUnavailableError
from tests.builders import A_MOMENT
from tests.coroutines import finished
from tests.hub.conftest import Bench

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def file(light: Bench) -> Path:
    return Path(light.store._engine.url.database or "")


@pytest.fixture
def other(light: Bench, file: Path) -> Iterator[sqlite3.Connection]:
    """Another program, for which nobody waits longer than a moment."""
    with light.store.read() as connection:
        connection.execute(text("PRAGMA busy_timeout=50"))
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        yield opened


def test_runs_are_not_taken_while_another_program_holds_the_database(light: Bench, other: sqlite3.Connection) -> None:
    light.tick()
    other.execute("BEGIN IMMEDIATE")
    answer = light.client.post("/api/runs", json={"runs": to_wire([light.slot_run()])})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the database sixfb.db is locked by another program" in answer.json()["error"]
    assert light.client.get("/readyz").json()["status"] == answer.json()["error"]
    assert "locked by another program" in light.client.get("/", headers=BROWSER).text
    other.execute("ROLLBACK")
    assert light.send(light.slot_run())[0]["result"] == "accepted"
    assert light.client.get("/readyz").status_code == 200


def test_runs_are_not_taken_into_a_file_that_is_gone(light: Bench, file: Path) -> None:
    light.store.pin()
    file.rename(file.with_suffix(".moved"))
    answer = light.client.post("/api/runs", json={"runs": to_wire([light.slot_run()])})
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert "sixfb.db was deleted or moved" in answer.json()["error"]
    assert str(file.parent) not in answer.text
    assert "deleted or moved" in light.client.get("/readyz").json()["status"]
    page = light.client.get("/alerts", headers=BROWSER)
    assert (page.status_code, "deleted or moved" in page.text) == (503, True)
    assert page.headers["Content-Type"].startswith("text/html")
    file.with_suffix(".moved").rename(file)
    light.context.health.wrote()
    assert light.send(light.slot_run())[0]["result"] == "accepted"


def test_evidence_is_not_taken_into_a_database_that_is_gone(light: Bench, file: Path) -> None:
    light.store.pin()
    file.unlink()
    name = hashlib.sha256(b"x").hexdigest()
    answer = light.client.put(f"/api/evidence/{name}", content=b"x", headers={"X-Evidence-Kind": "screenshot"})
    assert answer.status_code == 503


def test_tables_of_an_older_version_are_said_to_be_that(light: Bench, other: sqlite3.Connection) -> None:
    other.execute("DROP TABLE alerts")
    answer = light.client.get("/api/alerts")
    assert (answer.status_code, "sixfb db upgrade" in answer.json()["error"]) == (503, True)


def test_while_the_database_is_silent_nobody_else_waits_for_it(light: Bench, other: sqlite3.Connection) -> None:
    other.execute("BEGIN EXCLUSIVE")  # whoever asked would learn something else
    light.context.health.failed(StoreUnavailableError("PostgreSQL does not answer", silent=True))
    for path in ("/api/alerts", "/login", "/"):
        answer = light.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (503, "PostgreSQL does not answer")
    assert light.client.get("/static/style.css").status_code == 200


def test_evidence_keeps_the_disk_waiting_in_threads_alone(sqlite_store: Store, tmp_path: Path) -> None:
    seen: list[int] = []

    def free(_folder: Path) -> int:
        seen.append(threading.get_ident())
        return 1 << 40

    def at(_here: str) -> None:
        seen.append(threading.get_ident())

    loops: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        loops.append(threading.get_ident())
        for _ in range(3):
            yield b"x" * 600_000

    artifacts = Artifacts(sqlite_store, tmp_path / "evidence", at=at, free=free)
    name = hashlib.sha256(b"x" * 1_800_000).hexdigest()
    assert finished(artifacts.keep(ArtifactHeader(sha256=name, kind="trace"), chunks(), now=A_MOMENT))
    assert len(seen) == 2
    assert not set(loops) & set(seen)
    assert artifacts.path(name) is not None


def test_a_folder_of_evidence_that_was_deleted_is_made_anew(light: Bench, tmp_path: Path) -> None:
    (tmp_path / "evidence").rmdir()
    name = hashlib.sha256(b"x").hexdigest()
    answer = light.client.put(f"/api/evidence/{name}", content=b"x", headers={"X-Evidence-Kind": "screenshot"})
    assert answer.status_code == 201


def test_a_folder_of_evidence_that_cannot_be_written_lets_evidence_wait(sqlite_store: Store, tmp_path: Path) -> None:
    artifacts = Artifacts(sqlite_store, tmp_path / "evidence")
    (tmp_path / "evidence").rmdir()
    (tmp_path / "evidence").touch()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    header = ArtifactHeader(sha256=hashlib.sha256(b"x").hexdigest(), kind="trace")
    with pytest.raises(HubError, match="evidence has to wait") as refused:
        finished(artifacts.keep(header, chunks(), now=A_MOMENT))
    assert refused.value.status == 507
