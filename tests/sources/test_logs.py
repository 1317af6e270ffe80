"""A followed log file counts each line once: over rotation, truncation, restart, half lines, huge lines and sudden death."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from facts import Event
from hub.collect import collect_once
from sources import SourceError, SourceSettings
from sources.log_lines import event_in
from sources.logs import LONGEST_LINE, LogsSource
from store import Store, events

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def line(name: str, **more: Any) -> str:
    return json.dumps({"level": 30, "time": NOW.timestamp() * 1000, "msg": name, **more}) + "\n"


def append(file: Path, *texts: str | bytes) -> None:
    with file.open("ab") as opened:
        for text in texts:
            opened.write(text.encode() if isinstance(text, str) else text)


class Follower:
    """A source that goes on from its cursor as the database gives it back, a new one each time: as after a restart."""

    def __init__(self, *files: Path) -> None:
        self.settings = SourceSettings(base_url="http://shop.test", log_files=[str(file) for file in files])
        self.cursor: Any = None
        self.now = NOW
        self.ids: list[str] = []

    def read(self, after_s: float = 10) -> list[str]:
        self.now += timedelta(seconds=after_s)
        collected = LogsSource(self.settings).collect(self.cursor, self.now)
        self.cursor = json.loads(json.dumps(collected.cursor))
        self.ids += [event.id for event in collected.events]
        assert len(set(self.ids)) == len(self.ids)
        return [event.name for event in collected.events]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def test_lines_are_read_once_and_half_a_line_waits_for_its_rest(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"), line("two")[:20])
    assert follower.read() == ["one"]
    assert follower.read() == []
    append(log, line("two")[20:], line("three"))
    assert follower.read() == ["two", "three"]


def test_half_a_first_line_waits_too(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one")[:10])
    assert follower.read() == []
    append(log, line("one")[10:])
    assert follower.read() == ["one"]


def test_a_file_that_is_renamed_is_read_to_its_end_before_the_new_one(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"))
    assert follower.read() == ["one"]
    append(log, line("two"))
    log.rename(log.with_name("app.log.1"))
    append(log, line("three"))
    assert follower.read() == ["two", "three"]
    append(log.with_name("app.log.1"), line("its writer did not know yet"))
    assert follower.read() == ["its writer did not know yet"]
    assert follower.read(after_s=100) == []
    assert len(follower.cursor["files"][str(log)]) == 1


def test_a_file_that_is_rotated_twice_between_two_readings_is_found(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"))
    follower.read()
    append(log, line("two"))
    log.rename(log.with_name("app.log.2"))
    append(log.with_name("app.log.1"), line("never read: nobody knew of it"))
    append(log, line("four"))
    assert follower.read() == ["two", "four"]


def test_a_file_that_is_cut_short_is_read_from_its_beginning_under_new_ids(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"), line("two"))
    assert follower.read() == ["one", "two"]
    os.truncate(log, 0)
    append(log, line("one"))
    assert follower.read() == ["one"]
    assert follower.read() == []


def test_a_new_file_on_the_inode_of_a_deleted_one_is_read_from_its_beginning(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"))
    assert follower.read() == ["one"]
    log.write_text(line("other") + line("and longer than the first one") + line("x" * 50))
    assert len(follower.read()) == 3


def test_a_line_of_more_than_a_megabyte_is_cut_and_what_follows_is_read(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one"), "a_name {" + "x" * (2 * LONGEST_LINE + 5))
    assert follower.read()[0] == "one"
    append(log, "y" * 100 + "\n", line("three"))
    assert follower.read()[-1] == "three"
    assert follower.read() == []


def test_bytes_that_are_no_utf_8_are_replaced(log: Path) -> None:
    follower = Follower(log)
    append(log, line("one").encode().replace(b"one", b"o\xffe"), line("two"))
    assert follower.read() == ["o\ufffde", "two"]


def test_lines_that_say_nothing_are_passed_over(log: Path) -> None:
    nothing = ("plain words", "{broken", "", "{}", "[1]", "\x00", '{"msg": 5}', "a_b {", "c_d { x", "}", "  }")
    append(log, *(f"{text}\n" for text in nothing), line("last"))
    assert Follower(log).read() == ["last"]


def test_a_file_that_is_not_there_yet_is_waited_for_while_others_are_read(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    follower = Follower(log, other)
    append(other, line("one"))
    assert follower.read() == ["one"]
    append(log, line("two"))
    assert follower.read() == ["two"]


@pytest.mark.parametrize("what", ["missing", "folder", "pipe"])
def test_no_file_at_all_is_an_error_that_names_it(log: Path, what: str) -> None:
    if what == "folder":
        log.mkdir()
    elif what == "pipe":
        os.mkfifo(log)
    with pytest.raises(SourceError, match=r"app\.log"):
        Follower(log).read()


def test_a_backlog_is_read_in_parts(log: Path) -> None:
    follower = Follower(log)
    append(log, *(line(f"n{n}") for n in range(25_000)))
    assert [len(follower.read()) for _ in range(4)] == [10_000, 10_000, 5_000, 0]


def test_a_hub_that_dies_while_it_saves_counts_each_line_once(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> Sequence[Event]:
        with store.read() as connection:
            return events.read(connection, since=NOW - timedelta(days=1))

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    source = LogsSource(SourceSettings(base_url="http://shop.test", log_files=[str(log)]))
    append(log, line("one"), line("two"))
    with monkeypatch.context() as patched:
        patched.setattr("hub.collect.feeds.note_good", die)  # the last thing in the transaction
        with pytest.raises(KeyboardInterrupt):
            collect_once(store, source, NOW)
    assert kept() == []
    assert collect_once(store, source, NOW).events == 2
    append(log, line("three"))
    assert collect_once(store, source, NOW + timedelta(seconds=10)).events == 1
    assert [event.name for event in kept()] == ["one", "two", "three"]


BLOCK = """2026-11-30T11:59:00.000Z inventory_milestone_alert {
  cityId: 'dallas-jan-2026',
  tier: 'vip',
  remainingSpots: 3,
  customerEmail: 'ann@example.com',
  customer: { name: 'Ann', phone: '+13525550123' },
  urgency: 'high'
} inventory high"""


def in_log(text: str) -> Event | None:
    return event_in(text, id_="x", now=NOW)


def test_the_shops_blocks_are_events_without_anybodys_data(log: Path) -> None:
    event = in_log(BLOCK)
    assert event is not None
    assert (event.name, event.level, event.category) == ("inventory_milestone_alert", "error", "inventory")
    assert dict(event.fields) == {
        "city": "dallas-jan-2026",
        "tier": "vip",
        "remaining": 3,
        "urgency": "high",
    }
    assert event.at == NOW - timedelta(minutes=1)
    follower = Follower(log)
    append(log, BLOCK[:60])
    assert follower.read() == []
    append(log, BLOCK[60:] + "\n", line("next"))
    assert follower.read() == ["inventory_milestone_alert", "next"]


@pytest.mark.parametrize(
    ("text", "name", "level"),
    [
        ("stripe_webhook_processed { eventType: 'a.b', livemode: false } stripe-webhook low", "stripe_webhook_processed", "info"),
        ("stripe_webhook_error { error: 'x' } stripe-webhook high", "stripe_webhook_error", "error"),
        ("critical_inventory_oversell { cityId: 'nyc' } inventory critical", "critical_inventory_oversell", "error"),
        ("Analytics Event: { event: 'payment_succeeded', email: 'a@b.co' }", "payment_succeeded", "info"),
        ("Analytics Event: { event: 'payment_failed' }", "payment_failed", "error"),
        ("API Request: POST /api/verify-member from IP: 10.0.0.1", "api_request", "info"),
        ("Rate limit exceeded for IP: 10.0.0.1", "rate_limit_exceeded", "warn"),
        ("CSRF token validation failed for 10.0.0.1", "csrf_validation_failed", "warn"),
        ("Checkout session creation error: Error: x", "checkout_session_failed", "error"),
        ("Webhook signature verification failed", "webhook_signature_invalid", "error"),
        ("SMS notifications sent: 2/2 successful", "sms_notification_sent", "info"),
        ("SMS delivery failed after all retries", "sms_delivery_failed", "error"),
        ('{"level": 50, "time": 1796040000000, "msg": "db down"}', "db down", "error"),
        ('{"severity": "WARNING", "timestamp": "2026-11-30T11:00:00Z", "message": "slow"}', "slow", "warn"),
        ('{"log": "{\\"event\\": \\"x_y\\"}\\n", "stream": "stdout", "time": "2026-11-30T11:00:00.123456789Z"}', "x_y", "info"),
    ],
)  # fmt: skip
def test_what_the_site_logs_is_read(text: str, name: str, level: str) -> None:
    event = in_log(text)
    assert event is not None
    assert (event.name, event.level) == (name, level)
    assert "10.0.0.1" not in str(event.fields)
    assert "a@b.co" not in str(event.fields)
