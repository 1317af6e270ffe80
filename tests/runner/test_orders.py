"""Orders of journeys of one's own: told by the journey, undone by the undo that it brings, and never called clean on a guess."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from facts import Purchase
from journeys.failure import SiteBroken
from journeys.ga_purchase import ga_purchase
from journeys.journey import Journey, journey
from journeys.money import minor_money, minor_units
from journeys.visit import Visit
from runner.ledger.allowance import refusal, state_of
from runner.ledger.cleaner import Cleaner
from runner.ledger.cleaner_process import CleanerProcess
from runner.ledger.entries import NOBODY_UNDOES, Entry, State
from runner.ledger.ledger import Ledger
from runner.ledger.ledger_writer import LedgerUnusableError, LedgerWriter
from runner.ledger.own_undo import OwnUndo
from runner.ledger.undo import UndoError, Undone
from tests.builders import A_MOMENT
from tests.jobs import a_job
from tests.ledger_entries import an_order, note

NOW = A_MOMENT
SHOP = "http://books.test"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


def placed(ledger: Ledger, order_id: str = "1001", run_id: str = "run-1", *, has_undo: bool = True, **how: Any) -> None:
    """Note an order of $12.50 of the journey `order_a_book`."""
    facts = {"amount_minor": 1250, "currency": "usd", "base_url": SHOP, "now": NOW, **how}
    ledger.bought(order_id, an_order(run_id, journey="order_a_book"), has_undo=has_undo, **facts)


def a_journey_that(folder: Path, undo: str, *, option: str = ", undo=cancel") -> OwnUndo:
    """Write `order_a_book` with an undo of this body, and how it is called."""
    (folder / "order_a_book.py").write_text(
        "import os, subprocess, sys, time\n\nfrom journeys.visit import PlacedOrder, Visit, journey\n\n\n"
        f"def cancel(order: PlacedOrder) -> object:\n    {undo}\n\n\n"
        f'@journey(title="A test", steps=("open",){option})\ndef order_a_book(visit: Visit) -> None:\n    pass\n'
    )
    return OwnUndo(journeys_dir=str(folder), limit_s=20)


def a_cleaner(ledger: Ledger, own: Any, *, later_s: float = 0) -> Cleaner:
    return Cleaner(
        ledger=ledger, desk=None, own=own, clock=lambda: NOW + timedelta(seconds=later_s), jitter=lambda: 1.0
    )


# -- in the ledger -----------------------------------------------------------------------------------------------------


def test_one_number_of_two_runs_is_two_orders_and_twice_in_a_run_is_one(ledger: Ledger) -> None:
    placed(ledger)
    placed(ledger, amount_minor=None)
    ledger.settle("run-1/1001", State.UNDONE, NOW)
    placed(ledger, run_id="run-2")
    assert [(e.shown_id, e.run_id, e.state, e.amount_minor) for e in ledger.entries()] == [
        ("1001", "run-1", "undone", 1250),
        ("1001", "run-2", "ordered", 1250),
    ]


def test_a_file_of_an_earlier_version_is_read_on(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    new = Ledger(file)
    note(new)
    new.close()
    with sqlite3.connect(file) as old:
        for column in ("order_id", "base_url"):
            old.execute(f"ALTER TABLE sessions DROP COLUMN {column}")
        old.execute("DROP TABLE untold")
    again = Ledger(file)
    placed(again)
    assert [(e.session_id, e.order_id) for e in again.entries()] == [("cs_test_one", None), ("run-1/1001", "1001")]
    again.close()


def test_an_order_is_nobodys_to_undo_before_its_run_is_over(ledger: Ledger) -> None:
    placed(ledger, hold=timedelta(minutes=2))
    assert (ledger.due(NOW, orders=True), ledger.due(NOW)) == ([], [])
    ledger.release("run-1", NOW)
    assert [e.shown_id for e in ledger.due(NOW, orders=True)] == ["1001"]
    assert ledger.due(NOW) == [], "Stripe is not asked about it"


# -- what is not known -------------------------------------------------------------------------------------------------


@journey(title="Looks only", steps=("look",), buys=False)
def look(visit: Visit) -> None:
    """Never buys."""


@journey(title="May buy", steps=("buy",))
def may_buy(visit: Visit) -> None:
    """Says nothing of what it buys."""


@pytest.mark.parametrize(("walked", "untold"), [(may_buy, 1), (look, 0), (ga_purchase, 0)])
def test_whether_a_run_has_bought_is_unknown_until_its_journey_tells(
    tmp_path: Path, ledger: Ledger, walked: Journey, untold: int
) -> None:
    job = a_job(tmp_path, SHOP, walked.name, ledger=str(ledger.file), slot=NOW)
    for attempt in (1, 2):
        writer = LedgerWriter(lambda *_: None, job, attempt, journey=walked)
    assert (ledger.untold(NOW), ledger.untold_by_journey()) == (untold, {walked.name: 1} if untold else {})
    assert ledger.untold(NOW + timedelta(hours=1)) == 0
    writer.tell("bought", {"purchase": Purchase(session_id="7", amount_minor=None, currency="usd", state="ordered")})
    assert (ledger.untold(NOW), ledger.untold_by_journey(), ledger.purchases(NOW)) == (0, {}, 1)


def test_the_ledger_tells_the_hub_of_orders_and_of_runs_that_told_nothing(ledger: Ledger) -> None:
    placed(ledger)
    ledger.begin_untold(an_order("silent", journey="may_buy"))
    state = state_of(ledger, "us-east", NOW, cleans=False)
    assert (state.purchases, state.ordered, state.untold, state.oldest_at) == (1, 1, 1, NOW)
    ledger.set_schedule(1)
    assert "1 purchases were made here" in str(refusal(ledger, NOW))


def test_an_order_is_in_the_run_also_where_the_ledger_cannot_be_written(tmp_path: Path, ledger: Ledger) -> None:
    told: list[str] = []
    job = a_job(tmp_path, SHOP, "may_buy", ledger=str(ledger.file))
    writer = LedgerWriter(lambda event, _data: told.append(event), job, 1, journey=may_buy)
    with sqlite3.connect(ledger.file) as other:
        other.execute("DROP TABLE sessions")
    bought = Purchase(session_id="1001", amount_minor=None, currency="usd", state="ordered")
    with pytest.raises(SiteBroken, match="the order 1001 was placed: nobody will undo it"):
        writer.tell("bought", {"purchase": bought})
    assert told == ["purchase"]


def test_a_ledger_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    job = a_job(tmp_path, SHOP, "may_buy", ledger=str(tmp_path))
    with pytest.raises(LedgerUnusableError, match="cannot be written"):
        LedgerWriter(lambda *_: None, job, 1, journey=may_buy)


# -- undone by the journey ---------------------------------------------------------------------------------------------


def test_an_undo_gets_the_order_in_another_process_and_none_of_our_secrets(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_of_somebody")
    seen = tmp_path / "seen.txt"
    facts = "order.order_id, order.amount_minor, order.url('/x'), order.run_id, os.getppid(), os.getenv('STRIPE_SECRET_KEY')"
    own = a_journey_that(tmp_path, f"with open({str(seen)!r}, 'w') as file: file.write(repr(({facts})))")
    placed(ledger)
    assert a_cleaner(ledger, own).sweep() == 1
    assert seen.read_text() == repr(("1001", 1250, f"{SHOP}/x", "run-1", os.getpid(), None))
    assert [(e.state, e.words(NOW, cleans=False)) for e in ledger.entries()] == [
        ("undone", "ordered and undone, nothing left to do")
    ]


@pytest.mark.parametrize(
    ("undo", "said"),
    [
        ("raise RuntimeError('the shop answered 503')", "RuntimeError at order_a_book.py:7: the shop answered 503"),
        ("return False", "returned False"),
        ("raise RuntimeError('refused ' + order.secret('a-fine-library-42'))", "refused ***"),
        ("sys.exit(0)", "no answer"),
        ("os.kill(os.getpid(), 9)", "ended with -9 and no answer"),
    ],
    ids=["raises", "returns no success", "names a secret", "exits", "is killed"],
)
def test_an_undo_that_did_not_is_told_tried_again_and_never_clean(
    ledger: Ledger, tmp_path: Path, undo: str, said: str
) -> None:
    placed(ledger)
    assert a_cleaner(ledger, a_journey_that(tmp_path, undo)).sweep() == 0
    (entry,) = ledger.entries(unclean=True)
    assert said in str(entry.last_error)
    assert (entry.state, entry.tries, entry.next_try_at) == (State.ORDERED, 1, NOW + timedelta(seconds=2))
    assert (ledger.left(), ledger.last_error()) == ({State.ORDERED: 1}, entry.last_error)


def test_an_undo_that_hangs_is_ended_with_all_that_it_has_started(ledger: Ledger, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    body = f"open({str(pid)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid)); time.sleep(600)"
    own = a_journey_that(tmp_path, body)
    placed(ledger)
    assert a_cleaner(ledger, OwnUndo(journeys_dir=own.journeys_dir, limit_s=8)).sweep() == 0
    (entry,) = ledger.entries()
    assert "longer than 8 s" in str(entry.last_error)
    left = Path("/proc", pid.read_text(), "stat")
    assert not left.exists() or left.read_text().rpartition(")")[2].split()[0] == "Z"


def test_where_a_journey_has_no_undo_a_person_is_told_and_one_that_comes_later_is_called(
    ledger: Ledger, tmp_path: Path
) -> None:
    placed(ledger, has_undo=False)
    (entry,) = ledger.entries()
    assert (entry.words(NOW, cleans=True), ledger.next_due()) == (NOBODY_UNDOES, None)
    ledger.hurry(NOW)
    a_cleaner(ledger, a_journey_that(tmp_path, "pass", option="")).sweep()
    (entry,) = ledger.entries(unclean=True)
    assert (entry.words(NOW, cleans=True), entry.next_try_at) == (NOBODY_UNDOES, None)
    ledger.hurry(NOW)
    assert a_cleaner(ledger, a_journey_that(tmp_path, "pass")).sweep() == 1


def test_a_journey_that_is_gone_leaves_its_orders_to_be_tried_again(ledger: Ledger, tmp_path: Path) -> None:
    placed(ledger)
    a_cleaner(ledger, OwnUndo(journeys_dir=str(tmp_path))).sweep()
    (entry,) = ledger.entries(unclean=True)
    assert "no journey named 'order_a_book'" in str(entry.last_error)
    assert entry.next_try_at is not None


def test_one_that_is_not_undone_keeps_nobody_from_the_next_and_no_session_is_touched_without_a_key(
    ledger: Ledger,
) -> None:
    def own(entry: Entry) -> Undone:
        if entry.order_id == "1":
            raise UndoError("no")
        return Undone(state=State.UNDONE)

    note(ledger)
    for number in ("1", "2", "3"):
        placed(ledger, number)
    cleaner = a_cleaner(ledger, own)
    cleaner.clean(within_s=1)
    assert [e.state.value for e in ledger.entries()] == ["open", "ordered", "undone", "undone"]
    assert [e.tries for e in ledger.entries()] == [0, 1, 1, 1]


def test_the_runners_cleaner_undoes_orders_without_a_stripe_key(ledger: Ledger, tmp_path: Path) -> None:
    placed(ledger, now=datetime.now(UTC))
    own = a_journey_that(tmp_path, "pass")
    keeper = CleanerProcess(ledger.file, stripe_key=None, stripe_api_base=None, journeys_dir=own.journeys_dir)
    keeper.start()
    try:
        ends = time.monotonic() + 60
        while ledger.left() and time.monotonic() < ends:
            time.sleep(0.05)
    finally:
        keeper.stop()
    assert [entry.state for entry in ledger.entries()] == [State.UNDONE]


# -- what a journey says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(12.5, "usd", 1250), ("12.50", "usd", 1250), ("$1,234.50", "usd", 123450), ("12.50 EUR", "eur", 1250),
     (0, "usd", 0), (0.29, "usd", 29), (1200, "jpy", 1200), ("¥1,200", "JPY", 1200)],
)  # fmt: skip
def test_an_amount_is_taken_as_pages_write_it(amount: Any, currency: str, minor: int) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize("amount", ["12,50", "", "free", "-3", -1, float("nan"), float("inf"), True, 10**12, [12]])
def test_what_is_no_amount_is_refused_with_what_to_write(amount: Any) -> None:
    with pytest.raises(ValueError, match="is no amount; give whole units of usd"):
        minor_units(amount, "usd")


def test_money_without_a_smaller_unit_is_shown_whole() -> None:
    assert (minor_money(1200, "jpy"), minor_money(1250, "usd")) == ("JPY 1,200", "$12.50")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"undo": "cancel"}, "has to be a function"), ({"undo": print, "buys": False}, "leave one of them out")],
)
def test_an_undo_that_makes_no_sense_is_refused_where_it_is_written(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        journey(title="A test", steps=("look",), **options)
