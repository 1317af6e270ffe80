"""Pings at the hub, in the protocol of healthchecks.io: what is stored, refused and masked, and how a job that stays away is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.pings import ExpectedPing
from facts import Alert, Ping, PingKind, PingState, Severity
from hub.access import Access
from hub.pings import BODY_LIMIT, masked_body
from sla.targets import Targets
from store import Store, pings, retention
from store import alerts as alert_rows
from tests.builders import A_MOMENT
from tests.drills.hub import the_watched
from tests.hub.conftest import Bench, a_bench
from tests.shipped import shipped_targets

BACKUP, MAIL = "0b3f1fd2-0000-4000-8000-00000000000a", "0b3f1fd2-0000-4000-8000-00000000000b"
OTHER, RUN = "0b3f1fd2-0000-4000-8000-00000000000c", "0b3f1fd2-0000-4000-8000-0000000000ff"
JOBS = {
    "backup": ExpectedPing(uuid=BACKUP.upper(), period="10m", grace="5m", tags=["db"]),
    "mail": ExpectedPing(uuid=MAIL, cron="0 3 * * *", severity=Severity.CRITICAL),
}
RULES = Targets({"HB": shipped_targets().rules()["HB"]})
WATCHED = replace(the_watched(), site=replace(the_watched().site, pings=JOBS))


@pytest.fixture
def jobs(store: Store, tmp_path: Path) -> Iterator[Bench]:
    """A hub with two jobs, on each kind of database."""
    with a_bench(store, tmp_path, watched=WATCHED, targets=RULES) as opened:
        yield opened


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path) -> Iterator[Bench]:
    """The same on SQLite alone."""
    with a_bench(sqlite_store, tmp_path, watched=WATCHED, targets=RULES) as opened:
        yield opened


def ping(bench: Bench, path: str, *, method: str = "GET", minutes: float = 0, **more: Any) -> tuple[int, str]:
    """Ping, so many minutes later; the status and the words of the answer."""
    bench.now += timedelta(minutes=minutes)
    answer = bench.client.request(method, f"/ping/{path}", **more)
    return answer.status_code, answer.text


def state_of(bench: Bench, uuid: str = BACKUP) -> PingState:
    with bench.store.read() as connection:
        return pings.states(connection)[uuid]


def shown(bench: Bench, name: str = "backup") -> dict[str, Any]:
    found: list[dict[str, Any]] = bench.client.get("/api/pings").json()["pings"]
    return next(one for one in found if one["name"] == name)


def watch(bench: Bench, *, minutes: int) -> None:
    """Judge each minute."""
    for _ in range(minutes):
        bench.tick(60)


def standing(bench: Bench) -> list[Alert]:
    with bench.store.read() as connection:
        return [alert for alert in alert_rows.standing(connection) if alert.rule == "HB"]


def test_a_run_is_told_from_its_start_to_its_end(jobs: Bench) -> None:
    assert ping(jobs, f"{BACKUP}/start") == (200, "OK")
    assert ping(jobs, f"{BACKUP}/log", method="POST", minutes=1, content="half of it") == (200, "OK")
    assert ping(jobs, BACKUP, method="POST", minutes=2, content="42 files") == (200, "OK")
    told = shown(jobs)
    assert (told["state"], told["last_duration_s"], told["pings"], told["last_body"]) == ("up", 180.0, 3, "42 files")
    with jobs.store.read() as connection:
        assert [(one.kind.value, one.body) for one in pings.last(connection, BACKUP)] == [
            ("success", "42 files"),
            ("log", "half of it"),
            ("start", ""),
        ]


@pytest.mark.parametrize(
    ("path", "method", "answer"),
    [
        (BACKUP, "GET", (200, "OK")),
        (BACKUP, "POST", (200, "OK")),
        (BACKUP, "HEAD", (200, "")),
        (BACKUP.upper(), "GET", (200, "OK")),
        (f"{BACKUP}/0", "GET", (200, "OK")),
        (f"{BACKUP}/255", "HEAD", (200, "")),
        (f"{BACKUP}/256", "GET", (400, "invalid url format")),
        (f"{BACKUP}/99999", "GET", (400, "invalid url format")),
        (f"{BACKUP}/start?rid={RUN}", "GET", (200, "OK")),
        (f"{BACKUP}/start?rid=7", "GET", (400, "invalid uuid format")),
        (f"{BACKUP}?rid=", "GET", (400, "invalid uuid format")),
        (f"{BACKUP}/begin", "GET", (404, "not found")),
        (f"{BACKUP}/-1", "GET", (404, "not found")),
        (f"{BACKUP}/\N{SUPERSCRIPT TWO}", "GET", (404, "not found")),
        (OTHER, "GET", (404, "not found")),
        (f"{OTHER}/start", "POST", (404, "not found")),
        ("backup", "GET", (404, "not found")),
    ],
)
def test_a_ping_is_answered_as_healthchecks_does(desk: Bench, path: str, method: str, answer: tuple[int, str]) -> None:
    assert ping(desk, path, method=method) == answer
    with desk.store.read() as connection:
        assert bool(pings.states(connection)) is (answer[0] == 200)


@pytest.mark.parametrize(("code", "state"), [("0", "up"), ("1", "down"), ("255", "down"), ("fail", "down")])
def test_an_exit_code_tells_how_it_went(desk: Bench, code: str, state: str) -> None:
    assert ping(desk, f"{BACKUP}/{code}")[0] == 200
    assert shown(desk)["state"] == state


def test_runs_that_overlap_are_told_apart_by_their_id(desk: Bench) -> None:
    for path, minutes in (
        (f"start?rid={RUN}", 0),
        (f"start?rid={OTHER}", 1),
        (f"0?rid={RUN}", 2),
        (f"0?rid={OTHER}", 1),
    ):
        assert ping(desk, f"{BACKUP}/{path}", minutes=minutes)[0] == 200
    assert (shown(desk)["last_duration_s"], shown(desk)["started_at"]) == (180.0, None)


def test_a_job_that_pings_too_often_is_told_when_to_come_back(desk: Bench) -> None:
    answers = [desk.client.get(f"/ping/{BACKUP}") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert (answers[5].text, answers[5].headers["Retry-After"]) == ("rate limited", "13")
    assert ping(desk, MAIL)[0] == 200
    assert ping(desk, BACKUP, minutes=1)[0] == 200
    assert state_of(desk).pings == 6


def test_a_job_needs_no_token_and_reaches_a_hub_that_is_locked_for_everybody_else(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with a_bench(sqlite_store, tmp_path, watched=WATCHED, access=Access(public=True), address="10.1.2.3") as bench:
        assert ping(bench, BACKUP) == (200, "OK")
        foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        assert ping(bench, BACKUP, headers=foreign) == (200, "OK")
        assert bench.client.get("/api/pings").status_code == 401


def test_only_the_last_hundred_pings_are_kept(store: Store) -> None:
    with store.write() as connection:
        for minute in range(pings.KEPT + 3):
            pings.add(connection, BACKUP, Ping(at=A_MOMENT + timedelta(minutes=minute), kind=PingKind.SUCCESS))
        kept = pings.last(connection, BACKUP, limit=1000)
        assert pings.states(connection, lock=True)[BACKUP].pings == pings.KEPT + 3
    assert len(kept) == pings.KEPT
    assert kept[0].at == A_MOMENT + timedelta(minutes=pings.KEPT + 2)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"done: 42 files", "done: 42 files"),
        (b"two\r\nlines", "two\nlines"),
        (b"mail to ann@example.com failed", "mail to *** failed"),
        (b"call +1 214 555 0100", "call ***"),
        (b"from 203.0.113.9", "from ***"),
        (b'{"password": "hunter2", "n": 3}', '{"password": "***", "n": 3}'),
        (b"PGPASSWORD=hunter2 pg_dump", "PGPASSWORD=*** pg_dump"),
        (b"apiToken: abc.def", "apiToken: ***"),
        (b"\x1b[31mred\x00", "\\x1b[31mred\\x00"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}" * 2),
    ],
)
def test_the_output_of_a_job_is_kept_masked(body: bytes, kept: str) -> None:
    assert masked_body(body) == kept


@pytest.mark.parametrize("letter", ["a", "\N{EURO SIGN}", "\x1b"])
def test_the_output_of_a_job_is_cut_to_ten_kib(desk: Bench, letter: str) -> None:
    body = (letter * 40_000).encode()
    assert BODY_LIMIT - 3 <= len(masked_body(body).encode()) <= BODY_LIMIT
    assert ping(desk, BACKUP, method="POST", content=body) == (200, "OK")


def test_an_address_at_the_cut_is_masked_whole() -> None:
    text = "x" * (BODY_LIMIT - 8) + " ann@example.com " + "y" * 100
    assert "ann" not in masked_body(text.encode())


def test_a_job_that_stays_away_is_told_and_its_next_success_resolves_it(desk: Bench) -> None:
    desk.tick()
    assert standing(desk) == []  # no job has pinged yet
    ping(desk, BACKUP, method="POST", content="42 files")
    watch(desk, minutes=14)
    assert standing(desk) == []
    watch(desk, minutes=1)
    (alert,) = standing(desk)
    assert (alert.key, alert.severity, alert.state.value) == ("HB/backup", Severity.HIGH, "firing")
    assert "last output: 42 files" in alert.summary
    ping(desk, BACKUP)
    desk.tick()
    assert standing(desk) == []


def test_a_failure_is_told_at_once_with_the_severity_of_the_job(desk: Bench) -> None:
    desk.tick()
    ping(desk, f"{MAIL}/2", method="POST", content="relay refused")
    desk.tick()
    (alert,) = standing(desk)
    assert (alert.severity, alert.state.value) == (Severity.CRITICAL, "firing")
    assert "failed with exit code 2" in alert.summary


@pytest.mark.parametrize("gap_min", [15, 60 * 24])
def test_a_hub_that_was_down_holds_nothing_against_a_job(desk: Bench, gap_min: int) -> None:
    desk.tick()
    ping(desk, BACKUP)
    watch(desk, minutes=9)
    desk.tick(gap_min * 60)
    watch(desk, minutes=4)
    assert standing(desk) == []
    watch(desk, minutes=11)
    assert [alert.key for alert in standing(desk)] == ["HB/backup"]


def test_a_hub_that_is_not_the_evaluator_any_more_excuses_nobody(desk: Bench) -> None:
    desk.tick()
    ping(desk, BACKUP)
    watch(desk, minutes=9)
    overtaken = replace(desk.cycle, holder="overtaken")

    def another_hub(name: str) -> None:
        if name == "cycle.leased":
            overtaken.give_up()

    desk.cycle.give_up()
    overtaken.at = another_hub
    assert not overtaken.tick(desk.now + timedelta(minutes=15)).wrote
    assert state_of(desk).excused_until is None


def test_the_page_answers_whether_every_job_has_done_its_work(desk: Bench) -> None:
    assert "No job has pinged yet" in desk.client.get("/pings").text
    ping(desk, BACKUP)
    ping(desk, MAIL)
    assert "Every job has done its work" in desk.client.get("/pings").text
    ping(desk, f"{MAIL}/fail", method="POST", content="<b>relay</b> refused", minutes=1)
    page = desk.client.get("/pings").text
    assert "mail has not done its work" in page
    assert "&lt;b&gt;relay&lt;/b&gt; refused" in page
    assert page.index("<code>mail</code>") < page.index("<code>backup</code>")
    # Whoever knows the address can ping, so no page shows it.
    assert BACKUP not in page.lower() + desk.client.get("/api/pings").text.lower()


def test_the_navigation_leads_there_only_where_jobs_are_watched(desk: Bench, light: Bench) -> None:
    assert 'href="/pings"' in desk.client.get("/sla").text
    assert 'href="/pings"' not in light.client.get("/sla").text
    assert light.client.get(f"/ping/{BACKUP}").text == "not found"


def test_the_runners_plan_does_not_have_the_addresses(desk: Bench) -> None:
    assert BACKUP not in str(desk.client.get("/api/plan?location=us-east").json()).lower()


def test_old_output_is_let_go(jobs: Bench) -> None:
    ping(jobs, BACKUP)
    swept = retention.sweep(jobs.store, now=A_MOMENT + timedelta(days=91))
    assert swept.rows["pings"] == 1
