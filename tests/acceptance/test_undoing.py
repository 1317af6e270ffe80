"""What is bought is undone, whoever dies, and every order says that it is synthetic."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from demo import Demo
from facts import Run, from_wire, to_wire
from runner.ledger.entries import State
from runner.ledger.ledger import Ledger
from runner.service import Runner, RunnerSettings
from tests.acceptance.conftest import Buy, a_purchase
from tests.acceptance.test_commands import sixfb, with_stripe
from tests.builders import A_MOMENT
from tests.jobs import walk
from tests.ledger_entries import an_order, note
from tests.sites import a_site

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GA, VIP = "ga_purchase", "vip_member_discount"


def eventually(holds: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait until it holds."""
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "it never came to hold"
        time.sleep(0.02)


def ours(demo: Demo, run_id: str) -> list[dict[str, object]]:
    """The sessions that a run has opened at the stand-in."""
    email = f"synthetic+{run_id.replace('_', '-')}@example.com"
    return [session for session in demo.account.sessions() if session["customer_email"] == email]


def left_at_stripe(demo: Demo, run_id: str) -> list[str]:
    """What a run's sessions still are that they should not be: open, or paid and not given back."""
    charges = {charge["payment_intent"]: charge for charge in demo.account.charges()}
    return [
        str(session["status"])
        for session in ours(demo, run_id)
        if session["status"] == "open"
        or (session["payment_status"] == "paid" and not charges[session["payment_intent"]]["refunded"])
    ]


@pytest.mark.parametrize("killed", ["supervisor", "runner"])
def test_a_run_killed_right_after_pay_leaves_an_empty_ledger_after_the_restart(
    demo: Demo, tmp_path: Path, killed: str
) -> None:
    file = tmp_path / "ledger.db"
    job = a_purchase(demo, GA, tmp_path, site={}, ledger=str(file), slot=A_MOMENT, run_id=f"killed-{killed}")
    ledger = Ledger(file)
    buyer = subprocess.Popen([sys.executable, "-P", "-m", "tests.drills.buyer"], stdin=subprocess.PIPE)
    assert buyer.stdin is not None
    buyer.stdin.write(json.dumps(to_wire(job)).encode())
    buyer.stdin.close()
    try:
        eventually(lambda: any(entry.pay_pressed for entry in ledger.entries()), within_s=120)
        victim = buyer.pid if killed == "runner" else psutil.Process(buyer.pid).children()[0].pid
        os.kill(victim, signal.SIGKILL)
    finally:
        buyer.wait(60)
    restarted = Runner(
        RunnerSettings(
            location="local",
            hub_url="http://127.0.0.1:9",
            folder=tmp_path,
            stripe_key=demo.stripe_key,
            stripe_api_base=demo.stripe_url,
        )
    )
    restarted.start()
    try:
        eventually(lambda: ledger.next_due() is None)
    finally:
        restarted.stop()
    assert ours(demo, job.run_id), "it had bought"
    assert (ledger.entries(unclean=True), ledger.orders()) == ([], [])
    assert left_at_stripe(demo, job.run_id) == []
    refunds = [r for r in demo.account.refunds() if r["metadata"] == {"sixfb_run": job.run_id}]
    assert len(refunds) == len(ours(demo, job.run_id)) == 1 or ours(demo, job.run_id)[0]["status"] == "expired"
    ledger.close()


def test_a_run_leaves_intent_session_and_payment_in_the_ledger(demo: Demo, buy: Buy, tmp_path: Path) -> None:
    run = buy(demo, GA, ledger=str(tmp_path / "ledger.db"))
    ledger = Ledger(tmp_path / "ledger.db")
    (entry,) = ledger.entries()
    assert (entry.session_id, entry.state, entry.pay_pressed) == (run.purchases[0].session_id, "paid", True)
    assert (entry.run_id, entry.amount_minor, ledger.orders()) == (run.id, 100_000, [])
    assert ledger.next_due() is not None
    ledger.close()


def test_the_command_undoes_what_it_bought_before_it_writes_the_record(demo: Demo, tmp_path: Path) -> None:
    done = sixfb("run", GA, "--site", demo.shop_url, "--json", "run.json", cwd=tmp_path, **with_stripe(demo))
    run = from_wire(Run, json.loads((tmp_path / "run.json").read_text()))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(p.state, p.note) for p in run.purchases] == [("refunded", "paid and refunded, nothing left to do")]
    assert left_at_stripe(demo, run.id) == []


def test_stop_before_payment_expires_the_session(demo: Demo, tmp_path: Path) -> None:
    setting = ("--set", "payment=stop_before_payment")
    before = demo.account.keystrokes
    sixfb("run", GA, "--site", demo.shop_url, *setting, "--json", "run.json", cwd=tmp_path, **with_stripe(demo))
    run = from_wire(Run, json.loads((tmp_path / "run.json").read_text()))
    assert [(p.state, p.amount_minor) for p in run.purchases] == [("expired", 100_000)]
    assert [step.status for step in run.steps][-2:] == ["skipped", "skipped"]
    assert (run.status, demo.account.keystrokes) == ("passed", before)


def test_without_a_key_it_is_never_called_clean_and_a_key_cleans_it_later(demo: Demo, tmp_path: Path) -> None:
    assert sixfb("run", VIP, "--site", demo.shop_url, cwd=tmp_path).returncode == 0
    assert "open, expires in 24 h" in " ".join(sixfb("ledger", cwd=tmp_path, COLUMNS="200").stdout.split())
    refused = sixfb("ledger", "--clean", cwd=tmp_path)
    assert (refused.returncode, "STRIPE_SECRET_KEY is not set" in refused.stderr) == (2, True)
    cleaned = sixfb("ledger", "--clean", "--all", "--json", cwd=tmp_path, **with_stripe(demo))
    told = json.loads(cleaned.stdout)
    assert (cleaned.returncode, told["left"], [row["state"] for row in told["purchases"]]) == (0, 0, ["expired"])


def test_an_ad_hoc_run_over_the_schedules_number_is_refused_with_a_sentence(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "var" / "runner" / "us-east" / "ledger.db")
    ledger.set_schedule(1)
    now = time.time()
    slot = A_MOMENT.fromtimestamp(now, A_MOMENT.tzinfo)
    note(ledger, order=an_order("planned", slot=slot), state=State.PAID, now=slot)
    done = sixfb("run", GA, "--site", "http://127.0.0.1:9", "--location", "us-east", cwd=tmp_path)
    assert done.returncode == 2
    assert "us-east: 1 purchases were made here in the last hour, and the schedule's number is 1" in done.stderr
    assert ledger.refusals(slot) == 1, "the hub is told with the next batch"
    ledger.close()


def test_the_shop_can_tell_every_request_of_ours(tmp_path: Path) -> None:
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.see(visit.page.get_by_text("answered"))
    """
    with a_site({"/script": "x"}) as other:
        script = f"fetch('/api/buy', {{method: 'POST'}}).then(() => document.body.append('answered')); fetch('{other.url}/script')"
        with a_site({"/": f"<h1>Shop</h1><script>{script}</script>", "/api/buy": "{}"}) as shop:
            run = walk(tmp_path, shop.url, body)
    assert run.status == "passed", run.error
    asked = {request.path: {k.lower(): v for k, v in request.headers.items()} for request in shop.asked}
    for path in ("/", "/api/buy"):
        assert "sixfb-synthetic-buyer/" in asked[path]["user-agent"]
        assert "sixfb_synthetic=1" in asked[path]["cookie"]
