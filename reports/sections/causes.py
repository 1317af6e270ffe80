"""Explains a page's web vitals: the element behind a late largest paint, a slow interaction or a shift, and its phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from facts import Vital
from reports import phases, vitals

_EXPLAINED = ("LCP", "INP", "CLS")
_TARGETS = {target.name: target for target in vitals.TARGETS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Holds one vital of one page.

    `element` is its selector, `picture` the URL of the image that was the largest paint, `note` a remark.
    """

    page: str
    navigation: str
    name: str
    value: str
    verdict: str
    element: str | None
    picture: str | None
    note: str | None
    spent: tuple[phases.Spent, ...]
    bar: Markup


def causes(found: Sequence[Vital]) -> tuple[Cause, ...]:
    """Return a row for each vital with a known element or phases, in the order of the visits; a CLS of 0 is left out."""
    told = [v for v in found if v.name in _EXPLAINED and v.value and (v.target or v.phases)]
    longest = max((v.value or 0 for v in told if v.phases), default=0)
    return tuple(_cause(vital, longest) for vital in told)


def _cause(vital: Vital, longest: float) -> Cause:
    cell = vitals.cell(vital, _TARGETS[vital.name])
    return Cause(
        page=vital.page,
        navigation=vital.navigation,
        name=vital.name,
        value=cell.value,
        verdict=cell.verdict,
        element=vital.target,
        picture=vital.url,
        note=_note(vital),
        spent=phases.spent(vital.phases),
        bar=phases.bar(vital.phases, total=longest) if vital.phases else Markup(""),
    )


def _note(vital: Vital) -> str | None:
    if vital.name == "CLS":
        return "moved most"
    if vital.event is None:
        return None
    left = "; the page was left before it could paint: what its handlers took" if vital.estimated else ""
    return f"on {vital.event}{left}"
