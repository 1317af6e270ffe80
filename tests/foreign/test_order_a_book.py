"""The journey of docs/journeys.md at a shop it was written for, and nothing of ours is needed but the public package."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facts import Blame, Status
from runner.attempt.start import make_run
from runner.ledger.cleaner import Cleaner
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger
from runner.ledger.own_undo import OwnUndo
from tests.foreign.bookshop import PASSWORD, Shop, a_bookshop
from tests.jobs import a_job

pytestmark = pytest.mark.browser

JOURNEY = Path(__file__).parent / "journeys" / "order_a_book.py"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "journeys.md"


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with a_bookshop() as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    opened.is_broken = opened.keeps_orders = False
    opened.standing.clear()
    shutil.copy(JOURNEY, tmp_path)
    (tmp_path / "password.txt").write_text(PASSWORD + "\n")
    return opened


def test_the_document_shows_this_very_file() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert JOURNEY.read_text(encoding="utf-8") in blocks


def test_it_needs_nothing_of_ours_but_the_public_package() -> None:
    imported = re.findall(r"^(?:from|import) (\S+)", JOURNEY.read_text(encoding="utf-8"), re.MULTILINE)
    assert imported == ["pathlib", "httpx", "sixfb"]


def test_a_book_is_ordered_and_cancelled_and_the_trace_goes_on_after_the_password(shop: Shop, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    run = make_run(a_job(tmp_path, shop.url, "order_a_book", trace="on", confirm=False, ledger=str(ledger.file)))
    assert (run.status, run.error, run.title) == (Status.PASSED, None, "A reader orders a book")
    (number,) = shop.standing
    (bought,) = run.purchases
    assert (bought.session_id, bought.amount_minor, bought.currency, bought.state) == (number, 1250, "usd", "ordered")
    assert (ledger.purchases(datetime.now(UTC)), ledger.untold(datetime.now(UTC))) == (1, 0)
    cleaner = Cleaner(ledger=ledger, desk=None, own=OwnUndo(journeys_dir=str(tmp_path)))
    shop.keeps_orders = True
    assert cleaner.sweep() == 0
    (entry,) = ledger.entries()
    assert (entry.state, "the shop answered 503" in str(entry.last_error)) == (State.ORDERED, True)
    shop.keeps_orders = False
    ledger.hurry(datetime.now(UTC))
    assert (cleaner.sweep(), shop.standing, ledger.left()) == (1, set(), {})
    ledger.close()
    trace = next(e for e in run.evidence if e.kind == "trace")
    with zipfile.ZipFile(tmp_path / "evidence" / str(trace.path)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert [name for name, data in content.items() if PASSWORD.encode() in data or b"session-of-a-reader" in data] == []
    network = b"".join(data for name, data in content.items() if name.endswith(".network"))
    assert (b"/basket/7" in network, b"/api/orders" in network, b"/sign-in" in network) == (True, True, False)


def test_an_order_that_is_refused_names_the_endpoint_and_what_it_said(shop: Shop, tmp_path: Path) -> None:
    shop.is_broken = True
    run = make_run(a_job(tmp_path, shop.url, "order_a_book", confirm=False))
    assert (run.status, run.blame, run.failed_step) == (Status.FAILED, Blame.SITE, "place_order")
    assert "POST /api/orders" in str(run.error)
    assert "503" in str(run.error)
    assert "The warehouse is closed" in str(run.error)


def test_a_password_that_is_refused_fails_without_a_picture_and_without_the_password(
    shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "password.txt").write_text("a-wrong-secret-1")
    file = tmp_path / "order_a_book.py"
    file.write_text(file.read_text().replace("deadline_s=40", "deadline_s=20, step_s=4"))
    run = make_run(a_job(tmp_path, shop.url, "order_a_book", trace="on", confirm=False))
    assert run.failed_step == "sign_in"
    assert {e.kind for e in run.evidence} == {"page_text", "trace"}
    assert any("sign_in is sensitive" in note for note in run.notes)
    kept = b"".join(f.read_bytes() for f in (tmp_path / "evidence").rglob("*") if f.is_file())
    assert b"a-wrong-secret-1" not in kept
