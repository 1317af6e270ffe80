"""The table of faults: what each must lead to, in a real browser, at the demo shop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo import FAULTS, Demo, DemoSettings, serve_demo
from facts import Run
from tests.acceptance.conftest import Buy
from tests.acceptance.table import GA, TABLE, VIP, Expected
from tests.jobs import quick_journeys

QUICK = {GA: "quick_ga", VIP: "quick_vip"}

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def rows() -> list[Any]:
    """Each fault with each journey. Where both end alike, the second of them is left to the drills."""
    found = []
    for fault, (ga, vip) in TABLE.items():
        alike = [pytest.mark.drill] if (ga.status, ga.blame) == (vip.status, vip.blame) else []
        found.append(pytest.param(fault, GA, ga, id=f"{fault}-{GA}"))
        found.append(pytest.param(fault, VIP, vip, id=f"{fault}-{VIP}", marks=alike))
    return found


def test_every_fault_has_its_row() -> None:
    assert set(TABLE) == set(FAULTS)


@pytest.mark.parametrize(("fault", "journey", "expected"), rows())
def test_a_fault_leads_to(fault: str, journey: str, expected: Expected, demo: Demo, buy: Buy, tmp_path: Path) -> None:
    demo.faults.start(fault)
    if expected.step_s is None:
        run = buy(demo, journey)
    else:
        quick_journeys(tmp_path, step_s=expected.step_s, deadline_s=expected.deadline_s)
        run = buy(demo, QUICK[journey], journeys_dir=str(tmp_path))
    assert (run.status, run.blame) == (expected.status, expected.blame), run.error
    assert expected.step in (None, run.failed_step)
    assert (run.failed_step is None) is (run.status == "passed")
    for words in expected.words:
        assert words in (run.error or "")
    for words in expected.notes:
        assert any(words in note for note in run.notes), run.notes
    assert run.slow is (fault == "slow_page")


@pytest.mark.parametrize("journey", [GA, VIP])
def test_a_stopped_site_refuses_the_connection(journey: str, buy: Buy) -> None:
    with serve_demo(settings=DemoSettings()) as demo:
        demo.stop_shop()
        run = buy(demo, journey)
    assert (run.status, run.failed_step) == ("failed", "navigate_to_register")
    assert run.blame in ("network", "site")
    assert "connection refused" in (run.error or "")


@pytest.mark.parametrize("journey", [GA, VIP])
def test_a_layout_shift_is_recorded_on_its_page(journey: str, demo: Demo, buy: Buy) -> None:
    page = "/" if journey == GA else "/pricing"
    healthy = cls_of(buy(demo, journey), page)
    demo.faults.start("layout_shift")
    shifted = cls_of(buy(demo, journey), page)
    assert healthy < 0.1 < 0.2 <= shifted


def cls_of(run: Run, page: str) -> float:
    return max(v.value or 0 for v in run.vitals if (v.page, v.name) == (page, "CLS") and not v.cut)


def test_a_script_that_throws_is_recorded(demo: Demo, buy: Buy) -> None:
    demo.faults.start("js_error")
    console = buy(demo, GA).attempts[0].console
    assert any(line.level == "exception" and "trackVisit" in line.text for line in console)


def test_a_third_party_that_is_down_is_recorded_under_its_origin(demo: Demo, buy: Buy) -> None:
    demo.faults.start("third_party_down")
    requests = buy(demo, GA).attempts[0].requests
    assert (demo.third_party_url, "/analytics.js", 503) in [(r.party, r.endpoint, r.status) for r in requests]
