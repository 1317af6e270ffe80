"""How many SMS one phone gets, and what becomes of those that wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.sms_limit import by_another_way, free_at, held_words
from facts import Notification, NotificationKind, NotificationState
from tests.alerts.builders import NOW
from tests.store.test_outbox import a_notification

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WAYS = {"ann": ("ann/phone", "ann/email"), "bob": ("bob/phone",)}


@pytest.mark.parametrize(
    ("ago", "wait"),
    [
        ([], None),
        ([MINUTE], None),
        ([59 * SECOND], SECOND),
        ([timedelta(0)], MINUTE),
        ([MINUTE * n for n in (2, 4, 6, 8)], None),
        ([MINUTE * n for n in (2, 4, 6, 8, 10)], 5 * MINUTE),
        ([MINUTE * n for n in (2, 4, 6, 8, 15)], None),
        ([5 * MINUTE * n for n in range(1, 12)], 5 * MINUTE),
        ([8 * MINUTE * n for n in range(1, 22)], 12 * MINUTE),
        ([30 * SECOND, *[MINUTE * n for n in (2, 4, 6, 8)]], 7 * MINUTE),
        ([-HOUR], None),
    ],
)
def test_a_phone_gets_one_a_minute_5_in_15_minutes_11_an_hour_and_21_in_3_hours(
    ago: list[timedelta], wait: timedelta | None
) -> None:
    assert free_at([NOW - one for one in ago], NOW) == (NOW + wait if wait is not None else None)


def test_on_the_demos_clock_the_limit_is_as_much_shorter() -> None:
    assert free_at([NOW - 11 * SECOND], NOW, scale=5.0) == NOW + SECOND
    assert free_at([NOW - 12 * SECOND], NOW, scale=5.0) is None


def test_in_three_hours_a_phone_that_is_flooded_gets_21() -> None:
    sent: list[datetime] = []
    now = NOW
    while now < NOW + 3 * HOUR:
        if free_at(sent, now) is None:
            sent.append(now)
        now += 10 * SECOND
    assert len(sent) == 21
    assert len([at for at in sent if at < NOW + HOUR]) == 11
    assert len([at for at in sent if at < NOW + 15 * MINUTE]) == 5


def test_the_reason_names_the_minute_by_which_it_is_sent() -> None:
    assert held_words(NOW.replace(hour=11, minute=40, second=30)) == "held by the SMS limit until 11:41 UTC"
    assert held_words(NOW.replace(hour=11, minute=41, second=0)) == "held by the SMS limit until 11:41 UTC"


def instead(
    held: Notification, *thread: Notification, usable: tuple[str, ...] = ("ann/email", "slack")
) -> Notification | None:
    return by_another_way(held, ways=WAYS, usable=usable, thread=[held, *thread], reason="held", now=NOW)


def an_sms(**facts: Any) -> Notification:
    return a_notification("inc-1.1.firing.ann/phone", **{"destination": "ann/phone", **facts})


def test_an_sms_that_waits_goes_by_another_way_of_the_same_person() -> None:
    found = instead(an_sms(state=NotificationState.CLAIMED, claimed_by="hub-1"))
    assert found is not None
    assert (found.id, found.destination, found.state) == ("inc-1.1.firing.ann/email", "ann/email", "owed")
    assert (found.claimed_by, found.reason) == (None, "in place of ann/phone: held")


@pytest.mark.parametrize("kind", [kind for kind in NotificationKind if kind is not NotificationKind.FIRING])
def test_only_the_news_of_a_breach_goes_another_way(kind: NotificationKind) -> None:
    assert instead(an_sms(kind=kind)) is None


def test_nobody_is_told_twice_nor_in_anothers_place() -> None:
    assert instead(an_sms(), a_notification("x", destination="ann/email")) is None
    assert instead(an_sms(destination="bob/phone")) is None
    assert instead(an_sms(), usable=("slack",)) is None, "her mail has no address"
