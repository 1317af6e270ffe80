"""A journey imports the modules beside it, and Python's import path is the same before and after."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from journeys.import_path import importable_beside
from journeys.placed_order import PlacedOrder
from journeys.registry import JourneyError, load_journeys
from runner.ledger.undo_order import why_not_undone
from tests.builders import A_MOMENT

_JOURNEY = """
from sixfb import Visit, journey
from {beside} import PRICE

def cancel(order):
    from {beside}_later import CANCELLED
    assert CANCELLED

@journey(title="A voucher", steps=("open",), undo=cancel)
def voucher(visit: Visit) -> None:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "voucher_pages.py").write_text("PRICE = 7\n")
    (tmp_path / "voucher_pages_later.py").write_text("CANCELLED = True\n")
    (tmp_path / "voucher.py").write_text(_JOURNEY.format(beside="voucher_pages"))
    return tmp_path


def test_loading_a_folder_leaves_the_import_path_as_it_was(folder: Path) -> None:
    before = list(sys.path)
    assert "voucher" in load_journeys(folder)
    assert sys.path == before


def test_a_journey_that_does_not_load_leaves_it_too(folder: Path) -> None:
    before = list(sys.path)
    (folder / "broken.py").write_text("import voucher_pages\n1 / 0\n")
    with pytest.raises(JourneyError, match="ZeroDivisionError"):
        load_journeys(folder)
    assert sys.path == before


def test_an_undo_imports_a_module_beside_its_journey_when_it_is_called(folder: Path) -> None:
    before = list(sys.path)
    order = PlacedOrder(
        order_id="A-1",
        amount_minor=None,
        currency=None,
        run_id="run",
        journey="voucher",
        location="us-east",
        placed_at=A_MOMENT,
        base_url="http://shop.test",
    )
    assert why_not_undone(order, str(folder)) is None
    assert sys.path == before


def test_a_folder_that_is_on_the_path_already_stays_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = list(sys.path)
    with importable_beside(tmp_path / "voucher.py"):
        assert sys.path == before
    assert sys.path == before
