"""What was bought is undone at Stripe: once, with patience, and nothing that is not ours or not a test."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from journeys.checkout_session import StripeAccess
from runner.ledger.cleaner import Cleaner
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger
from runner.ledger.undo import Found, StripeDesk, UndoError
from tests.builders import A_MOMENT
from tests.demo.stripe.stand import KEY, READ_KEY, Stage, Stand, a_payment, a_stand, staged
from tests.ledger_entries import an_order, note
from tests.sites import Page, a_site

MakeCleaner = Callable[..., Cleaner]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as opened:
        yield opened


@pytest.fixture
def stand(stage: Stage) -> Stand:
    return a_stand(stage)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def a_cleaner() -> Iterator[Callable[..., Cleaner]]:
    """Makes cleaners at the stand-in, on the stand-in's clock, without chance."""
    with ExitStack() as stack:

        def make(ledger: Ledger, stand: Stand, *, key: str = KEY) -> Cleaner:
            desk = stack.enter_context(closing(StripeDesk(StripeAccess(key, stand.url))))
            return Cleaner(
                ledger=ledger, desk=desk, clock=lambda: datetime.fromtimestamp(stand.clock(), UTC), jitter=lambda: 1.0
            )

        yield make


def opened(stand: Stand, ledger: Ledger, run_id: str = "run-1") -> str:
    """A session of a run, noted."""
    session = stand.open_session(customer_email=an_order(run_id).email)
    note(ledger, session.id, order=an_order(run_id), now=A_MOMENT)
    return session.id


def paid(stand: Stand, ledger: Ledger, run_id: str = "run-1") -> str:
    """A session of a run, paid, whose end nobody noted."""
    session_id = opened(stand, ledger, run_id)
    assert httpx.post(f"{stand.url}/v1/payment_pages/{session_id}/confirm", data=a_payment()).status_code == 200
    return session_id


def states(ledger: Ledger) -> list[str]:
    return [entry.state.value for entry in ledger.entries()]


def test_an_open_session_is_expired_and_a_paid_one_refunded_whole(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    opened(stand, ledger, "a")
    paid(stand, ledger, "b")
    assert a_cleaner(ledger, stand).sweep() == 2
    assert sorted(states(ledger)) == ["expired", "refunded"]
    assert sorted(session["status"] for session in stand.account.sessions()) == ["complete", "expired"]
    (charge,) = stand.account.charges()
    assert (charge["refunded"], charge["amount_refunded"]) == (True, 100_000)
    assert stand.account.refunds()[0]["metadata"] == {"sixfb_run": "b"}


def test_what_stripe_says_now_counts_and_not_what_was_noted(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    session_id = opened(stand, ledger)
    note(ledger, session_id, state=State.PAID)
    a_cleaner(ledger, stand).sweep()
    assert (states(ledger), stand.account.refunds()) == (["expired"], [])


def test_what_somebody_else_has_undone_is_clean_without_a_second_refund(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    session_id = paid(stand, ledger)
    session = stand.client.v1.checkout.sessions.retrieve(session_id)
    stand.client.v1.refunds.create({"payment_intent": str(session.payment_intent)})
    a_cleaner(ledger, stand).sweep()
    assert (states(ledger), len(stand.account.refunds())) == (["refunded"], 1)


def test_a_session_that_is_not_in_the_ledger_is_never_touched(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    somebodys = stand.open_session(customer_email="a.person@example.com")
    opened(stand, ledger)
    a_cleaner(ledger, stand).sweep()
    assert stand.client.v1.checkout.sessions.retrieve(somebodys.id).status == "open"


@pytest.mark.parametrize("failpoint", ["undo.refunded", "undo.expired"])
def test_a_cleaner_killed_between_stripes_yes_and_its_own_record_doubles_nothing(
    stand: Stand, ledger: Ledger, failpoint: str
) -> None:
    (paid if failpoint == "undo.refunded" else opened)(stand, ledger)
    program = [sys.executable, "-P", "-m", "tests.drills.cleaner", str(ledger.file), stand.url, KEY]
    assert subprocess.run([*program, failpoint], timeout=60, check=False).returncode == -signal.SIGKILL
    assert states(ledger) == ["open"], "it died before it could write"
    assert subprocess.run(program, timeout=60, check=False).returncode == 0
    assert states(ledger) == ["refunded" if failpoint == "undo.refunded" else "expired"]
    assert len(stand.account.refunds()) == (failpoint == "undo.refunded")


# -- Stripe says no ----------------------------------------------------------------------------------------------------


def test_a_429_stops_everything_for_a_while_and_then_it_goes_on(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    opened(stand, ledger, "a")
    opened(stand, ledger, "b")
    cleaner = a_cleaner(ledger, stand)
    stand.account.calls_a_second = 0
    assert cleaner.sweep() == 0
    assert sorted(entry.tries for entry in ledger.entries()) == [0, 1], "after the first 429 nobody else is tried"
    assert "RateLimitError 429" in (cleaner.trouble or "")
    stand.account.calls_a_second = None
    assert cleaner.sweep() == 0, "not before its time"
    stand.clock.seconds += 5
    assert cleaner.sweep() == 2


def test_retry_after_is_read_and_kept_to(ledger: Ledger) -> None:
    page = Page('{"error": {"message": "slow down"}}', 429, "application/json", {"Retry-After": "120"})
    now = A_MOMENT
    note(ledger, now=now)
    with (
        a_site({"/v1/checkout/sessions/cs_test_one": page}) as slow,
        closing(StripeDesk(StripeAccess(KEY, slow.url))) as desk,
    ):
        Cleaner(ledger=ledger, desk=desk, clock=lambda: now, jitter=lambda: 0.0).sweep()
    assert ledger.entries()[0].next_try_at == now + timedelta(seconds=120)


def test_waits_grow_to_ten_minutes_and_no_further(ledger: Ledger) -> None:
    desk = ScriptedDesk(UndoError("APIError 500", repeats=True))
    clock = [A_MOMENT]
    note(ledger, now=A_MOMENT)
    waits = []
    for _ in range(12):
        Cleaner(ledger=ledger, desk=desk, clock=lambda: clock[0], jitter=lambda: 1.0).sweep()
        due = ledger.next_due()
        assert due is not None
        waits.append((due - clock[0]).total_seconds())
        clock[0] = due
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]


def test_a_refund_that_stripe_answered_with_500_is_tried_with_another_key(ledger: Ledger) -> None:
    """Stripe gives the same 500 to the same key for a day; the charge itself is read first, so it cannot be doubled."""
    found = Found(session_id="cs_test_one", status="complete", paid=True, livemode=False, intent="pi_1")
    desk = ScriptedDesk(
        found, refunds=[UndoError("APIError 500", repeats=True), UndoError("no connection"), "succeeded"]
    )
    clock = [A_MOMENT]
    note(ledger, now=A_MOMENT)
    for _ in range(3):
        Cleaner(ledger=ledger, desk=desk, clock=lambda: clock[0]).sweep()
        clock[0] += timedelta(minutes=10)
    assert [key.rpartition("-")[2] for key in desk.keys] == ["1", "2", "2"]
    assert states(ledger) == ["refunded"]


def test_a_key_without_the_right_to_write_leaves_everything_and_says_so(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    opened(stand, ledger)
    cleaner = a_cleaner(ledger, stand, key=READ_KEY)
    cleaner.sweep()
    assert states(ledger) == ["open"]
    assert "PermissionError 403" in (cleaner.trouble or "")


def test_a_session_that_stripe_does_not_know_is_unknown_and_looked_for_again(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    note(ledger, "cs_test_of_another_account", now=datetime.fromtimestamp(stand.clock(), UTC))
    a_cleaner(ledger, stand).sweep()
    (entry,) = ledger.entries()
    assert (entry.state, entry.note) == ("unknown", "Stripe knows no such session with this key")
    assert entry.next_try_at is not None


# -- live mode ---------------------------------------------------------------------------------------------------------


def test_a_live_session_is_not_even_asked_for(ledger: Ledger) -> None:
    desk = ScriptedDesk(UndoError("asked"))
    note(ledger, "cs_live_one")
    Cleaner(ledger=ledger, desk=desk, clock=lambda: A_MOMENT).sweep()
    (entry,) = ledger.entries()
    assert (desk.asked, entry.state, entry.next_try_at) == (0, "unknown", None)


def test_an_object_that_says_livemode_true_is_not_touched(ledger: Ledger) -> None:
    desk = ScriptedDesk(Found(session_id="cs_test_one", status="open", paid=False, livemode=True))
    note(ledger)
    Cleaner(ledger=ledger, desk=desk, clock=lambda: A_MOMENT).sweep()
    assert (desk.expired, states(ledger), ledger.next_due()) == ([], ["unknown"], None)


def test_no_desk_is_opened_with_a_live_key() -> None:
    with pytest.raises(ValueError, match="a live Stripe key may never be near a journey"):
        StripeDesk(StripeAccess("rk_live_1234567890"))


# -- intents -----------------------------------------------------------------------------------------------------------


def test_a_session_that_no_run_lived_to_note_is_found_by_its_address_and_expired(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    ours, other = an_order("killed"), an_order("killed-2")
    ledger.order(an_order("killed", meant_at=datetime.fromtimestamp(stand.clock(), UTC)), hold=timedelta(0))
    session = stand.open_session(customer_email=ours.email)
    somebodys = stand.open_session(customer_email=other.email)
    cleaner = a_cleaner(ledger, stand)
    cleaner.sweep()
    assert (states(ledger), ledger.orders()) == (["expired"], [])
    assert stand.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert stand.client.v1.checkout.sessions.retrieve(somebodys.id).status == "open"


def test_an_intent_that_came_to_nothing_is_looked_for_until_the_shop_could_not_answer_any_more(
    stand: Stand, ledger: Ledger, a_cleaner: MakeCleaner
) -> None:
    ledger.order(an_order(meant_at=datetime.fromtimestamp(stand.clock(), UTC)), hold=timedelta(0))
    cleaner = a_cleaner(ledger, stand)
    cleaner.sweep()
    assert len(ledger.orders()) == 1
    stand.clock.seconds += 180
    cleaner.sweep()
    assert (ledger.orders(), ledger.entries()) == ([], [])


@dataclass
class ScriptedDesk:
    """A desk that finds what it is told to, and answers refunds in order."""

    found: Found | UndoError
    refunds: list[str | UndoError] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)
    asked: int = 0

    def find(self, session_id: str) -> Found:
        self.asked += 1
        if isinstance(self.found, UndoError):
            raise self.found
        return self.found

    def made_by(self, email: str, *, since: datetime, until: datetime) -> list[Found]:
        return []

    def expire(self, session_id: str) -> None:
        self.expired.append(session_id)

    def refund(self, found: Found, *, run_id: str, key: str) -> str:
        self.keys.append(key)
        answer = self.refunds.pop(0)
        if isinstance(answer, UndoError):
            raise answer
        return answer
