"""A round as the reports' tests look at it: two journeys at three locations."""

from __future__ import annotations

from facts import Evidence, Run, Status
from tests.builders import VIP_STEPS, a_purchase, a_run, an_attempt, some_steps

LOCATIONS = ("us-east", "us-west", "eu-west")


def a_round(evidence: tuple[Evidence, ...] = (), *, broken: tuple[str, ...] = ("us-west",)) -> tuple[Run, ...]:
    """A GA and a VIP run a location; the GA runs at the `broken` ones fail, everything else passes."""
    return tuple(run for place in LOCATIONS for run in (_ga(place, evidence, place in broken), _vip(place)))


def _ga(place: str, evidence: tuple[Evidence, ...], fails: bool) -> Run:
    status = Status.FAILED if fails else Status.PASSED
    return a_run(id=f"ga-{place}", location=place, status=status, evidence=evidence if fails else ())


def _vip(place: str) -> Run:
    attempt = an_attempt(status=Status.PASSED, steps=some_steps(VIP_STEPS), duration_ms=3549.0, requests=(), console=())
    left = a_purchase(amount_minor=120_000, state="expired", note="expired, nothing left to do")
    return a_run(
        id=f"vip-{place}",
        journey="vip_member_discount",
        location=place,
        status=Status.PASSED,
        attempts=(attempt,),
        purchases=(left,),
    )
