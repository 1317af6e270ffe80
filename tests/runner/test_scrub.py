"""Secrets in every form they may take."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from runner.evidence import keep
from runner.scrub import Scrubber

SECRET = 'p@ss "word"/+ü&1234'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode()).decode(),
        base64.b64encode(b"x" + SECRET.encode() + b"tail").decode(),
    ],
    ids=["raw", "json", "json utf-8", "url", "form", "base64", "base64url", "in basic auth", "inside base64"],
)
def test_a_secret_is_masked_in_any_form(form: str) -> None:
    masked, count = Scrubber([SECRET]).mask(f"before {form} after")
    assert form not in masked
    assert "***" in masked
    assert count == 1
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_digits_are_found_in_groups() -> None:
    assert Scrubber(["9876543210987654"]).mask("9876 5432 1098 7654") == ("***", 1)


@pytest.mark.parametrize("number", ["4929000000006", "4539 1488 0343 6467", "5425-2334-3010-9903", "374245455400126"])
def test_a_real_card_is_masked_though_nobody_named_it(number: str) -> None:
    masked, count = Scrubber([]).mask(f"card {number}.")
    assert (masked, count) == ("card ***.", 1)


@pytest.mark.parametrize(
    "text", ["4242 4242 4242 4242", "order 1763912345671", "4539148803436468", "1.4539148803436467", "0000000000000000"]
)
def test_test_cards_and_other_numbers_stay(text: str) -> None:
    assert Scrubber([]).mask(text) == (text, 0)


def test_all_strings_of_a_record_are_masked() -> None:
    masked, count = Scrubber(["hunter2"]).mask_all({"a": ["x hunter2", 5], "b": {"c": "hunter2hunter2"}})
    assert (masked, count) == ({"a": ["x ***", 5], "b": {"c": "******"}}, 3)


def test_a_zip_is_searched_inside(tmp_path: Path) -> None:
    trace = tmp_path / "trace.zip"
    with zipfile.ZipFile(trace, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trace.network", '{"header": "hunter2"}' * 50)
    kept = keep("trace", trace, attempt=1, store=tmp_path / "store", scrubber=Scrubber(["hunter2"]))
    assert (kept.path, kept.note) == (None, "dropped: it held a secret")
    assert not (tmp_path / "store").exists()


def test_text_is_masked_and_kept(tmp_path: Path) -> None:
    text = tmp_path / "page.txt"
    text.write_text("hello hunter2")
    kept = keep("page_text", text, attempt=1, store=tmp_path / "store", scrubber=Scrubber(["hunter2"]))
    assert kept.masked == 1
    assert (tmp_path / "store" / str(kept.path)).read_text() == "hello ***"
