"""The ledger remembers what was bought until it is undone, and how much was bought."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from facts import Plan, PlannedJourney, Purchase
from journeys.failure import Kind, SiteBroken
from journeys.ga_purchase import ga_purchase
from journeys.site import Site
from runner.ledger.allowance import per_hour, refusal, state_of
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger
from runner.ledger.ledger_writer import LedgerWriter
from tests.builders import A_MOMENT
from tests.jobs import a_job, walk
from tests.ledger_entries import an_order, note

NOW = A_MOMENT
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


# -- what stands in it -------------------------------------------------------------------------------------------------


def test_a_session_is_remembered_by_the_next_process(ledger: Ledger) -> None:
    note(ledger)
    again = Ledger(ledger.file)
    (entry,) = again.entries()
    again.close()
    assert (entry.session_id, entry.run_id, entry.state, entry.amount_minor) == (
        "cs_test_one",
        "run-1",
        "open",
        100_000,
    )


def test_an_intent_is_fulfilled_by_the_session_of_its_own_attempt_only(ledger: Ledger) -> None:
    for attempt in (1, 2):
        ledger.order(an_order(attempt=attempt), hold=timedelta(0))
    note(ledger, order=an_order(attempt=2))
    assert [order.attempt for order in ledger.orders()] == [1]


def test_what_is_clean_stays_clean(ledger: Ledger) -> None:
    note(ledger)
    ledger.settle("cs_test_one", State.EXPIRED, NOW)
    note(ledger, state=State.OPEN)
    assert [entry.state for entry in ledger.entries()] == ["expired"]


def test_nobody_undoes_what_a_run_may_still_be_using(ledger: Ledger) -> None:
    note(ledger, hold_s=60)
    assert ledger.due(NOW) == []
    assert not ledger.claim("cs_test_one", NOW, lease=timedelta(seconds=60))
    ledger.release("run-1", NOW)
    assert [entry.session_id for entry in ledger.due(NOW)] == ["cs_test_one"]


def test_the_hold_of_a_run_that_was_killed_ends_by_itself(ledger: Ledger) -> None:
    note(ledger, hold_s=60)
    assert ledger.due(NOW + timedelta(seconds=59)) == []
    assert len(ledger.due(NOW + timedelta(seconds=60))) == 1


def test_a_runner_that_starts_releases_its_own_runs_and_no_persons(ledger: Ledger) -> None:
    note(ledger, "cs_test_planned", order=an_order("planned", slot=NOW), hold_s=600)
    note(ledger, "cs_test_ad_hoc", order=an_order("ad-hoc"), hold_s=600)
    ledger.release(None, NOW)
    assert [entry.session_id for entry in ledger.due(NOW)] == ["cs_test_planned"]


def test_one_of_two_cleaners_has_a_session_in_hand(ledger: Ledger) -> None:
    note(ledger)
    lease = timedelta(seconds=60)
    assert [ledger.claim("cs_test_one", NOW, lease=lease) for _ in range(2)] == [True, False]
    assert ledger.claim("cs_test_one", NOW + lease, lease=lease), "the first one died"


@pytest.mark.parametrize(
    ("state", "pressed", "hours", "words"),
    [
        (State.OPEN, False, 1, "open, expires in 24 h"),
        (State.OPEN, False, 25, "open; its 24 h are over, and nobody has looked"),
        (State.OPEN, True, 1, "Pay was pressed and nobody saw the end: if it was paid, it is not refunded"),
        (State.PAID, True, 1, "paid, not refunded"),
        (State.PAID, True, 1000, "paid, not refunded"),
    ],
)
def test_without_a_key_nothing_is_called_clean(
    ledger: Ledger, state: State, pressed: bool, hours: int, words: str
) -> None:
    note(ledger, state=state)
    if pressed:
        ledger.press_pay("cs_test_one", NOW)
    (entry,) = ledger.entries(unclean=True)
    assert entry.words(NOW + timedelta(hours=hours), cleans=False) == words


def test_what_has_been_clean_for_a_month_is_forgotten_and_debts_never(ledger: Ledger) -> None:
    note(ledger, "cs_test_clean")
    ledger.settle("cs_test_clean", State.REFUNDED, NOW)
    note(ledger, "cs_test_debt", state=State.PAID)
    note(ledger, "cs_test_pressed")
    ledger.press_pay("cs_test_pressed", NOW)
    note(ledger, "cs_test_never_paid")
    ledger.prune(NOW + timedelta(days=400))
    assert [entry.session_id for entry in ledger.entries()] == ["cs_test_debt", "cs_test_pressed"]


# -- before it happens -------------------------------------------------------------------------------------------------


def test_intent_session_and_the_press_of_pay_are_on_disk_before_anybody_else_is_told(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    seen: list[tuple[str, int, list[bool]]] = []

    def tell(event: str, _data: object) -> None:
        other = Ledger(file)
        seen.append((event, len(other.orders()), [entry.pay_pressed for entry in other.entries()]))
        other.close()

    writer = LedgerWriter(tell, a_job(tmp_path, "http://shop.test", ledger=str(file)), 1, journey=ga_purchase)
    bought = Purchase(session_id="cs_test_one", amount_minor=None, currency="usd", state="open")
    for event, data in (
        ("order", {"email": "synthetic+test-run@example.com"}),
        ("step_started", {}),
        ("purchase", {"purchase": bought}),
        ("pay", {"session_id": "cs_test_one"}),
        ("step_ended", {}),
    ):
        writer.tell(event, data)
    assert seen == [("step_started", 1, []), ("purchase", 0, [False]), ("step_ended", 0, [True])]


def test_nothing_is_bought_where_the_ledger_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    writer = LedgerWriter(
        lambda *_: None, a_job(tmp_path, "http://shop.test", ledger=str(file)), 1, journey=ga_purchase
    )
    with sqlite3.connect(file) as other:
        other.execute("DROP TABLE sessions")
    with pytest.raises(SiteBroken, match="nothing is bought without it") as refused:
        writer.tell("pay", {"session_id": "cs_test_one"})
    assert refused.value.kind is Kind.UNBOOKED


def test_orders_that_cannot_be_told_apart_are_not_looked_for(tmp_path: Path) -> None:
    site = Site(base_url="http://shop.test", cities={"Dallas": "dallas"}, email_pattern="all@example.com")
    file = tmp_path / "ledger.db"
    writer = LedgerWriter(
        lambda *_: None, a_job(tmp_path, site.base_url, site=site, ledger=str(file)), 1, journey=ga_purchase
    )
    writer.tell("order", {"email": "all@example.com"})
    ledger = Ledger(file)
    assert ledger.orders() == []
    ledger.close()


# -- the schedule's number ---------------------------------------------------------------------------------------------


def a_plan() -> Plan:
    journeys = (PlannedJourney(journey="ga_purchase", period_s=300), PlannedJourney(journey="vip", period_s=900))
    return Plan(location="us-east", hash="p1", journeys=journeys)


def buys(ledger: Ledger, scheduled: int = 0, ad_hoc: int = 0) -> None:
    """So many runs of each kind in the hour before NOW; the scheduled ones a little later than their slots."""
    for i in range(scheduled):
        slot = NOW - timedelta(minutes=59) + timedelta(minutes=3 * i)
        note(ledger, f"cs_test_s{i}", order=an_order(f"s{i}", slot=slot), now=slot + timedelta(seconds=9))
    for i in range(ad_hoc):
        note(ledger, f"cs_test_a{i}", order=an_order(f"a{i}"), now=NOW - timedelta(minutes=i))


def test_the_schedules_number_is_what_the_plan_runs_in_an_hour() -> None:
    assert per_hour(a_plan()) == 16


@pytest.mark.parametrize(
    ("scheduled", "ad_hoc", "refused"), [(15, 0, False), (16, 0, True), (12, 3, False), (12, 4, True)]
)
def test_an_ad_hoc_run_over_the_schedules_number_is_refused(
    ledger: Ledger, scheduled: int, ad_hoc: int, refused: bool
) -> None:
    ledger.set_schedule(16)
    buys(ledger, scheduled, ad_hoc)
    assert ("16 purchases were made here in the last hour" in (refusal(ledger, NOW) or "")) is refused


def test_where_there_is_no_schedule_there_is_no_number(ledger: Ledger) -> None:
    buys(ledger, ad_hoc=20)
    assert refusal(ledger, NOW) is None


def test_a_scheduled_run_counts_at_its_slot_so_that_jitter_never_exceeds_the_number(ledger: Ledger) -> None:
    for i, late_s in ((0, 30), (12, 2)):
        slot = NOW - timedelta(hours=1) + timedelta(minutes=5 * i)
        note(ledger, f"cs_test_{i}", order=an_order(f"r{i}", slot=slot), now=slot + timedelta(seconds=late_s))
    assert ledger.purchases(NOW + timedelta(seconds=10)) == 1


def test_a_run_that_tried_twice_is_one_purchase_of_the_schedule(ledger: Ledger) -> None:
    for attempt in (1, 2):
        note(ledger, f"cs_test_{attempt}", order=an_order(attempt=attempt))
    assert ledger.purchases(NOW) == 1


def test_the_ledgers_word_to_the_hub_counts_what_is_left_and_what_was_refused(ledger: Ledger) -> None:
    ledger.set_schedule(16)
    note(ledger, "cs_test_open", order=an_order("a"))
    note(ledger, "cs_test_paid", order=an_order("b"), state=State.PAID, now=LATER)
    note(ledger, "cs_test_clean", order=an_order("c"))
    ledger.settle("cs_test_clean", State.EXPIRED, NOW)
    ledger.refuse("d", NOW)
    ledger.put_off("cs_test_paid", "RateLimitError 429", next_try_at=LATER)
    state = state_of(ledger, "us-east", LATER, cleans=True)
    assert (state.purchases, state.refused, state.scheduled, state.open, state.paid) == (3, 1, 16, 1, 1)
    assert (state.oldest_at, state.cleans, state.trouble) == (NOW, True, "RateLimitError 429")


def test_a_run_whose_ledger_cannot_be_opened_is_our_own_fault_and_opens_no_browser(tmp_path: Path) -> None:
    run = walk(tmp_path, "http://127.0.0.1:9", ledger=str(tmp_path))
    assert (run.status, run.blame, run.browser) == ("errored", "runner", "no browser")
    assert "unable to open database file" in (run.error or "")
