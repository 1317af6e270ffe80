"""Lists of the API: pages and filters, driven by Stripe's own library."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.demo.stripe.stand import Stand


def test_180_sessions_come_in_two_pages_each_once_and_newest_first(stand: Stand) -> None:
    made = [stand.open_session().id for _ in range(180)]
    first = stand.client.v1.checkout.sessions.list({"limit": 100})
    assert (len(first.data), first.has_more) == (100, True)
    assert [session.id for session in first.auto_paging_iter()] == made[::-1]


def test_a_list_shows_ten_unless_told_otherwise(stand: Stand) -> None:
    for _ in range(11):
        stand.open_session()
    page = stand.client.v1.checkout.sessions.list()
    assert (len(page.data), page.has_more) == (10, True)


def test_a_page_that_ends_exactly_at_the_last_object_has_no_more(stand: Stand) -> None:
    made = [stand.open_session().id for _ in range(4)]
    sessions = stand.client.v1.checkout.sessions
    assert sessions.list({"limit": 4}).has_more is False
    assert sessions.list({"limit": 2, "starting_after": made[2]}).has_more is False
    assert sessions.list({"limit": 2, "ending_before": made[1]}).has_more is False


def test_ending_before_counts_only_what_passes_the_filter(stand: Stand) -> None:
    made = [stand.open_session().id for _ in range(4)]
    stand.client.v1.checkout.sessions.expire(made[1])
    page = stand.client.v1.checkout.sessions.list({"status": "open", "ending_before": made[0]})
    assert [session.id for session in page.data] == [made[3], made[2]]


def test_ending_before_gives_the_page_just_above(stand: Stand) -> None:
    made = [stand.open_session().id for _ in range(5)]
    page = stand.client.v1.checkout.sessions.list({"ending_before": made[0], "limit": 2})
    assert [session.id for session in page.data] == [made[2], made[1]]
    assert page.has_more is True


def test_a_cursor_that_no_longer_passes_the_filter_still_marks_the_place(stand: Stand) -> None:
    made = [stand.open_session().id for _ in range(3)]
    stand.client.v1.checkout.sessions.expire(made[1])
    page = stand.client.v1.checkout.sessions.list({"status": "open", "starting_after": made[1]})
    assert [session.id for session in page.data] == [made[0]]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"gt": 100}, [200]),
        ({"gte": 100}, [100, 200]),
        ({"lt": 100}, [0]),
        ({"lte": 100}, [0, 100]),
        ({"gte": 50, "lt": 200}, [100]),
    ],
)
def test_lists_are_bounded_by_the_moment_of_creation(stand: Stand, bounds: dict[str, int], expected: list[int]) -> None:
    start = int(stand.clock.seconds)
    for later in (0, 100, 200):
        stand.clock.seconds = start + later
        stand.open_session()
    created: Any = {key: start + value for key, value in bounds.items()}
    page = stand.client.v1.checkout.sessions.list({"created": created})
    assert sorted(session.created - start for session in page.data) == expected


def test_sessions_are_filtered_by_status(stand: Stand) -> None:
    kept, closed = stand.open_session(), stand.open_session()
    stand.client.v1.checkout.sessions.expire(closed.id)
    sessions = stand.client.v1.checkout.sessions
    assert [session.id for session in sessions.list({"status": "open"}).data] == [kept.id]
    assert [session.id for session in sessions.list({"status": "expired"}).data] == [closed.id]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"created": {"since": 1}}, "created[since]"),
        ({"created": {"gte": "yesterday"}}, "created[gte]"),
        ({"starting_after": "cs_test_x"}, "starting_after"),
        ({"amount": 5}, "amount"),
    ],
)
def test_a_bad_list_parameter_is_refused_by_name(stand: Stand, params: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stand.client.v1.checkout.sessions.list(params)  # type: ignore[arg-type]
    assert (refused.value.http_status, refused.value.param) == (400, param)


def test_disputes_are_an_empty_list(stand: Stand) -> None:
    page = stand.client.v1.disputes.list()
    assert (page.data, page.has_more) == ([], False)
