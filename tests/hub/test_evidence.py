"""Evidence at the hub: counted as it unpacks, let go when there is too much, and the page says what became of it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from facts import Evidence, Status
from hub.artifacts import RESERVE, Artifacts
from tests.hub.conftest import Bench

MIB = 1024 * 1024


def put(bench: Bench, content: bytes, body: bytes | None = None, **headers: str) -> int:
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
    bench.centre.artifacts.make_room(most)
    assert [name for name, content in pictures.items() if shown(bench, content) == 200] == list(left)
    gone = next((name for name in pictures if name not in left), None)
    if gone:
        assert "let go: the store was full" in bench.client.get(f"/runs/run-{gone}").text
        found = bench.client.get(f"/evidence/{hashlib.sha256(pictures[gone]).hexdigest()}")
        assert found.json()["error"] == "let go: the store was full"


def test_what_was_let_go_and_comes_again_is_here_again(bench: Bench) -> None:
    pictures = with_pictures(bench)
    bench.centre.artifacts.make_room(0)
    assert put(bench, pictures["a"]) == 201
    assert shown(bench, pictures["a"]) == 200
    assert bench.centre.artifacts.make_room(1000) == 0


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
    object.__setattr__(bench.centre, "artifacts", full)
    assert put(bench, b"\xff\xd8\xff") == 507
    assert [r["result"] for r in bench.send(bench.slot_run())] == ["accepted"]
