"""`sixfb sources` says how each source is, and reads one without keeping anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sources import SOURCES
from store import cursors, feeds
from store.cursors import CursorState
from tests.cli.hostile import sixfb
from tests.databases import a_migrated_store
from tests.receivers import Rig, answers
from tests.sources.stripe_account import an_event

CITY = {"cityId": "dallas", "actualAvailable": {"ga": 9}, "actualLimits": {"ga": 35}}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a hub, for a site without tickets and checks."""
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    write_site(tmp_path, "http://127.0.0.1:9")
    return tmp_path


def write_site(folder: Path, base_url: str, more: str = "") -> None:
    (folder / "site.yaml").write_text(f"base_url: {base_url}\n{more}")


def test_list_says_why_a_source_is_off_also_before_any_hub_ran(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(sixfb(monkeypatch, "sources", "list", "--json").out)
    assert [one["name"] for one in told] == [source.name for source in SOURCES]
    lines = sixfb(monkeypatch, "sources", "list").out.splitlines()
    assert "site.yaml names no cities" in lines[1]
    assert "site.yaml has no endpoint_checks" in lines[2]
    assert "STRIPE_SOURCE_KEY is not set" in lines[3]
    assert "site.yaml has no sms_reads" in lines[4]


def test_list_tells_when_a_source_last_brought_numbers_and_what_is_wrong_since(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(folder, "http://127.0.0.1:9", "cities: {Dallas: dallas}\nendpoint_checks: {every: 2m}\n")
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    with a_migrated_store(None, folder / "var" / "hub") as store, store.write() as connection:
        feeds.note_error(connection, "inventory", now, "GET /api/inventory: 503")
        feeds.note_good(connection, "inventory", now - timedelta(minutes=5))
        feeds.note_error(connection, "endpoints", now - timedelta(minutes=5), "long ago")
        feeds.note_good(connection, "endpoints", now)
        waits = now + timedelta(minutes=2)
        cursors.advance(connection, CursorState(source="inventory", failures=2, next_try_at=waits))
    lines = sixfb(monkeypatch, "sources", "list").out.splitlines()
    by_name = {line.split()[0]: line.split() for line in lines}
    assert by_name["inventory"] == [
        *(["inventory", "on", "1", "min"]),
        *(["11-30", "11:55:00", "11-30", "12:02:00"]),
        *(["GET", "/api/inventory:", "503"]),
    ]
    assert by_name["endpoints"] == ["endpoints", "on", "2", "min", "11-30", "12:00:00"]
    assert by_name["logs"][:2] == ["logs", "off"]


def test_test_reads_a_source_and_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig) -> None:
    port = rig.serve("shop", answers(200, body=json.dumps({"success": True, "data": [CITY]}).encode())).port
    write_site(folder, f"http://127.0.0.1:{port}", "cities: {Dallas: dallas}\n")
    done = sixfb(monkeypatch, "sources", "test", "inventory")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "inventory brought 3 samples and 0 events"
    assert "city=dallas tier=ga" in done.out
    told = json.loads(sixfb(monkeypatch, "sources", "test", "inventory", "--json").out)
    assert told["error"] is None
    assert told["samples"][0]["labels"] == {"city": "dallas", "tier": "ga"}
    assert not (folder / "var" / "hub").exists()


def test_test_of_stripe_tells_what_it_saw_and_what_the_key_may_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig
) -> None:
    seen = {"data": [an_event("charge.succeeded"), an_event("charge.refunded", amount_refunded=9)], "has_more": False}
    monkeypatch.setenv("STRIPE_SOURCE_KEY", "rk_test_of_the_source")
    for body, status in ((seen, 200), ({"error": {"message": "Having 'rak_event_read' would allow this"}}, 403)):
        port = rig.serve(f"stripe {status}", answers(status, body=json.dumps(body).encode())).port
        monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{port}")
        done = sixfb(monkeypatch, "sources", "test", "stripe")
        if status == 200:
            assert done.code == 0, done.err
            assert "1 of charge.refunded" in done.out.splitlines()
            assert "stripe_payments_succeeded" in done.out
        else:
            assert done.code == 1
            assert "the key may not read events" in done.out
            assert "rak_event_read" in done.out


def test_test_of_a_source_that_fails_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig) -> None:
    write_site(folder, f"http://127.0.0.1:{rig.server('500').port}", "cities: {Dallas: dallas}\n")
    done = sixfb(monkeypatch, "sources", "test", "inventory")
    assert (done.code, done.out) == (1, "inventory failed: GET /api/inventory: 500\n")


def test_backfill_says_what_it_filled_and_from_when_on(folder: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig) -> None:
    seen = {"data": [an_event("charge.succeeded", ago_s=20 * 86_400, now=datetime.now(UTC))], "has_more": False}
    port = rig.serve("stripe", answers(200, body=json.dumps(seen).encode())).port
    monkeypatch.setenv("STRIPE_SOURCE_KEY", "rk_test_of_the_source")
    monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{port}")
    assert sixfb(monkeypatch, "sources", "backfill", "stripe").code == 2, "there is no database yet"
    with a_migrated_store(None, folder / "var" / "hub"):
        pass
    done = sixfb(monkeypatch, "sources", "backfill", "stripe", "--since", "60d")
    assert done.code == 0, done.err
    first, last = done.out.splitlines()
    assert first.startswith("stripe can be read back to ")
    assert first.endswith(" UTC (30 days), and no further")
    assert last.startswith("stripe: 3 samples and 0 new events from ")
    assert last.endswith("by 1 requests")
    told = json.loads(sixfb(monkeypatch, "sources", "backfill", "stripe", "--json").out)
    assert (told["source"], told["samples"], told["missing"]) == ("stripe", 3, None)


def test_backfill_that_ends_early_says_so_and_leaves_with_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rig: Rig
) -> None:
    refused = answers(403, body=json.dumps({"error": {"message": "rak_event_read"}}).encode())
    monkeypatch.setenv("STRIPE_SOURCE_KEY", "rk_test_of_the_source")
    monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{rig.serve('stripe', refused).port}")
    with a_migrated_store(None, folder / "var" / "hub"):
        pass
    done = sixfb(monkeypatch, "sources", "backfill", "stripe")
    assert done.code == 1
    assert "not read: GET /v1/events: 403: the key may not read events" in done.out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["inventory"], "inventory has no past to read: the site tells what is left now"),
        (["inventory", "--since", "7d"], "inventory has no past to read"),
        (["sms"], "sms is off: site.yaml has no sms_reads"),
        (["stripe", "--since", "2999-01-01"], "--since: 2999-01-01 is not before now"),
        (["stripe", "--since", "soon"], "--since: 'soon' is no time; write it like 2026-11-30T14:00 (UTC) or 24h"),
    ],
)
def test_backfill_says_what_it_cannot_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], says: str
) -> None:
    write_site(folder, "http://127.0.0.1:9", "cities: {Dallas: dallas}\n")
    monkeypatch.setenv("STRIPE_SOURCE_KEY", "rk_test_of_the_source")
    done = sixfb(monkeypatch, "sources", "backfill", *more)
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("inventry", "no source is named 'inventry'; there are: inventory, endpoints, stripe, sms, logs"),
        ("endpoints", "endpoints is off: site.yaml has no endpoint_checks"),
        ("stripe", "stripe is off: STRIPE_SOURCE_KEY is not set"),
    ],
)
def test_test_says_what_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    done = sixfb(monkeypatch, "sources", "test", name)
    assert done.code == 2
    assert says in done.err
