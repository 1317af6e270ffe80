"""A shop that sells no tickets: nothing of tickets is asked for or shown, and what it ordered is told and undone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli import hub_config, ledgers
from facts import Heartbeat
from hub.clock_witness import judged_by_runners
from runner.ledger.allowance import per_hour
from runner.ledger.ledger import Ledger
from store import open_store, runners
from tests.builders import A_MOMENT
from tests.cli.test_bad_input import RECEIVERS, sixfb
from tests.jobs import a_job
from tests.ledger_entries import an_order, note

JOURNEY = """from journeys.visit import PlacedOrder, Visit, journey


def cancel(order: PlacedOrder) -> None:
    pass


@journey(title="A reader orders a book", steps=("open",){undo})
def order_a_book(visit: Visit) -> None:
    pass


@journey(title="A reader looks", steps=("open",), buys=False{needs})
def look_at_a_book(visit: Visit) -> None:
    pass
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text("base_url: https://books.example.com\n")
    (tmp_path / "mine").mkdir()
    journey(tmp_path)
    return tmp_path


def journey(folder: Path, *, undo: str = ", undo=cancel", needs: str = "") -> None:
    (folder / "mine" / "books.py").write_text(JOURNEY.format(undo=undo, needs=needs))


def planned(folder: Path, *names: str) -> None:
    journeys = ", ".join(f"{name}: {{every: 5m}}" for name in names)
    (folder / "locations.yaml").write_text(f"locations: {{a: {{}}, b: {{}}}}\njourneys: {{{journeys}}}\n")


def test_check_asks_for_nothing_of_tickets_and_shows_none(shop: Path) -> None:
    planned(shop, "order_a_book")
    done = sixfb("check", cwd=shop, SIXFB_JOURNEYS="mine", **RECEIVERS)
    told = done.stdout + done.stderr
    assert "city" not in told
    for word in ("payment:", "Stripe key", "Dallas", "$"):
        assert word not in done.stdout


def test_a_journey_of_the_ticket_shop_names_the_key_that_it_misses(shop: Path) -> None:
    planned(shop, "ga_purchase", "order_a_book")
    done = sixfb("check", cwd=shop, SIXFB_JOURNEYS="mine")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "city" in line]
    assert "locations.yaml: journeys.ga_purchase: city is missing, and the journey ga_purchase needs it" in line
    done = sixfb("run", "ga_purchase", cwd=shop)
    assert (done.returncode, "site.yaml: city: is missing" in done.stderr) == (2, True)


def test_a_journey_of_ones_own_may_need_a_key_too_and_no_unknown_one(shop: Path) -> None:
    journey(shop, needs=', needs=("basic_auth_file",)')
    done = sixfb("run", "look_at_a_book", cwd=shop, SIXFB_JOURNEYS="mine")
    assert (done.returncode, "site.yaml: basic_auth_file: is missing" in done.stderr) == (2, True)
    journey(shop, needs=', needs=("ctiy",)')
    done = sixfb("run", "look_at_a_book", cwd=shop, SIXFB_JOURNEYS="mine")
    assert (done.returncode, "site.yaml knows no key 'ctiy'" in done.stderr) == (2, True)


# -- the ledger --------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(shop: Path) -> Ledger:
    return Ledger(shop / "var" / "ledger.db")


def placed(ledger: Ledger, order_id: str = "1001") -> None:
    ledger.bought(
        order_id,
        an_order(journey="order_a_book"),
        amount_minor=1250,
        currency="usd",
        base_url="https://books.example.com",
        has_undo=True,
        now=A_MOMENT,
    )


def test_orders_are_undone_without_a_key_and_what_is_not_undone_is_an_error(shop: Path, ledger: Ledger) -> None:
    placed(ledger)
    journey(shop, undo="")
    done = sixfb("ledger", "--clean", "--json", cwd=shop, SIXFB_JOURNEYS="mine")
    (row,) = json.loads(done.stdout)["purchases"]
    assert (done.returncode, row["session_id"], row["state"]) == (1, "1001", "ordered")
    assert "its journey has no undo" in row["note"]
    journey(shop)
    done = sixfb("ledger", "--clean", cwd=shop, SIXFB_JOURNEYS="mine")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing is left to undo")


def test_without_a_key_and_without_orders_nothing_can_be_undone(shop: Path, ledger: Ledger) -> None:
    note(ledger)
    done = sixfb("ledger", "--clean", cwd=shop, SIXFB_JOURNEYS="mine")
    assert (done.returncode, "STRIPE_SECRET_KEY is not set" in done.stderr) == (2, True)


def test_runs_that_told_nothing_leave_the_ledger_unsure(shop: Path, ledger: Ledger) -> None:
    assert sixfb("ledger", cwd=shop).stdout.strip() == "nothing is left to undo"
    for number in (1, 2):
        ledger.begin_untold(an_order(f"run-{number}", journey="order_a_book"))
    done = sixfb("ledger", cwd=shop)
    assert "unknown: 2 runs of order_a_book in the last 30 days told of no order" in done.stdout.replace("\n", " ")
    assert "nothing is left to undo of what was told" in done.stdout
    assert json.loads(sixfb("ledger", "--json", cwd=shop).stdout)["untold"] == {"order_a_book": 2}


# -- sixfb sla ---------------------------------------------------------------------------------------------------------


def test_the_hubs_clock_is_judged_by_the_runners_that_the_database_knows(shop: Path) -> None:
    store = open_store(None, folder=shop / "var" / "hub")
    store.migrate()
    now = datetime.now(UTC)
    with store.write() as connection:
        said = [(place, Heartbeat(id="one", sent_at=now), now) for place in ("a", "b")]
        runners.note_all(connection, said)
    with store.read() as connection:
        heard = runners.heard(connection, since=now - timedelta(minutes=2))
    store.close()
    assert judged_by_runners(heard, now, limit_s=30).readings == 2
    assert judged_by_runners(heard, now + timedelta(minutes=3), limit_s=30).readings == 0
    assert judged_by_runners([], now, limit_s=30).readings == 0
    planned(shop, "order_a_book")
    done = sixfb("sla", "--json", cwd=shop, SIXFB_JOURNEYS="mine")
    verdicts = {f"{v['rule']}/{v['subject']}": v["verdict"] for v in json.loads(done.stdout)["verdicts"]}
    assert verdicts["W3/hub"] == "met"


def test_a_journey_that_never_buys_is_not_refused_for_what_others_bought(
    shop: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIXFB_JOURNEYS", str(shop / "mine"))
    ledger.set_schedule(0)
    job = a_job(shop / "mine", "https://books.example.com", "order_a_book", ledger=str(ledger.file))
    assert "the schedule's number is 0" in (ledgers.refusal(job) or "")
    assert ledgers.refusal(replace(job, journey="look_at_a_book")) is None


def test_the_schedules_number_counts_journeys_that_may_buy(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(shop, "order_a_book", "look_at_a_book")
    monkeypatch.setenv("SIXFB_JOURNEYS", "mine")
    monkeypatch.chdir(shop)
    plan = hub_config.read_watched().plan_for("a")
    assert {one.journey: one.buys for one in plan.journeys} == {"order_a_book": True, "look_at_a_book": False}
    assert per_hour(plan) == 12
