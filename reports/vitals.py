"""Compares web vitals with the limits of the guide and of Google."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from facts import Vital
from reports import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Holds a vital's limit: `most` in ms, or unitless for CLS; None if it has none. `absent` explains a missing value."""

    name: str
    meaning: str
    most: float | None
    absent: str = "did not happen"
    is_retired: bool = False

    @property
    def limit(self) -> str:
        """The limit as text; "" if there is none."""
        if self.most is None:
            return ""
        return f"{self.most:g}" if self.name == "CLS" else words.limit(self.most)


# LCP, CLS and FID: the monitoring guide. INP replaced FID in March 2024: https://web.dev/articles/inp
# FCP and TTFB: https://web.dev/articles/fcp and https://web.dev/articles/ttfb
TARGETS = (
    Target(name="LCP", meaning="largest paint", most=2500),
    Target(name="CLS", meaning="layout shift", most=0.1),
    Target(name="INP", meaning="next paint after an interaction", most=200, absent="no interaction"),
    Target(name="FCP", meaning="first paint", most=1800),
    Target(name="TTFB", meaning="first byte", most=800),
    # The guide limits only the load of one page, /success, which rule D4 judges.
    Target(name="LOAD", meaning="end of the load event", most=None, absent="left before its end"),
    Target(name="FID", meaning="first input delay", most=100, absent="no interaction", is_retired=True),
)


# A soft navigation requests no document: a first byte of 0 ms would look like a good one.
_OF_A_DOCUMENT = ("TTFB", "LOAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Holds one vital of one page. `words` give the verdict without colour, `brief` the same in a word or two.

    `verdict` is `good`, `over`, `cut`, `plain` (no limit) or `none`.
    """

    value: str
    verdict: str
    words: str
    brief: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Holds the vitals of one page in the order of `TARGETS`."""

    page: str
    navigation: str
    cells: tuple[Cell, ...]


def rows(vitals: Sequence[Vital]) -> tuple[Row, ...]:
    """Return a row for each visited page, in the order of the visits; a page visited twice has two rows."""
    return tuple(_row(visit) for visit in visits(vitals))


def visits(vitals: Iterable[Vital]) -> list[list[Vital]]:
    """Return the vitals grouped by navigation. A new navigation begins with another page, or with a name already seen."""
    found: list[list[Vital]] = []
    for vital in vitals:
        current = found[-1] if found else []
        same = current and (current[0].page, current[0].navigation) == (vital.page, vital.navigation)
        if same and vital.name not in {v.name for v in current}:
            current.append(vital)
        else:
            found.append([vital])
    return found


def _row(visit: list[Vital]) -> Row:
    by_name = {vital.name: vital for vital in visit}
    cells = tuple(cell(by_name.get(t.name), t, soft=visit[0].navigation == "soft") for t in TARGETS)
    return Row(page=visit[0].page, navigation=visit[0].navigation, cells=cells)


def cell(vital: Vital | None, target: Target, *, soft: bool = False) -> Cell:
    """Return one value with its verdict. `soft` is whether the page was reached by a soft navigation."""
    if soft and target.name in _OF_A_DOCUMENT:
        return Cell(value="–", verdict="none", words="a soft one has none", brief="none")
    if vital is None:
        return Cell(value="–", verdict="none", words="not recorded", brief="not recorded")
    if vital.value is None:
        return Cell(value="–", verdict="none", words=target.absent, brief=target.absent)
    value = f"{vital.value:.3f}".rstrip("0").rstrip(".") if target.name == "CLS" else words.duration(vital.value)
    if vital.cut:
        return Cell(value=value, verdict="cut", words="touched too soon, not graded", brief="not graded")
    if target.most is None:
        return Cell(value=value, verdict="plain", words="no limit")
    if vital.value > target.most:
        return Cell(value=value, verdict="over", words=f"over {target.limit}", brief="over")
    return Cell(value=value, verdict="good", words=f"within {target.limit}", brief="")
