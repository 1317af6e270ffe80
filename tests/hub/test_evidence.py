"""Evidence at the hub: counted as it unpacks, let go when there is too much, and the page says what became of it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from facts import Evidence, Status
from hub.artifacts import RESERVE, ArtifactHeader, Artifacts
from store import evidence as evidence_rows
from store import retention
from tests.coroutines import finished
from tests.hub.conftest import Bench

MIB = 1024 * 1024


def put(bench: Bench, content: bytes, body: bytes | None = None, /, **headers: str) -> int:
    name = hashlib.sha256(content).hexdigest()
    told = {"X-Evidence-Kind": "screenshot", **{k.replace("_", "-"): v for k, v in headers.items()}}
    status: int = bench.client.put(
        f"/api/evidence/{name}", content=content if body is None else body, headers=told
    ).status_code
    return status


def shown(bench: Bench, content: bytes) -> int:
    status: int = bench.client.get(f"/evidence/{hashlib.sha256(content).hexdigest()}").status_code
    return status


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_packed_evidence_is_kept_as_what_it_unpacks_to(bench: Bench, encoding: str, pack: type[bytes]) -> None:
    content = b"\xff\xd8\xff" * 50_000
    assert put(bench, content, pack(content), Content_Encoding=encoding) == 201
    assert shown(bench, content) == 200


def test_what_unpacks_to_more_than_twenty_megabytes_is_refused_on_the_way(bench: Bench) -> None:
    bomb = bytes(48 * MIB)
    assert put(bench, b"", gzip.compress(bomb), Content_Encoding="gzip") == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"no gzip", "gzip", 400),
        (gzip.compress(b"cut")[:-9], "gzip", 400),
        (b"x", "br", 415),
        (b"x", "gzip, gzip", 415),
    ],
    ids=["not gzip", "cut", "brotli", "twice"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(bench: Bench, body: bytes, encoding: str, status: int) -> None:
    assert put(bench, b"x", body, Content_Encoding=encoding) == status


def test_a_zip_is_stored_as_it_came_and_served_so_that_it_can_do_no_harm(bench: Bench) -> None:
    content = b"PK\x03\x04<script>alert(1)</script>"
    name = hashlib.sha256(content).hexdigest()
    assert put(bench, content, X_Evidence_Kind="trace") == 201
    answer = bench.client.get(f"/evidence/{name}.zip")
    assert answer.content == content
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "Content-Encoding" not in answer.headers


def with_pictures(bench: Bench) -> dict[str, bytes]:
    """Four pictures, the oldest first, two of passed runs and two of failed ones."""
    pictures = {}
    for number, (place, status) in enumerate(
        [("a", Status.FAILED), ("b", Status.PASSED), ("c", Status.FAILED), ("d", Status.PASSED)]
    ):
        pictures[place] = content = bytes([number]) * 1000
        fact = Evidence(kind="screenshot", sha256=hashlib.sha256(content).hexdigest(), path="x.jpg", attempt=1)
        run = bench.slot_run("us-east", minutes_ago=10 - number, status=status, evidence=(fact,))
        bench.now += timedelta(seconds=1)
        assert put(bench, content, X_Evidence_Run=f"run-{place}") == 201
        bench.send(replace(run, id=f"run-{place}"))
    return pictures


@pytest.mark.parametrize(("most", "left"), [(4000, "abcd"), (3999, "acd"), (2000, "ac"), (1999, "c"), (0, "")])
def test_where_the_store_is_full_the_oldest_of_passed_runs_go_first(bench: Bench, most: int, left: str) -> None:
    pictures = with_pictures(bench)
    bench.context.artifacts.make_room(most)
    assert [name for name, content in pictures.items() if shown(bench, content) == 200] == list(left)
    gone = next((name for name in pictures if name not in left), None)
    if gone:
        assert "let go: the store was full" in bench.client.get(f"/runs/run-{gone}").text
        found = bench.client.get(f"/evidence/{hashlib.sha256(pictures[gone]).hexdigest()}")
        assert found.json()["error"] == "let go: the store was full"


def test_what_was_let_go_and_comes_again_is_here_again(bench: Bench) -> None:
    pictures = with_pictures(bench)
    bench.context.artifacts.make_room(0)
    assert put(bench, pictures["a"]) == 201
    assert shown(bench, pictures["a"]) == 200
    assert bench.context.artifacts.make_room(1000) == 0


def test_the_page_says_why_evidence_never_came(bench: Bench) -> None:
    fact = Evidence(kind="screenshot", sha256=hashlib.sha256(b"never").hexdigest(), path="x.jpg", attempt=1)
    bench.send(bench.slot_run(id="run-x", evidence=(fact,)))
    assert "it has not come yet" in bench.client.get("/runs/run-x").text
    assert put(bench, b"never", b"", X_Evidence_Let_Go="let go: the runner's store was full") == 200
    assert "the runner&#39;s store was full" in bench.client.get("/runs/run-x").text
    bench.send(bench.slot_run("us-west", id="run-y", evidence=(replace(fact, sha256="b" * 64),)))
    bench.now += timedelta(days=15)
    assert "evidence is kept 14 days" in bench.client.get("/runs/run-y").text


def test_on_a_disk_that_is_nearly_full_evidence_waits_and_results_are_taken(bench: Bench, tmp_path: Path) -> None:
    full = Artifacts(bench.store, tmp_path / "evidence", free=lambda _: RESERVE)
    object.__setattr__(bench.context, "artifacts", full)
    assert put(bench, b"\xff\xd8\xff") == 507
    assert [r["result"] for r in bench.send(bench.slot_run())] == ["accepted"]


def folder_of(bench: Bench) -> Path:
    return bench.context.artifacts._folder


def left_over(bench: Bench, name: str) -> Path:
    """A file as a hub leaves it that is killed with -9."""
    file = folder_of(bench) / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"half")
    return file


def test_what_a_killed_hub_left_half_received_or_not_noted_is_swept_at_once(bench: Bench) -> None:
    half, whole = left_over(bench, ".receiving-x1"), left_over(bench, f"ab/{'ab' * 32}")
    kept = b"\xff\xd8\xff"
    assert put(bench, kept) == 201
    assert bench.context.artifacts.sweep(now=bench.now) == 2
    assert not half.exists()
    assert not whole.exists()
    assert shown(bench, kept) == 200
    assert bench.context.artifacts.sweep(now=bench.now) == 0


def test_a_file_whose_row_says_that_it_is_gone_is_swept(bench: Bench) -> None:
    content = b"\xff\xd8\xff"
    assert put(bench, content) == 201
    with bench.store.write() as connection:
        evidence_rows.let_go(connection, most_bytes=0, why="let go")
    assert bench.context.artifacts.sweep(now=bench.now) == 1
    assert shown(bench, content) == 404


def test_what_is_being_received_by_this_or_another_hub_is_left_alone(light: Bench) -> None:
    artifacts, content = light.context.artifacts, b"\xff\xd8\xff"
    name = hashlib.sha256(content).hexdigest()
    swept: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield content
        swept.append(Artifacts(light.store, folder_of(light)).sweep(now=light.now))

    def stored(_point: str) -> None:
        # Under its final name, and not noted yet.
        swept.append(Artifacts(light.store, folder_of(light)).sweep(now=light.now))

    artifacts._at = stored
    assert finished(artifacts.keep(ArtifactHeader(sha256=name, kind="trace"), chunks(), now=light.now))
    assert swept == [0, 0]
    assert artifacts.path(name) is not None
    assert list(folder_of(light).glob(".receiving-*")) == []


def test_what_was_noted_while_the_sweep_looked_elsewhere_is_left_alone(light: Bench) -> None:
    content = b"\xff\xd8\xff"
    assert put(light, content) == 201
    file = light.context.artifacts.path(hashlib.sha256(content).hexdigest())
    assert file is not None
    light.context.artifacts._unnoted = lambda: iter([file])  # type: ignore[method-assign]
    assert light.context.artifacts.sweep(now=light.now) == 0
    assert file.exists()


def test_a_broken_off_upload_leaves_nothing(light: Bench) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        finished(light.context.artifacts.keep(ArtifactHeader(sha256="a" * 64, kind="trace"), chunks(), now=light.now))
    assert [path for path in folder_of(light).rglob("*") if path.is_file()] == []


def test_evidence_whose_run_never_came_goes_after_two_days(bench: Bench) -> None:
    lost, found, nobodys, shared = (bytes([n]) * 100 for n in range(4))
    for content, run in ((lost, "run-lost"), (found, "run-found"), (shared, "run-lost"), (shared, "run-found")):
        assert put(bench, content, X_Evidence_Run=run) in (200, 201)
    assert put(bench, nobodys) == 201
    bench.send(bench.slot_run(id="run-found"))
    assert bench.context.artifacts.sweep(now=bench.now + timedelta(days=1)) == 0
    assert bench.context.artifacts.sweep(now=bench.now + timedelta(days=3)) == 1
    assert [shown(bench, content) for content in (lost, found, nobodys, shared)] == [404, 200, 200, 200]


def test_the_later_run_of_a_slot_keeps_its_evidence_too(bench: Bench) -> None:
    first = bench.slot_run()
    bench.send(first, replace(first, id="run-later"))
    content = b"\xff\xd8\xff"
    assert put(bench, content, X_Evidence_Run="run-later") == 201
    assert bench.context.artifacts.sweep(now=bench.now + timedelta(days=3)) == 0


def test_bytes_that_a_later_run_has_too_are_kept_as_long_as_that_one_needs_them(bench: Bench) -> None:
    content = b"the same page"
    assert put(bench, content, X_Evidence_Run="run-a") == 201
    bench.now += timedelta(days=10)
    assert put(bench, content, X_Evidence_Run="run-b") == 200
    assert retention.sweep(bench.store, now=bench.now + timedelta(days=10)).evidence == []
    assert retention.sweep(bench.store, now=bench.now + timedelta(days=15)).evidence != []


ODD_IDS = [
    "a" * 201,
    "a" * 5000,
    ".",
    "..",
    "...",
    "-x",
    ".x",
    "x.",
    "x:",
    "a/b",
    "a\\b",
    "a b",
    "%2e%2e",
    "a\x00b",
    "é",
    "\xff",
]


def test_a_run_that_cannot_be_one_is_refused_in_a_sentence_on_both_databases(bench: Bench) -> None:
    for name in ODD_IDS:
        for more in ({}, {"X-Evidence-Let-Go": "gone"}):
            headers = {"X-Evidence-Kind": "screenshot", "X-Evidence-Run": name.encode("latin-1"), **more}
            content = b"\xff\xd8\xff"
            answer = bench.client.put(
                f"/api/evidence/{hashlib.sha256(content).hexdigest()}", content=content, headers=headers
            )
            assert answer.status_code == 400, name
            assert answer.json()["error"].startswith("X-Evidence-Run: 1 to 200 letters"), name
    assert put(bench, b"\xff\xd8\xff", X_Evidence_Run="a" * 200) == 201


def test_why_evidence_was_let_go_is_kept_as_a_short_plain_text(bench: Bench) -> None:
    told = {"X-Evidence-Let-Go": b"gone \x9b\t " + b"x" * 3000, "X-Evidence-Kind": "trace"}
    assert bench.client.put(f"/api/evidence/{'a' * 64}", headers=told).status_code == 200
    with bench.store.read() as connection:
        why = evidence_rows.why_gone(connection, ["a" * 64])["a" * 64]
    assert why.startswith("gone ")
    assert why.endswith("xxx")
    assert why.isprintable()
    assert len(why) == 200


def test_a_token_proves_no_run_of_another_location_and_lets_none_go(bench: Bench) -> None:
    bench.send(bench.slot_run("us-west", id="run-west"), bench.slot_run("us-east", id="run-east"))
    east = bench.token()
    assert put(bench, b"a", None, X_Evidence_Run="run-west", **east) == 403
    assert put(bench, b"a", b"", X_Evidence_Run="run-west", X_Evidence_Let_Go="gone", **east) == 403
    assert put(bench, b"a", None, X_Evidence_Run="run-east", **east) == 201
    assert put(bench, b"b", None, X_Evidence_Run="run-to-come", **east) == 201


def test_what_one_location_says_of_bytes_changes_nothing_for_another(bench: Bench) -> None:
    content = b"\xff\xd8\xff"
    fact = Evidence(kind="screenshot", sha256=hashlib.sha256(content).hexdigest(), path="x.jpg", attempt=1)
    bench.send(bench.slot_run("us-west", id="run-west", evidence=(fact,)))
    east, west = bench.token(), bench.token(subject="us-west")
    assert put(bench, content, b"", X_Evidence_Kind="trace", X_Evidence_Let_Go="east let it go", **east) == 200
    assert "it has not come yet" in bench.client.get("/runs/run-west").text
    assert put(bench, content, None, X_Evidence_Run="run-west", **west) == 201
    assert put(bench, content, b"", X_Evidence_Kind="trace", X_Evidence_Let_Go="east let it go", **east) == 200
    assert put(bench, content, None, X_Evidence_Kind="trace", **east) == 200
    answer = bench.client.get(f"/evidence/{fact.sha256}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
