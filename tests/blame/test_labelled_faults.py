"""Every labelled fault, really provoked, gets the status and the blame that it has. `make blame` prints the matrix of the same set.

Faults that lie next to each other in it are much alike: every third of each class is in `make test`, the others are drills. Those that
the table of faults provokes (`tests/acceptance`) are not provoked here again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from demo import Demo
from facts import Blame
from tests.blame.labelled import CASES, CLASSES
from tests.blame.stage import Case, Stage, a_stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage(opened_demo: Demo, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    opened_demo.faults.clear()
    with a_stage(opened_demo, tmp_path_factory.mktemp("blame"), browser) as opened:
        yield opened


def each_once() -> list[Any]:
    """The set; what is left to the drills is marked so."""
    seen: Counter[str] = Counter()
    found = []
    for case in CASES:
        if case.in_the_table:
            continue
        later = [pytest.mark.drill] if seen[case.expected] % 3 else []
        seen[case.expected] += 1
        found.append(pytest.param(case, id=case.name, marks=later))
    return found


@pytest.mark.parametrize("case", each_once())
def test_a_fault_is_laid_on_whose_it_is(case: Case, stage: Stage) -> None:
    run = case.provoke(stage)
    if case.blame is Blame.RUNNER:
        assert run.blame is not Blame.SITE, "our own fault is laid on the site"
    assert (run.status, run.blame) == (case.status, case.blame), run.error


def test_the_set_has_faults_of_every_class_and_each_has_a_name_of_its_own() -> None:
    classes = Counter(case.expected for case in CASES)
    assert set(classes) == set(CLASSES)
    assert min(classes.values()) >= 5
    assert sum(classes.values()) - classes["passed"] >= 40
    assert len({case.name for case in CASES}) == len(CASES)
