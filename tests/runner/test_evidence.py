"""What is kept is clean, small enough and whole; what is not kept says why."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from facts import Evidence
from redact import Scrubber, UnmaskableError
from runner.attempt.evidence import RESERVE, delist, enlist, enlisted, keep
from runner.attempt.trace_archive import clean

SECRET = "hunter2hunter2"


def a_zip(file: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def packed(members: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def kept(folder: Path, file: Path, kind: str = "trace", **how: object) -> Evidence:
    return keep(kind, file, attempt=1, store=folder / "store", scrubber=Scrubber([SECRET]), **how)  # type: ignore[arg-type]


def stored(folder: Path) -> list[Path]:
    return [f for f in (folder / "store").rglob("*") if f.is_file()]


def test_a_clean_trace_is_kept_as_it_is(tmp_path: Path) -> None:
    file = a_zip(tmp_path / "trace.zip", {"trace.trace": b'{"type":"x"}\n', "resources/a.jpeg": b"\xff\xd8\xff"})
    before = file.read_bytes()
    fact = kept(tmp_path, file)
    assert (fact.masked, fact.note, fact.bytes) == (0, None, len(before))
    assert (tmp_path / "store" / str(fact.path)).read_bytes() == before


def test_text_in_a_trace_is_masked_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    header = json.dumps({"header": f'Basic "{SECRET}"'}).encode() + b"\n"
    members = {"trace.network": header * 3, "resources/page.html": f"<p>{SECRET}".encode(), "trace.trace": b"{}\n"}
    fact = kept(tmp_path, a_zip(tmp_path / "trace.zip", members))
    assert fact.masked == 4
    with zipfile.ZipFile(tmp_path / "store" / str(fact.path)) as archive:
        assert archive.namelist() == list(members)
        assert archive.read("resources/page.html") == b"<p>***"
        assert archive.read("trace.trace") == b"{}\n"
        assert json.loads(archive.read("trace.network").splitlines()[0]) == {"header": 'Basic "***"'}


@pytest.mark.parametrize(
    "members",
    [
        {"resources/body": gzip.compress(SECRET.encode())},
        {"resources/body": zlib.compress(SECRET.encode())},
        {"resources/body": packed({"in": SECRET.encode()})},
        {"resources/body": gzip.compress(packed({"in": zlib.compress(SECRET.encode())}))},
        {"resources/image": b"\xff\xd8\xff\x00" + SECRET.encode()},
        {"resources/text": SECRET.encode("utf-16")},
        {f"resources/{SECRET}.txt": b""},
        {"trace.trace": b'{"bare": ' + b"4539148803436467" + b"}\n"},
    ],
    ids=["gzip", "zlib", "zip", "zlib in zip in gzip", "binary", "utf-16", "its name", "would break the line"],
)
def test_a_trace_that_cannot_be_masked_is_dropped_and_counted(tmp_path: Path, members: dict[str, bytes]) -> None:
    fact = kept(tmp_path, a_zip(tmp_path / "trace.zip", {"clean": b"", **members}))
    assert (fact.path, fact.sha256, fact.masked) == (None, None, 1)
    assert "held a secret" in str(fact.note)
    assert stored(tmp_path) == []


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: packed({"in": data})], ids=["plain", "gzip", "zip"]
)
def test_a_bomb_is_given_up_without_being_held_in_memory(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    file = a_zip(tmp_path / "trace.zip", {"resources/a": pack(bytes(64 * 1024 * 1024))})
    tracemalloc.start()
    with pytest.raises(UnmaskableError, match="unpacks to more"):
        clean(file, Scrubber([SECRET]), most_bytes=24 * 1024 * 1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"no zip at all", b""])
def test_what_is_no_zip_is_no_trace(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trace.zip").write_bytes(content)
    assert "cannot be searched" in str(kept(tmp_path, tmp_path / "trace.zip").note)


def test_a_body_that_only_looks_packed_is_searched_as_it_is(tmp_path: Path) -> None:
    fact = kept(tmp_path, a_zip(tmp_path / "t.zip", {"a": b"\x1f\x8b no", "b": b"x\x9c no", "c": b"PK\x03\x04 no"}))
    assert fact.note is None
    assert "could not be masked" in str(
        kept(tmp_path, a_zip(tmp_path / "t.zip", {"a": b"\x1f\x8b" + SECRET.encode()})).note
    )


def test_page_text_is_masked_and_kept(tmp_path: Path) -> None:
    text = tmp_path / "page.txt"
    text.write_text(f"hello {SECRET}")
    fact = kept(tmp_path, text, "page_text")
    assert fact.masked == 1
    assert (tmp_path / "store" / str(fact.path)).read_text() == "hello ***"


def test_a_picture_with_a_secret_in_its_bytes_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + SECRET.encode())
    assert kept(tmp_path, tmp_path / "a.jpg", "screenshot").note == "dropped: it held a secret"


def test_what_is_over_twenty_megabytes_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(20 * 1024 * 1024 + 1))
    assert "bytes are too many" in str(kept(tmp_path, tmp_path / "a.jpg", "screenshot").note)


def test_on_a_disk_that_is_nearly_full_evidence_stops_first(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    fact = kept(tmp_path, tmp_path / "a.jpg", "screenshot", free=lambda _: RESERVE)
    assert fact.note == "not kept: the disk is nearly full"
    assert stored(tmp_path) == []


def test_what_a_lost_run_had_kept_is_found_where_it_is_whole(tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in ("whole", "torn", "gone"):
        (tmp_path / name).write_text(name)
        fact = kept(tmp_path, tmp_path / name, "page_text")
        enlist("run-1", fact, store=store)
        if name == "torn":
            (store / str(fact.path)).write_text("to")
        if name == "gone":
            (store / str(fact.path)).unlink()
    with next((store / "kept").iterdir()).open("a") as lines:
        lines.write('{"kind": "tra')
    assert [(store / str(f.path)).read_text() for f in enlisted("run-1", store=store)] == ["whole"]
    delist("run-1", store=store)
    assert enlisted("run-1", store=store) == ()
