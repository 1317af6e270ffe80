"""Bad input is one clear sentence and the right exit code, never a traceback.

What needs no process of its own is run in this one, by the same entry point.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.alerts.small_team import SMALL_TEAM
from tests.cli.hostile import sixfb as in_this_process

_OURS = ("STRIPE_", "SIXFB_", "DISPLAY", "WAYLAND")
SIXFB = Path(sys.executable).with_name("sixfb")
ROOT = Path(__file__).resolve().parents[2]
RECEIVERS = {
    name: f"https://hooks.example.com/{name.lower()}"
    for name in ("SLACK_EMERGENCY_WEBHOOK", "SLACK_OPS_WEBHOOK", "ALERT_WEBHOOK")
}


def sixfb(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    command = [str(SIXFB), *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "gift_voucher"], "no journey named 'gift_voucher'; there are: ga_purchase, vip_member_discount"),
        (
            ["run", "ga_purchase", "--location", "mars"],
            "no location named 'mars' (locations.yaml has us-east, us-west, eu-west)",
        ),
        (
            ["run", "ga_purchase", "--set", "prices.vip_membre=1"],
            "prices.vip_membre: unknown key (did you mean vip_member?)",
        ),
        (["run", "ga_purchase", "--set", "prices.ga"], "'prices.ga' is not KEY=VALUE"),
        (["run", "ga_purchase", "--set", "prices.ga=free"], "--set: prices.ga: input should be a valid number"),
        (["run", "ga_purchase", "--set", "card.number=4929000000006"], "not one of Stripe's published test cards"),
        (["run", "ga_purchase", "--site", "shop.example.com"], "--set: base_url: 'shop.example.com' is not an address"),
        (["run", "ga_purchase", "--header", "no colon"], "'no colon' is not \"Name: value\""),
        (["run", "ga_purchase", "--pause-on-failure"], "there is nothing to look at without --headed"),
        (
            ["run", "ga_purchase", "--json", "/proc/nowhere/run.json"],
            "--json: the folder /proc/nowhere cannot be written",
        ),
        (["run", "ga_purchase", "--report", "/proc/report"], "--report: the folder /proc/report cannot be written"),
        (["run", "ga_purchase", "--repeat", "0"], "greater than or equal to 1"),
        (["run", "ga_purchase", "--repeat", "1000000"], "--repeat: 1,000,000 runs would take days; 1,000 are the most"),
        (["run", "ga_purchase", "--slow-mo", "1e9"], "--slow-mo: 1e+09 is no number of milliseconds up to 60,000"),
        (["run", "ga_purchase", "--slow-mo", "nan"], "--slow-mo"),
        (["demo", "--shop-only", "--port", "65535"], "65535 and the three ports after it are used"),
        (["run", "ga_purchase", "--trace", "maybe"], "'maybe' is not one of"),
        (["runner", "--location", "us-east", "--headed"], "there is no display here"),
        (["run"], "Missing argument 'journey'"),
        (["new", "journey", "Gift Voucher"], "'Gift Voucher' is no name for a journey"),
        (
            ["db", "copy", "--from", "sqlite:////nowhere/sixfb.db", "--to", "sqlite:///new.db"],
            "--from: there is no file /nowhere/sixfb.db",
        ),
        (["db", "copy", "--from", "mysql://here/db", "--to", "sqlite:///new.db"], "--from: mysql is not supported"),
        (["alerts", "preview", "--rule", "F00"], "--rule: no rule is named 'F00'; did you mean F0?"),
        (["alerts", "preview", "--severity", "loud"], "--severity: 'loud' is none; write critical, high"),
        (["alerts", "preview", "--channel", "fax"], "--channel: 'fax' is no kind of channel (email, mail, pagerduty"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_bad_usage_is_told_and_ends_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    done = in_this_process(monkeypatch, *arguments)
    assert sentence in _one_line(done.err)
    assert done.code == 2
    assert "Traceback" not in done.err + done.out


def test_the_command_itself_ends_with_2(tmp_path: Path) -> None:
    done = sixfb("run", "gift_voucher", cwd=tmp_path)
    assert "no journey named 'gift_voucher'" in _one_line(done.stderr)
    assert (done.returncode, "Traceback" in done.stderr + done.stdout) == (2, False)


def _one_line(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a missing display by its environment")
def test_a_missing_display_is_told(tmp_path: Path) -> None:
    done = sixfb("run", "ga_purchase", "--headed", cwd=tmp_path)
    assert (done.returncode, "there is no display here" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_SOURCE_KEY"])
@pytest.mark.parametrize("key", ["sk_live_abc123", "rk_live_abc123"])
def test_a_live_stripe_key_is_refused_before_anything_else(tmp_path: Path, name: str, key: str) -> None:
    done = sixfb("run", "ga_purchase", cwd=tmp_path, **{name: key})
    assert done.returncode == 2
    assert f"{name}: holds a live Stripe key" in done.stderr
    assert "abc123" not in done.stderr + done.stdout


def test_a_live_stripe_key_in_a_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_abc123\n")
    done = sixfb("run", "ga_purchase", cwd=tmp_path, STRIPE_SECRET_KEY_FILE="key")
    assert (done.returncode, "STRIPE_SECRET_KEY_FILE: holds a live Stripe key" in done.stderr) == (2, True)


@pytest.mark.parametrize("text", ["much", "0", "100", "2 GB"])
def test_a_limit_of_memory_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    done = sixfb("run", "ga_purchase", cwd=tmp_path, SIXFB_MEMORY_MB=text)
    assert f"SIXFB_MEMORY_MB: {text!r} is no number of megabytes from 256 on" in " ".join(done.stderr.split())
    assert done.returncode == 2


def test_malformed_yaml_is_told_with_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("base_url: https://shop.example.com\nprices: {ga: 1000\ncity: Dallas\n")
    done = sixfb("run", "ga_purchase", cwd=tmp_path)
    assert done.returncode == 2
    assert "site.yaml:3: city: malformed YAML" in done.stderr


def test_check_tells_everything_that_is_wrong_in_every_file(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("base_url: nowhere\n")
    (tmp_path / "locations.yaml").write_text("locations: {us-east: {}}\njourneys: {ga_purchase: {every: often}}\n")
    done = sixfb("check", cwd=tmp_path, STRIPE_SECRET_KEY="sk_live_x")
    assert done.returncode == 2
    for sentence in (
        "base_url: 'nowhere' is not an address",
        "every: 'often' is not a duration",
        "holds a live Stripe key",
    ):
        assert sentence in done.stderr


def test_check_names_a_journey_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "locations.yaml").write_text("locations: {us-east: {}}\njourneys: {gift: {every: 5m}}\n")
    done = sixfb("check", cwd=tmp_path)
    assert (done.returncode, "journeys.gift: no such journey" in done.stderr) == (2, True)


def test_check_fails_while_ones_own_critical_roles_reach_nobody(tmp_path: Path) -> None:
    shipped = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert (shipped.returncode, shipped.stdout.splitlines()[-1]) == (
        0,
        "runs, and not everybody would be told: see above",
    )
    assert "not told        alerts.yaml: " in shipped.stdout
    own = tmp_path / "alerts.yaml"
    own.write_bytes((ROOT / "alerts.yaml").read_bytes())
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 2
    assert "a critical alert would not reach engineering_lead, devops_oncall, cto, product_manager" in done.stderr
    own.write_text(SMALL_TEAM)
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all is well")
    assert "site.yaml       shipped defaults: " in done.stdout


def test_a_journey_that_does_not_load_is_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
    done = sixfb("run", "ga_purchase", cwd=tmp_path, SIXFB_JOURNEYS=".")
    assert done.returncode == 2
    assert f"{tmp_path.resolve() / 'mine.py'}:1: ModuleNotFoundError" in done.stderr


def test_two_journeys_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from journeys.visit import journey\n\n@journey(title='x', steps=('a',))\ndef ga_purchase(visit): ...\n"
    )
    done = sixfb("journeys", "list", cwd=tmp_path, SIXFB_JOURNEYS=".")
    assert (done.returncode, "a journey named 'ga_purchase' is already in" in done.stderr) == (2, True)


def test_a_new_journey_is_listed_and_is_never_written_over(tmp_path: Path) -> None:
    assert sixfb("new", "journey", "gift_voucher", "--into", "mine", cwd=tmp_path).returncode == 0
    listed = sixfb("journeys", "list", cwd=tmp_path, SIXFB_JOURNEYS="mine")
    assert "gift_voucher" in listed.stdout
    assert "open_shop → see_headline" in listed.stdout
    again = sixfb("new", "journey", "gift_voucher", "--into", "mine", cwd=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_a_site_that_does_not_answer_is_a_failed_run_and_no_usage_error(tmp_path: Path) -> None:
    done = sixfb("run", "ga_purchase", "--site", "http://127.0.0.1:1234", cwd=tmp_path)
    assert done.returncode == 1
    assert "navigate_to_register: GET / failed: connection refused" in " ".join(done.stdout.split())


def test_check_refuses_a_schedule_that_would_have_its_own_address_blocked(tmp_path: Path) -> None:
    (tmp_path / "locations.yaml").write_text(
        "locations: {us-east: {}, eu-west: {}}\njourneys:\n  ga_purchase: {every: 90s}\n"
        "  vip_member_discount: {every: 5m, locations: [eu-west]}\n"
    )
    done = sixfb("check", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        "us-east would ask 120 of the 100 requests that the site allows one address in 15 minutes (10 x ga_purchase at 12)"
        in done.stderr
    )
    assert "eu-west would ask 135 of the 100 requests" in done.stderr
    assert "(10 x ga_purchase at 12 + 3 x vip_member_discount at 5)" in done.stderr


def test_check_shows_the_arithmetic_of_a_schedule_that_fits(tmp_path: Path) -> None:
    done = sixfb("check", cwd=tmp_path)
    assert (
        "41 of 100 requests in 15 minutes at one address (3 x ga_purchase at 12 + 1 x vip_member_discount at 5); "
        "2 locations may share an address" in done.stdout
    )


def test_check_warns_where_confirming_every_failure_would_not_fit(tmp_path: Path) -> None:
    site = (ROOT / "site.yaml").read_text().replace("requests: 100", "requests: 60")
    (tmp_path / "site.yaml").write_text(site)
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 0
    assert "no two locations may share an address" in done.stdout
    assert "82 of 60 requests" in done.stdout
