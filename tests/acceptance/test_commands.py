"""The commands as their users type them, with a real browser behind them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from demo import Demo, DemoSettings, serve_demo
from facts import Run, from_wire
from tests.processes import name_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIXFB = Path(sys.executable).with_name("sixfb")
ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("STRIPE_", "SIXFB_", "PYTEST_"))},
        "SIXFB_SANDBOX": "off",
        **more,
    }


def sixfb(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(SIXFB), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=240, check=False
    )


def with_stripe(demo: Demo) -> dict[str, str]:
    return {"STRIPE_SECRET_KEY": demo.stripe_key, "STRIPE_API_BASE": demo.stripe_url}


def test_a_run_writes_its_json_its_junit_and_its_page(demo: Demo, tmp_path: Path) -> None:
    done = sixfb(
        *("run", "ga_purchase", "--site", demo.shop_url, "--location", "us-east"),
        *("--json", "run.json", "--junit", "junit.xml", "--report", "report"),
        cwd=tmp_path,
        **with_stripe(demo),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / "run.json").read_text())
    has_the_keys_that_others_rely_on(written)
    run = from_wire(Run, written)
    assert (run.status, run.location, run.slot) == ("passed", "us-east", None)
    suite = ET.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("ga_purchase@us-east", "7", "0")
    assert "passed" in (tmp_path / "report" / f"{run.id}.html").read_text()
    assert "✓ verify_success_page" in done.stdout


def has_the_keys_that_others_rely_on(written: dict[str, Any]) -> None:
    assert set(written) >= {
        *(
            "id",
            "journey",
            "location",
            "slot",
            "status",
            "blame",
            "slow",
            "flaky",
            "failed_step",
            "error",
            "duration_ms",
        ),
        *("site", "browser", "plan", "attempts", "steps", "vitals", "purchases", "evidence"),
    }
    attempt = written["attempts"][0]
    assert set(attempt) >= {"status", "error", "duration_ms", "steps", "vitals", "requests", "console", "dialogs"}
    assert set(attempt["steps"][0]) >= {"name", "status", "duration_ms", "error"}
    assert set(attempt["vitals"][0]) >= {"page", "name", "value", "unit", "navigation", "cut"}
    assert set(attempt["requests"][0]) >= {"step", "method", "endpoint", "status", "duration_ms", "party"}
    assert set(written["purchases"][0]) >= {"session_id", "amount_minor", "currency", "state"}
    assert set(written["evidence"][0]) >= {"kind", "sha256", "path"}


def test_a_failed_run_ends_with_1_and_says_what_broke(demo: Demo, tmp_path: Path) -> None:
    demo.faults.start("checkout_403")
    done = sixfb("run", "ga_purchase", "--site", demo.shop_url, "--report", "report", cwd=tmp_path)
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert (
        "proceed_to_stripe: POST /api/create-checkout-session answered 403 'CSRF Token Invalid'; the page showed alert"
        in told
    )
    assert "once more, to confirm" in told
    assert len(list((tmp_path / "report").glob("*.trace.zip"))) == 1


def test_a_run_that_was_our_own_fault_ends_with_3(demo: Demo, tmp_path: Path) -> None:
    demo.faults.start("blank_429")
    assert sixfb("run", "ga_purchase", "--site", demo.shop_url, cwd=tmp_path).returncode == 3


def test_prices_are_given_with_set(tmp_path: Path) -> None:
    """A shop that charges another price than ours passes where that price is given, and only there."""
    with serve_demo(settings=DemoSettings(member_discount={"ga": 20, "vip": 10})) as demo:
        price = ("--set", "prices.vip_member=1350")
        done = sixfb("run", "vip_member_discount", "--site", demo.shop_url, *price, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_repeat_stops_at_the_sites_own_limit_and_says_so_everywhere(tmp_path: Path) -> None:
    with serve_demo(settings=DemoSettings(rate_limit=12)) as demo:
        options = ("--repeat", "9", "--json", "runs.json", "--junit", "runs.xml", "--set", "request_budget=off")
        done = sixfb("run", "vip_member_discount", "--site", demo.shop_url, *options, cwd=tmp_path)
    runs = json.loads((tmp_path / "runs.json").read_text())
    assert [run["status"] for run in runs] == ["passed", "passed"]
    said = " ".join(done.stdout.split())
    assert "stopped after 2 of 9 runs: the request budget: " in said
    assert "this is the site's own limit" in said
    assert "2 of 9 runs were made, 2 passed; no rate is given" in said
    assert "median" in said
    assert 'name="vip_member_discount@local #3"' in (tmp_path / "runs.xml").read_text()
    assert done.returncode == 3


def test_a_smaller_number_in_site_yaml_stops_after_one_run_and_names_the_key(tmp_path: Path) -> None:
    with serve_demo() as demo:
        options = ("--repeat", "3", "--json", "runs.json", "--set", "request_budget.requests=7")
        done = sixfb("run", "vip_member_discount", "--site", demo.shop_url, *options, cwd=tmp_path)
    assert [run["status"] for run in json.loads((tmp_path / "runs.json").read_text())] == ["passed"]
    assert "raise request_budget.requests in site.yaml" in " ".join(done.stdout.split())
    assert done.returncode == 3


def test_the_journeys_run_under_plain_pytest(demo: Demo, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "journeys",
        "-p",
        "no:cacheprovider",
        "--tracing",
        "on",
        "--output",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(SIXFB_SITE=demo.shop_url, **with_stripe(demo)),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout[-3000:]
    assert len(list((tmp_path / "out").rglob("trace.zip"))) == 2


def test_a_failure_under_pytest_is_the_same_sentence(demo: Demo, tmp_path: Path) -> None:
    demo.faults.start("payment_500")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "journeys",
        "-k",
        "vip",
        "-p",
        "no:cacheprovider",
        "--output",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(SIXFB_SITE=demo.shop_url),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1
    assert "proceed_to_checkout: POST /api/create-checkout-session answered 500" in " ".join(done.stdout.split())


def test_a_journey_of_ones_own_walks_at_ones_own_site(demo: Demo, tmp_path: Path) -> None:
    assert sixfb("new", "journey", "gift_voucher", "--into", "mine", cwd=tmp_path).returncode == 0
    done = sixfb("run", "gift_voucher", "--site", demo.shop_url, cwd=tmp_path, SIXFB_JOURNEYS="mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ see_headline" in done.stdout


def test_one_round_of_the_demo_buys_everywhere_and_writes_all_it_found(tmp_path: Path) -> None:
    done = sixfb("demo", "--once", "--json", "round.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "round.json").read_text())
    assert set(found) == {"runs", "verdicts", "alerts"}
    assert sorted((r["journey"], r["location"], r["status"]) for r in found["runs"]) == sorted(
        (journey, location, "passed")
        for journey in ("ga_purchase", "vip_member_discount")
        for location in ("us-east", "us-west", "eu-west")
    )
    report = tmp_path / "var" / "demo" / "report"
    assert (report / "index.html").is_file()
    assert len(list((report / "runs").glob("*.html"))) == 6
    assert "6 of 6 runs passed" in done.stdout


@pytest.mark.drill
def test_a_broken_round_ends_with_1_and_tells_each_sentence_once(tmp_path: Path) -> None:
    done = sixfb("demo", "--once", "--break", "verify_down", cwd=tmp_path)
    told = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert "3 of 6 runs passed" in told
    sentence = (
        "✗ vip_member_discount at us-east, us-west, eu-west: fill_member_info: POST /api/verify-member answered 500"
    )
    assert told.count(sentence) == 1


def test_an_unknown_fault_is_told(tmp_path: Path) -> None:
    done = sixfb("demo", "--once", "--break", "coffee", cwd=tmp_path)
    assert (done.returncode, "no fault named 'coffee'; there are: payment_500" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "SIGTERM", "kill -9"]
)
def test_the_demo_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [str(SIXFB), "demo", "--no-history"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        dashboard = wait_for(lambda: dashboard_of(tmp_path))
        wait_for(lambda: [p for p in psutil.Process(demo.pid).children(recursive=True) if "chrom" in name_of(p)])
        assert httpx.get(dashboard).status_code == 200
        below = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(number)
        demo.wait(20)
    finally:
        demo.kill()
        said = demo.communicate()[0].decode()
    _, alive = psutil.wait_procs(below, timeout=15)
    assert alive == []
    assert "Traceback" not in said
    if number is not signal.SIGKILL:
        assert demo.returncode == 0


def dashboard_of(folder: Path) -> str | None:
    file = folder / "var" / "demo" / "addresses.json"
    return (
        str(json.loads(file.read_text())["dashboard"]) if file.exists() and file.read_text().endswith("}\n") else None
    )


def wait_for(probe: Any, seconds: float = 120) -> Any:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("what was waited for did not come")
