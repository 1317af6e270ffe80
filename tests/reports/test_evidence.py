"""Evidence is embedded where it is there, and said to be missing where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import write_run
from tests.builders import a_run, an_attempt, some_evidence
from tests.reports.conftest import Shelf
from tests.reports.markup import Document, parsed


def page_of(shelf: Shelf, out: Path, *evidence: object, **facts: object) -> Document:
    written = write_run(a_run(id="a-run", evidence=evidence, **facts), evidence=shelf.folder, out=out)
    return parsed(written.read_text(encoding="utf-8"))


def test_the_screenshot_is_in_the_page_with_words_for_it(shelf: Shelf, out: Path) -> None:
    (image,) = page_of(shelf, out, shelf.screenshot()).all("img")
    assert image["src"].startswith("data:image/jpeg;base64,/9j/")
    assert "ga_purchase ended at proceed_to_stripe" in image["alt"]


def test_the_latest_attempts_screenshot_is_the_one_shown(shelf: Shelf, out: Path) -> None:
    first = shelf.put("screenshot", b"\xff\xd8\xff first", attempt=1)
    page = page_of(shelf, out, shelf.screenshot(attempt=2), first)
    assert "The page as attempt 2 left it" in page.text


def test_the_trace_lies_beside_the_page_with_the_command_that_opens_it(shelf: Shelf, out: Path) -> None:
    page = page_of(shelf, out, shelf.trace())
    assert (out / "a-run.trace.zip").read_bytes() == b"PK\x03\x04 a trace"
    assert "a-run.trace.zip" in page.links()
    assert f".venv/bin/playwright show-trace {out / 'a-run.trace.zip'}" in page.text


def test_traces_of_two_attempts_do_not_overwrite_each_other(shelf: Shelf, out: Path) -> None:
    page_of(shelf, out, shelf.trace(attempt=1), shelf.put("trace", b"PK second", attempt=2))
    assert (out / "a-run.trace-1.zip").read_bytes() == b"PK\x03\x04 a trace"
    assert (out / "a-run.trace.zip").read_bytes() == b"PK second"


def test_the_page_text_comes_from_evidence_where_the_record_has_none(shelf: Shelf, out: Path) -> None:
    text = shelf.put("page_text", "Füll in your name".encode(), attempt=2)
    page = page_of(shelf, out, text, attempts=(an_attempt(number=2, page_text=None),))
    assert "Füll in your name" in page.text


def test_bytes_that_are_not_those_that_were_hashed_are_said_to_be_so(shelf: Shelf, out: Path) -> None:
    page = page_of(shelf, out, shelf.screenshot(sha256="0" * 64))
    assert "its bytes are not those that were hashed" in page.text


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (some_evidence(path="gone"), "the file is missing from the evidence folder"),
        (some_evidence(path="."), "the file is missing from the evidence folder"),
        (some_evidence(path=None, note="dropped: it held a secret"), "dropped: it held a secret"),
        (some_evidence(path="../secret"), "its path leads out of the evidence folder"),
        (some_evidence(path="/etc/hostname"), "its path leads out of the evidence folder"),
        (some_evidence(path="link"), "its path leads out of the evidence folder"),
        (some_evidence(path="nul\x00"), "its path is no path"),
        (some_evidence(path="x" * 5000), "the file could not be read"),
        (some_evidence(path="html"), "the file is not a JPEG"),
        (some_evidence("trace", path="gone"), "the file is missing from the evidence folder"),
    ],
)
def test_evidence_that_cannot_be_shown_is_said_and_never_fatal(
    evidence: object, said: str, shelf: Shelf, out: Path
) -> None:
    (shelf.folder.parent / "secret").write_bytes(b"\xff\xd8\xff a secret")
    (shelf.folder / "link").symlink_to(shelf.folder.parent / "secret")
    (shelf.folder / "html").write_bytes(b"<svg onload=alert(1)>")
    page = page_of(shelf, out, evidence)
    assert said in page.text
    assert page.all("img") == []


def test_without_the_evidence_folder_the_page_says_so(out: Path) -> None:
    written = write_run(a_run(evidence=(some_evidence(),)), evidence=None, out=out)
    assert "No screenshot: the evidence folder is not at hand." in parsed(written.read_text(encoding="utf-8")).text


def test_a_picture_over_5_mb_is_not_embedded(shelf: Shelf, out: Path) -> None:
    page = page_of(shelf, out, shelf.put("screenshot", b"\xff\xd8\xff" + bytes(5_000_001)))
    assert "larger than 5 MB" in page.text
