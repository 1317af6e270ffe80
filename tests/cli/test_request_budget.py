"""What `sixfb check` says of the request budget is what a runner will do."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from facts import Run, Status
from store import open_store, runs
from tests.alerts.small_team import SMALL_TEAM
from tests.builders import a_run, an_attempt
from tests.cli.test_configuration import Sixfb, sixfb  # noqa: F401 - the fixture

SITE = "http://shop.test:3000"
NOTHING: dict[str, Any] = {"requests_left": None, "requests_limit": None, "requests_reset_at": None}


@pytest.fixture
def shop(sixfb: Sixfb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811 - it clears the environment
    """A folder of configuration for another shop than the ticket shop: one journey of its own, at one location."""
    write_site(tmp_path, "")
    (tmp_path / "locations.yaml").write_text("locations: {here: {}}\njourneys: {bookshop: {every: 60s}}\n")
    write_journey(tmp_path, "")
    (tmp_path / "sla.yaml").write_text(_without_rules())
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    monkeypatch.setenv("SIXFB_JOURNEYS", str(tmp_path / "mine"))
    return tmp_path


def _without_rules() -> str:
    """Every rule of the ticket shop's journeys off: what is tried here is the budget."""
    from config import read_document

    root = Path(__file__).resolve().parents[2]
    rules = read_document(root / "sla.yaml").data
    return "".join(f"{name}: {{enabled: false}}\n" for name in rules)


def write_site(folder: Path, budget: str) -> None:
    (folder / "site.yaml").write_text(f"base_url: {SITE}\ncities: {{Dallas: dallas}}\n{budget}")


def write_journey(folder: Path, costs: str) -> None:
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "bookshop.py").write_text(
        "from journeys.visit import journey\n\n"
        f"@journey(title='Buy a book', steps=('open',), {costs})\ndef bookshop(visit): ...\n"
    )


def a_hub_that_knows(folder: Path, *known: Run) -> None:
    with closing(open_store(None, folder=folder / "var" / "hub")) as store:
        store.migrate()
        with store.write() as connection:
            for run in known:
                runs.save(connection, run, received_at=datetime.now(UTC))


def a_good_run(cost: int, *, minutes_ago: int = 10, **attempt: Any) -> Run:
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    run = a_run(id=f"good-{minutes_ago}", journey="bookshop", location="here", site=SITE, status=Status.PASSED)
    counted = an_attempt(**{"status": Status.PASSED, **NOTHING, "requests_counted": cost, **attempt})
    return replace(run, slot=began, started_at=began, finished_at=began, attempts=(counted,), counts=1)


def a_missed_run(minutes_ago: int, reason: str) -> Run:
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    run = a_run(id=f"missed-{minutes_ago}", journey="bookshop", location="here", status=Status.MISSED, error=reason)
    return replace(run, slot=began, started_at=began, finished_at=began)


def test_a_site_that_names_no_budget_has_none(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    for budget in ("", "request_budget: off\n", "request_budget:\n"):
        write_site(shop, budget)
        done = sixfb("check")
        assert (done.code, done.out.splitlines()[-1]) == (0, "all is well"), done.said
        assert "request budget  none in site.yaml: runners keep to what the site itself tells" in done.out


@pytest.mark.parametrize("says", [True, False], ids=["the journey says it", "its last good run cost it"])
def test_slots_that_a_runner_would_miss_are_told_before_it_does(shop: Path, sixfb: Sixfb, says: bool) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 100, window_s: 900}\n")
    if says:
        write_journey(shop, "requests=85")
    else:
        a_hub_that_knows(shop, a_good_run(85))
    done = sixfb("check")
    assert done.code == 2
    assert (
        "here would ask 1275 of the 100 requests that the site allows one address in 15 minutes "
        "(15 x bookshop at 85): it would miss 14 of 15 slots of bookshop"
    ) in done.err
    assert "raise request_budget.requests in site.yaml" in done.err
    assert "`request_budget: off`" in done.err


def test_what_a_run_really_cost_holds_and_not_what_its_journey_says(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 100, window_s: 900}\n")
    write_journey(shop, "requests=85")
    a_hub_that_knows(shop, a_good_run(85, minutes_ago=60), a_good_run(6))
    done = sixfb("check")
    assert "90 of 100 requests in 15 minutes at one address (15 x bookshop at 6)" in done.out
    assert done.code == 0


def test_what_runs_cost_at_another_site_says_nothing(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 100, window_s: 900}\n")
    a_hub_that_knows(shop, replace(a_good_run(85), site="https://elsewhere.example"))
    assert "not known       what a run of bookshop costs" in sixfb("check").out


def test_a_cost_that_nobody_knows_is_not_called_well(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 100, window_s: 900}\n")
    done = sixfb("check")
    assert "not known       what a run of bookshop costs: let it run once, or write what it costs into it" in done.out
    assert done.out.splitlines()[-1] == "runs, and whether the request budget is enough is not known: see above"
    assert done.code == 0


def test_a_budget_smaller_than_one_run_is_refused(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 50, window_s: 60}\n")
    write_journey(shop, "requests=85")
    done = sixfb("check")
    assert "here could not finish a run of bookshop, which takes 85 of the 50 requests" in done.err
    assert done.code == 2


def test_a_site_that_tells_less_than_site_yaml_names_is_believed(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 2000, window_s: 900}\n")
    a_hub_that_knows(shop, a_good_run(85, requests_left=15, requests_limit=100))
    done = sixfb("check")
    assert "here would ask 1275 of the 100 requests" in done.err
    assert "the site's own headers tell 100, whatever request_budget in site.yaml says" in done.err
    assert done.code == 2


def test_slots_that_were_missed_for_a_limit_that_the_site_tells_are_not_called_well(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    reason = "the request budget: 15 of 100 requests are left"
    told = a_good_run(85, requests_left=15, requests_limit=100)
    old = a_missed_run(60 * 25, reason)
    a_hub_that_knows(shop, told, a_missed_run(3, reason), a_missed_run(4, reason), a_missed_run(5, "STOPPED"), old)
    done = sixfb("check")
    assert "the site tells a limit of 100 requests by its rate-limit headers" in done.out
    assert "missed          at here 2 slots were missed for the request budget within the last day" in done.out
    assert done.out.splitlines()[-1] == "runs, and slots are missed for the request budget: see above"


def test_files_count_where_site_yaml_says_so(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_journey(shop, "requests=3")
    for budget, words in (("", "pages and calls, no files"), (", static_files: true", "pages, calls and files")):
        write_site(shop, f"request_budget: {{requests: 100, window_s: 900{budget}}}\n")
        assert f"counted are {words}" in sixfb("check").out


def test_a_database_of_an_older_version_stops_no_check(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    import sqlite3

    a_hub_that_knows(shop)
    with closing(sqlite3.connect(shop / "var" / "hub" / "sixfb.db")) as database:
        database.execute("DROP TABLE runs")
        database.execute("CREATE TABLE runs (id TEXT)")
        database.commit()
    assert sixfb("check").code == 0


def test_what_the_hub_itself_asks_is_told_beside_what_runners_do(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 100, window_s: 900}\nendpoint_checks: {every: 5m}\n")
    write_journey(shop, "requests=5")
    done = sixfb("check")
    assert (
        "hub             asks 27 of 100 requests in 15 minutes (15 x inventory at 1 + 3 x endpoints at 4); "
        "at a runner's address they come on top of its own"
    ) in done.out
    assert done.code == 0


def test_checks_of_endpoints_that_the_budget_cannot_hold_are_refused(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    checks = "endpoint_checks: {every: 30s, paths: {/: html, /a: any, /b: any}}\n"
    write_site(shop, f"request_budget: {{requests: 100, window_s: 900}}\n{checks}")
    write_journey(shop, "requests=5")
    done = sixfb("check")
    assert done.code == 2
    assert "endpoint_checks: the hub asks 105 of 100 requests in 15 minutes" in done.err
    assert "check fewer paths, or less often" in done.err


def test_an_inventory_alone_never_refuses_a_budget(shop: Path, sixfb: Sixfb) -> None:  # noqa: F811
    write_site(shop, "request_budget: {requests: 14, window_s: 900}\n")
    (shop / "locations.yaml").write_text("locations: {here: {}}\njourneys: {bookshop: {every: 15m}}\n")
    write_journey(shop, "requests=5")
    done = sixfb("check")
    assert done.code == 0, done.said
    assert "asks 15 of 14 requests" in done.out
