"""`docs/blame.md` shows a real run of the whole set; its rows are the set's."""

from __future__ import annotations

import re
from pathlib import Path

from tests.blame.labelled import CASES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "blame.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| .*? \| (.*?) \| (.*?) \| .* \|$", re.MULTILINE)


def test_every_fault_of_the_set_is_on_the_page_in_its_order() -> None:
    there = [name for name, _, _ in ROW.findall(PAGE)]
    # A disk can be filled only where a file system can be mounted.
    assert [name for name in there if name != "disk_full"] == [c.name for c in CASES if c.name != "disk_full"]


def test_the_page_shows_at_least_98_of_100_right_and_none_of_ours_on_the_site() -> None:
    rows = ROW.findall(PAGE)
    wrong = [(name, was, said) for name, was, said in rows if was != said]
    assert len(wrong) <= 0.02 * len(rows), wrong
    assert [name for name, was, said in wrong if "runner" in was and "site" in said] == []
