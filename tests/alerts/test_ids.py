"""The id of an alert fits a column and an address, whatever a page is called."""

from __future__ import annotations

import pytest

from alerts.states import begun
from facts import Verdict
from tests.alerts.builders import NOW, a_verdict

SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:~-")
SUBJECTS = [
    "/checkout LCP",
    "/a?b=c#d%2f..",
    "https://js.stripe.com",
    "/" + "x" * 500,
    "/" + "\u202e?" * 300,
    "/ä",
    "/a-b LCP",
]


def an_id(verdict: Verdict) -> str:
    return begun(verdict, episode=1, now=NOW).id


def test_an_id_that_fits_an_address_stays_as_it_was() -> None:
    assert an_id(a_verdict("F0")) == "F0.ga_purchase.1"
    assert an_id(a_verdict("W1", None, subject="us-east")) == "W1.us-east.1"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_id_of_any_subject_is_short_and_one_part_of_an_address(subject: str) -> None:
    found = begun(a_verdict("G1", subject=subject), episode=12, now=NOW)
    assert len(found.key) <= 80
    assert len(found.id) <= 100
    assert set(found.id) <= SAFE


def test_two_subjects_never_share_an_id() -> None:
    subjects = [*SUBJECTS, "/a b LCP", "/a_b LCP", "/a.b LCP", "/a/b LCP", "/" + "x" * 501, "/" + "x" * 499]
    assert len({an_id(a_verdict("G1", subject=subject)) for subject in subjects}) == len(subjects)
