"""The elements behind the web vitals are framed on the picture of the page that the run ended on, and on no other picture."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facts import Attempt, Evidence, Vital
from reports.artifacts import Artifact
from reports.sections.evidence import Picture, picture_of
from tests.builders import a_run, an_attempt

LCP = Vital(page="/pay/{id}", name="LCP", value=2100.0, unit="ms", navigation="hard", box=(40, 60, 300, 80))
CLS = Vital(page="/pay/{id}", name="CLS", value=0.12, unit="score", navigation="hard", box=(40, 60, 300, 80))
INP = Vital(page="/pay/{id}", name="INP", value=184.0, unit="ms", navigation="hard", box=(500, 700, 90, 30))


def pictured(*vitals: Vital, page: str | None = "https://shop.example/pay/17?x=1") -> Picture:
    attempt: Attempt = replace(an_attempt(), vitals=vitals, page=page)
    shot = Evidence(kind="screenshot", path="a.jpg", bytes=3, sha256="ab", attempt=attempt.number, masked=0)
    found = picture_of(replace(a_run(), attempts=(attempt,)), (Artifact(fact=shot, content=b"jpg"),))
    assert found is not None
    return found


def test_elements_are_framed_and_one_behind_two_vitals_once() -> None:
    outlines = pictured(LCP, INP, CLS).outlines
    assert [(one.x, one.y, one.width, one.height, one.label) for one in outlines] == [
        (40, 60, 300, 80, "LCP 2.10 s, CLS 0.12"),
        (500, 700, 90, 30, "INP 184 ms"),
    ]


@pytest.mark.parametrize(
    "vitals",
    [
        (),
        (replace(LCP, box=None),),
        (replace(LCP, value=None),),
        (replace(LCP, box=(40, 900, 300, 80)),),
        (replace(LCP, box=(-400, 60, 300, 80)),),
        (replace(LCP, box=(40, 60, 0, 80)),),
        (replace(LCP, box=(40, 60)),),
        # Another page came after it.
        (LCP, replace(INP, page="/success", box=None)),
    ],
)
def test_what_the_picture_does_not_show_is_not_framed(vitals: tuple[Vital, ...]) -> None:
    assert pictured(*vitals).outlines == ()


@pytest.mark.parametrize("page", [None, "", "https://shop.example/success", "https://shop.example/pay/1/2", "http://["])
def test_a_picture_of_a_page_that_told_no_vitals_is_left_as_it_is(page: str | None) -> None:
    assert pictured(LCP, page=page).outlines == ()
