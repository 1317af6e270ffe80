"""`sixfb metrics` names every number and tells what it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facts import Sample, labels
from metrics import CATALOGUE
from store import samples
from tests.cli.hostile import sixfb
from tests.databases import a_migrated_store


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a hub has read its inventory, half an hour and two days ago."""
    now = datetime.now(UTC)
    place = labels(city="dallas", tier="ga")
    with a_migrated_store(None, tmp_path / "var" / "hub") as store, store.write() as connection:
        for age, left in ((timedelta(days=2), 20.0), (timedelta(minutes=30), 9.0)):
            sample = Sample(metric="inventory_remaining_tickets", at=now - age, value=left, labels=place)
            samples.save(connection, [sample], now=now)
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_names_every_metric_with_its_source(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, *lines = sixfb(monkeypatch, "metrics", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    told = json.loads(sixfb(monkeypatch, "metrics", "list", "--json").out)
    assert [one["name"] for one in told] == list(CATALOGUE)


def test_list_needs_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path))
    assert sixfb(monkeypatch, "metrics", "list").code == 0


def test_show_tells_each_series_of_the_last_day(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "metrics", "show", "inventory_remaining_tickets")
    title, header, line = done.out.splitlines()
    assert title.startswith("Tickets left (tickets): actualAvailable")
    assert header.split() == ["city", "tier", "from", "(UTC)", "n", "value", "min", "max"]
    assert line.split()[:2] == ["dallas", "ga"]
    assert line.split()[-4:] == ["1", "9", "9", "9"]


def test_show_tells_another_window_in_other_steps(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(
        sixfb(
            monkeypatch, "metrics", "show", "inventory_remaining_tickets", "--from", "5d", "--step", "1h", "--json"
        ).out
    )
    assert told["step_s"] == 3600
    assert [p["value"] for p in told["series"][0]["points"]] == [20, 9]
    day = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    older = json.loads(
        sixfb(monkeypatch, "metrics", "show", "inventory_remaining_tickets", "--from", "5d", "--to", day, "--json").out
    )
    assert [p["value"] for p in older["series"][0]["points"]] == [20]


def test_show_says_that_there_are_no_values(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = sixfb(monkeypatch, "metrics", "show", "journey_success_ratio")
    assert done.code == 0
    assert "no values from" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none"], "no metric is named 'none'; `sixfb metrics list` names them"),
        (["inventory_seats", "--from", "yesterday"], "--from: 'yesterday' is no time; write it like"),
        (["inventory_seats", "--from", "999999999d"], "is no time"),
        (["inventory_seats", "--to", "2026-13-01"], "--to: '2026-13-01' is no time"),
        (["inventory_seats", "--from", "1h", "--to", "2h"], "the window has no length"),
        (["inventory_seats", "--from", "1h", "--to", "0001-01-01T00:00+14:00"], "the window has no length"),
        (["inventory_seats", "--step", "soon"], "--step: 'soon' is not a duration"),
        (["inventory_seats", "--step", "0s"], "--step: 0s is not between 1s and 366d"),
        (["inventory_seats", "--step", "1.5s"], "--step: 1.5s is not between"),
        (["inventory_seats", "--step", "1s"], "ask for a larger step"),
        (["browser_request_seconds", "--from", "30d", "--step", "1d"], "ask for 7 days at most"),
    ],
)
def test_show_says_what_to_write(hub: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str) -> None:
    done = sixfb(monkeypatch, "metrics", "show", *arguments)
    assert done.code == 2
    assert says in done.err


def test_show_without_a_hub_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    done = sixfb(monkeypatch, "metrics", "show", "inventory_seats")
    assert done.code == 2
    assert "start `sixfb hub`" in done.err
