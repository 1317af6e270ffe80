"""What becomes of a message after its service took it: delivered, not delivered, or not confirmed in time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.channels import Arrival, Receipt
from alerts.message import Message
from facts import (
    Confirmation,
    HoldReason,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Severity,
    to_wire,
    trail_of,
)
from hub.deliver import Deliverer
from hub.receipts import Receipts
from store import Store, destinations, ladder, outbox
from tests.alerts.builders import clear
from tests.hub.test_escalation import POLICY, START, quorum, tick
from tests.store.test_outbox import a_notification

PENDING, CONFIRMED, UNCONFIRMED = Confirmation.PENDING, Confirmation.CONFIRMED, Confirmation.UNCONFIRMED
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass
class APhone:
    """A phone whose service says what the test wants."""

    says: Arrival | Exception = field(default_factory=lambda: Arrival(confirmation=PENDING, detail="sent"))
    asked: list[str] = field(default_factory=list)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        return Receipt(ok=True, detail="Twilio took it (SM1)", reference=f"SM-{dedup_key}"[:100])

    def arrival(self, reference: str) -> Arrival:
        self.asked.append(reference)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@dataclass
class APost:
    """A channel without confirmations."""

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        return Receipt(ok=True, detail="Slack answered ok (200)")


class Bench:
    """A hub's tick, deliverer and receipts on one clock."""

    def __init__(self, store: Store, **phones: APhone) -> None:
        self.store, self.now, self.woken, self.policy = store, START, 0, POLICY
        self.channels: dict[str, Any] = {"slack": APost(), **{f"{name}/sms": phone for name, phone in phones.items()}}
        clock = lambda: self.now  # noqa: E731 - the clock of both
        self.deliverer = Deliverer(store=store, channels=self.channels, holder="one", clock=clock, routes=POLICY.routes)
        self.receipts = Receipts(
            store=store, channels=self.channels, clock=clock, give_up=self.deliverer.tell_another, unreached=self.wake
        )

    def wake(self) -> None:
        self.woken += 1

    def go(self, after: timedelta = timedelta(0)) -> None:
        self.now += after
        tick(self.store, self.now, quorum(), policy=self.policy)
        self.deliverer.deliver()

    def of(self, destination: str) -> list[Notification]:
        with self.store.read() as connection:
            return [one for one in outbox.of_threads(connection, ["inc-1"]) if one.destination == destination]

    def rows(self) -> dict[int, LadderStatus]:
        with self.store.read() as connection:
            return {row.tier: row.status for row in ladder.of_incidents(connection, ["inc-1"])}


def test_a_receipt_is_stored_with_the_message(sqlite_store: Store) -> None:
    bench = Bench(sqlite_store, ann=APhone())
    bench.go()
    (slack,), (phone,) = bench.of("slack"), bench.of("ann/sms")
    assert (slack.receipt, slack.confirmation) == ("Slack answered ok (200)", None)
    assert (phone.receipt, phone.confirmation) == ("Twilio took it (SM1)", PENDING)
    assert "receipt: Slack answered ok (200)" in trail_of(slack)
    assert "not known yet whether it arrived" in trail_of(phone)


def test_a_delivered_sms_is_confirmed_and_asked_for_no_more(sqlite_store: Store) -> None:
    phone = APhone(Arrival(confirmation=CONFIRMED, detail="delivered (SM1)"))
    bench = Bench(sqlite_store, ann=phone, bob=APhone())
    bench.go()
    bench.now += 8 * SECOND
    assert (bench.receipts.look(), bench.receipts.look()) == (1, 0)
    (told,) = bench.of("ann/sms")
    assert (told.confirmation, told.receipt, told.confirmed_at) == (CONFIRMED, "delivered (SM1)", bench.now)
    assert len(phone.asked) == 1
    bench.go(SECOND)
    assert bench.rows()[1] is LadderStatus.DONE
    assert (bench.woken, bench.of("bob/sms")) == (0, [])


def test_sent_for_five_minutes_without_delivered_calls_the_next_tier_at_once_and_says_so(sqlite_store: Store) -> None:
    bench = Bench(sqlite_store, ann=APhone(), bob=APhone())
    bench.go()
    bench.now += 5 * MINUTE - SECOND
    assert bench.receipts.look() == 0
    bench.now += SECOND
    assert bench.receipts.look() == 1
    assert bench.woken == 1
    (told,) = bench.of("ann/sms")
    assert (told.state, told.confirmation) == (NotificationState.DELIVERED, UNCONFIRMED)
    assert told.receipt == "not confirmed within 5 min: sent"
    bench.go()
    assert bench.rows()[1] is LadderStatus.UNREACHED
    assert len(bench.of("bob/sms")) == 1
    said = [one.message["headline"] for one in bench.of("slack")]
    assert any("reached nobody" in one and "ann/sms was not reached: not confirmed within 5 min" in one for one in said)


@pytest.mark.parametrize("after", [SECOND, 30 * SECOND, 3 * MINUTE])
def test_an_sms_that_could_not_be_delivered_calls_the_next_tier_without_waiting(
    sqlite_store: Store, after: timedelta
) -> None:
    phone = APhone(Arrival(confirmation=UNCONFIRMED, detail="undelivered, error 30005 (SM1)"))
    bench = Bench(sqlite_store, ann=phone, bob=APhone())
    bench.go()
    bench.now += after
    bench.receipts.look()
    (told,) = bench.of("ann/sms")
    assert (told.state, told.last_error) == (NotificationState.DEAD, "undelivered, error 30005 (SM1)")
    bench.go()
    assert len(bench.of("bob/sms")) == 1, "not after five minutes"
    with sqlite_store.read() as connection:
        assert "ann/sms" in destinations.marked(connection), "W4 tells of it"


@pytest.mark.parametrize(
    "says",
    [Arrival(confirmation=PENDING, detail="its status is not known (answered 500)"), RuntimeError("a fault of ours")],
)
def test_a_service_that_does_not_say_counts_as_not_reached_after_the_same_time(
    sqlite_store: Store, says: Arrival | Exception
) -> None:
    bench = Bench(sqlite_store, ann=APhone(says))
    bench.go()
    bench.now += 4 * MINUTE
    assert bench.receipts.look() == 0
    bench.now += MINUTE
    assert bench.receipts.look() == 1
    assert bench.of("ann/sms")[0].confirmation is UNCONFIRMED


def test_a_destination_that_left_the_file_holds_nobody_up(sqlite_store: Store) -> None:
    bench = Bench(sqlite_store, ann=APhone())
    bench.go()
    del bench.channels["ann/sms"]
    bench.now += 5 * MINUTE
    assert bench.receipts.look() == 1
    assert "not in alerts.yaml any more" in (bench.of("ann/sms")[0].receipt or "")


@pytest.mark.parametrize(("bob", "called"), [(CONFIRMED, 0), (UNCONFIRMED, 1)])
def test_a_tier_is_reached_while_one_of_its_people_is(sqlite_store: Store, bob: Confirmation, called: int) -> None:
    assert POLICY.escalation is not None
    first, *others = POLICY.escalation.tiers
    both = replace(first, recipients={Severity.CRITICAL: ("ann", "bob")})
    lost = APhone(Arrival(confirmation=UNCONFIRMED, detail="undelivered"))
    phones = {"ann": lost, "bob": APhone(Arrival(confirmation=bob, detail="x")), "cto": APhone()}
    bench = Bench(sqlite_store, **phones)
    bench.policy = replace(POLICY, escalation=replace(POLICY.escalation, tiers=(both, others[1])))
    bench.go()
    bench.receipts.look()
    bench.go(MINUTE)
    assert len(bench.of("cto/sms")) == called


def test_an_end_is_told_to_a_phone_that_may_have_the_beginning(sqlite_store: Store) -> None:
    bench = Bench(sqlite_store, ann=APhone())
    bench.go()
    bench.now += 5 * MINUTE
    bench.receipts.look()
    tick(sqlite_store, bench.now, clear())
    assert [one.kind.value for one in bench.of("ann/sms")][-1] == "resolved"


def test_a_hub_that_stops_decides_nothing(sqlite_store: Store) -> None:
    bench = Bench(sqlite_store, ann=APhone())
    bench.go()
    bench.now += 6 * MINUTE
    bench.receipts.end()
    assert bench.receipts.look() == 0
    assert bench.of("ann/sms")[0].confirmation is PENDING


@dataclass
class ALimitedPhone(APhone):
    """A phone with a number."""

    number: str = "+15550100001"
    sent: list[str] = field(default_factory=list)

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self.sent.append(message.incident)
        return Receipt(ok=True, detail="taken")


@pytest.mark.parametrize("numbers", [("+15550100001", "+15550100001"), ("+15550100001", "+15550100002")])
def test_a_phone_with_enough_sms_waits_with_a_visible_reason_and_the_person_is_told_by_mail(
    store: Store, numbers: tuple[str, str]
) -> None:
    ann, other = ALimitedPhone(number=numbers[0]), ALimitedPhone(number=numbers[1])
    now = [START]

    deliverer = Deliverer(
        store=store,
        channels={"ann/phone": ann, "sms": other, "ann/email": APost()},
        holder="one",
        clock=lambda: now[0],
        ways={"ann": ("ann/phone", "ann/email")},
    )

    def owe(name: str, destination: str = "ann/phone") -> None:
        message = to_wire(
            Message(incident=name, kind=NotificationKind.FIRING, severity=Severity.CRITICAL, headline=name, summary="x")
        )
        made = {"created_at": now[0], "due_at": now[0], "thread": name, "destination": destination, "message": message}
        with store.write() as connection:
            outbox.owe(connection, [a_notification(f"{name}.{destination}", **made)])
        for _ in range(2):  # what is owed by another way is sent at the next look
            deliverer.deliver()

    def of(name: str) -> dict[str, Notification]:
        with store.read() as connection:
            return {one.destination: one for one in outbox.of_threads(connection, [name])}

    owe("inc-1")
    now[0] += 20 * SECOND
    owe("inc-2")
    held = of("inc-2")["ann/phone"]
    assert (held.state, held.hold, held.tries) == (NotificationState.OWED, HoldReason.SMS_LIMIT, 0)
    assert held.reason == "held by the SMS limit until 16:51 UTC"
    assert held.due_at == START + MINUTE
    assert of("inc-2")["ann/email"].state is NotificationState.DELIVERED
    assert of("inc-2")["ann/email"].reason == "in place of ann/phone: held by the SMS limit until 16:51 UTC"
    owe("inc-3", "sms")
    shares = numbers[0] == numbers[1]
    assert other.sent == ([] if shares else ["inc-3"]), "one phone by two names has one limit"
    now[0] = START + MINUTE
    deliverer.deliver()
    assert len(ann.sent) + len(other.sent) == (2 if shares else 3)
    assert ann.sent[0] == "inc-1"


def test_an_sms_that_is_being_sent_counts_for_its_phone_already(store: Store) -> None:
    ann, other = ALimitedPhone(), ALimitedPhone()
    deliverer = Deliverer(store=store, channels={"ann/phone": ann, "sms": other}, holder="one", clock=lambda: START)
    message = to_wire(
        Message(incident="inc", kind=NotificationKind.FIRING, severity=Severity.CRITICAL, headline="x", summary="x")
    )
    for destination in ("ann/phone", "sms"):
        made = {"created_at": START, "due_at": START, "thread": destination, "message": message}
        with store.write() as connection:
            outbox.owe(connection, [a_notification(destination, destination=destination, **made)])
    with store.write() as connection:  # another hub has claimed one, and has not heard from the provider yet
        assert outbox.claim(connection, holder="two", now=START, lease_s=60, limit=1, destination="sms")
    deliverer.deliver()
    assert (ann.sent, other.sent) == ([], [])
    with store.read() as connection:
        (held,) = outbox.of_threads(connection, ["ann/phone"])
    assert held.hold is HoldReason.SMS_LIMIT


def test_two_hubs_record_it_once(store: Store) -> None:
    bench = Bench(store, ann=APhone(Arrival(confirmation=CONFIRMED, detail="delivered")))
    bench.go()
    with store.write() as connection:
        (one,) = outbox.to_confirm(connection, limit=5)
        done = [outbox.confirm(connection, one.id, CONFIRMED, at=bench.now, detail="x") for _ in range(2)]
    assert done == [True, False]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"state": NotificationState.OWED, "reason": "held until 09:00 (UTC): outside business hours"},
            "due at 2026-11-30 09:00:00 UTC; held until 09:00 (UTC): outside business hours",
        ),
        (
            {"state": NotificationState.DEAD, "tries": 3, "last_error": "answered 404"},
            "dead (made at 2026-11-30 08:00:00 UTC); 3 tries; last error: answered 404",
        ),
        (
            {"state": NotificationState.SUPPRESSED, "reason": "A1s covers it"},
            "suppressed (made at 2026-11-30 08:00:00 UTC); A1s covers it",
        ),
        (
            {"confirmation": CONFIRMED, "receipt": "delivered"},
            "delivered at 2026-11-30 08:00:05 UTC; receipt: delivered; arrived by 2026-11-30 08:00:09 UTC",
        ),
    ],
)
def test_the_trail_says_what_became_of_a_message(facts: dict[str, Any], said: str) -> None:
    made = datetime.fromisoformat("2026-11-30T08:00:00+00:00")
    one = a_notification(
        "n1",
        **{
            "created_at": made,
            "due_at": made + timedelta(hours=1),
            "state": NotificationState.DELIVERED,
            "delivered_at": made + 5 * SECOND,
            "confirmed_at": made + 9 * SECOND,
            "tries": 1,
            **facts,
        },
    )
    assert trail_of(one).startswith(said)
