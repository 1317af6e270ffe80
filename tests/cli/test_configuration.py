"""What the commands read, refuse and say of their configuration. The command runs in this process, which spares its start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerts.routes import routing_from
from cli import hub_config, settings
from cli.app import main
from cli.hub import degraded
from config import ConfigError
from config.documents import parse_document
from tests.alerts.small_team import SMALL_TEAM
from tests.cli.test_bad_input import RECEIVERS, ROOT, SIXFB

TOKEN = f"sfb_us-east_{'0a' * 4}_{'1b' * 32}"


@dataclass(frozen=True)
class Done:
    code: object
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


Sixfb = Callable[..., Done]


@pytest.fixture
def sixfb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sixfb:
    """Run a command in a folder of its own, with receivers that have addresses."""
    for name in [*os.environ]:
        if name.startswith(("STRIPE_", "SIXFB_", "DATABASE_", "SLACK_", "ALERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in RECEIVERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> Done:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["sixfb", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Done(ended.value.code, told.out, told.err)

    return run


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such folder"),
        (lambda path: path.write_text(""), "it is no folder"),
        (lambda path: path.symlink_to(path.name), "it is a loop of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "there is no such folder"),
    ],
)
def test_a_configuration_folder_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "conf")
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path / "conf"))
    with pytest.raises(ConfigError, match=f"environment: SIXFB_CONFIG: .*conf: {words}"):
        settings.config_file("site.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_configuration_folder_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0)
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match="this user may not read that folder"):
        settings.config_file("site.yaml")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["site.yml", "Site.yaml", "sites.yaml", "SITE.YML", "site.yaml.txt"])
def test_a_name_that_is_not_quite_right_is_refused_in_a_named_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_text("base_url: https://shop.example.com\n")
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path))
    with pytest.raises(ConfigError, match=r"is not read: the name is site\.yaml"):
        settings.config_file("site.yaml")


@pytest.mark.parametrize("name", ["site.yaml.bak", "site-eu.yaml", "compose.yaml", "site.md"])
def test_another_file_beside_them_is_nobodys_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_text("")
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path))
    assert settings.config_file("site.yaml") == ROOT / "site.yaml"


def test_in_the_current_folder_it_is_a_warning_and_a_mistake_for_check(tmp_path: Path, sixfb: Sixfb) -> None:
    (tmp_path / "sla.yml").write_text("")
    assert "warning: sla.yml: is not read: the name is sla.yaml" in sixfb("sla").err
    assert (checked := sixfb("check")).code == 2
    assert "sla.yml: is not read: the name is sla.yaml (rename it" in checked.err


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_what_stands_in_a_files_place_is_never_passed_over(tmp_path: Path, sixfb: Sixfb, kind: str) -> None:
    for name in settings.FILES:
        file = tmp_path / name
        if kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        else:
            file.symlink_to(name)
    done = sixfb("check")
    assert done.code == 2
    assert [line.partition(": is a ")[0] for line in sorted(done.err.splitlines())] == [
        f"sixfb: {name}" for name in sorted(settings.FILES)
    ]


def test_a_command_says_which_files_it_reads(tmp_path: Path, sixfb: Sixfb) -> None:
    (tmp_path / "sla.yaml").write_bytes((ROOT / "sla.yaml").read_bytes())
    first = sixfb("sla").err.splitlines()[0]
    assert first == (
        f"sixfb: reads site.yaml: shipped defaults, locations.yaml: shipped defaults, {tmp_path / 'sla.yaml'}"
    )
    checked = sixfb("check").out
    assert f"sla.yaml        {tmp_path / 'sla.yaml'}: " in checked
    assert "alerts.yaml     shipped defaults: " in checked


REFUSED = [
    {
        "SIXFB_HUB_URL": ("ftp://x", "is not an address"),
        "SIXFB_TOKEN": ("abc", "is no token: it is written sfb_<location>_"),
        "DATABASE_URL": ("mysql://u:hunter22@h/d", "mysql is not supported"),
        "SIXFB_CHROMIUM": ("/nowhere/chromium", "names no file"),
        "SIXFB_SANDBOX": ("maybe", "neither on nor off"),
        "SIXFB_MEMORY_MB": ("9999999999", "is no number of megabytes from 256 on"),
        "SIXFB_EVIDENCE_GB": ("1_0", "is no number"),
        "SIXFB_STOP_GRACE": ("9999m", "a run is ended after ten minutes at most"),
        "SIXFB_METRICS_PORT": ("65536", "no port"),
        "STRIPE_API_BASE": ("localhost", "is not an address"),
        "HTTPS_PROXY": ("ftp://me:hunter22@proxy", "is no proxy's address"),
        "SIXFB_SECRET_KEY": ("too-short-a-key", "fewer than 32"),
        "SIXFB_VAR": (str(ROOT / "README.md"), "README.md is no folder"),
        "ALERT_WEBHOOK_FILE": ("/nowhere", "ALERT_WEBHOOK: is set, and so is ALERT_WEBHOOK_FILE"),
    },
    {
        "SIXFB_HUB_URL": ("http://h/api/runs", "leads to one of the hub's pages"),
        "SIXFB_TOKEN": (TOKEN[:-1], "is no token"),
        "DATABASE_URL": ("garbage", "is not a database's address"),
        "SIXFB_CHROMIUM": ("/tmp", "is a folder"),
        "SIXFB_MEMORY_MB": ("99999999", "are more than any machine has"),
        "SIXFB_EVIDENCE_GB": ("0", "is not between 0.001 and 1,000,000"),
        "SIXFB_JOURNEYS": ("/nowhere", "/nowhere is not a folder"),
    },
    {
        "DATABASE_URL": ("postgresql://h:port/d", "is not a database's address"),
        "SIXFB_CHROMIUM": (str(ROOT / "README.md"), "may not be executed"),
        "SIXFB_TOKEN_FILE": ("/tmp", "SIXFB_TOKEN_FILE: the secret cannot be read: it is a folder"),
    },
    {
        "DATABASE_URL": ("sqlite:////tmp", "/tmp is a folder"),
        "HTTPS_PROXY": ("http://p:99999", "is no proxy's address"),
    },
    {"DATABASE_URL": ("sqlite:////tmp/x.db?timeout=never", "timeout: 'never' is no number of seconds")},
    {"DATABASE_URL": ("sqlite:////nowhere/at/all/x.db", "there is no folder /nowhere/at/all")},
    {"SIXFB_HOSTS": ("hub.example.com", "add a user first")},
    {"SIXFB_TOKEN": ("\udcff", "SIXFB_TOKEN: is not UTF-8 text")},
]


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: " ".join(wrong))
def test_check_finds_all_that_hub_or_runner_would_refuse(sixfb: Sixfb, wrong: dict[str, tuple[str, str]]) -> None:
    done = sixfb("check", **{name: value for name, (value, _) in wrong.items()})
    assert done.code == 2
    assert [(name, words) for name, (_, words) in wrong.items() if words not in done.err] == []
    assert "hunter22" not in done.said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIXFB_HUB_URL", "https://me:hunter22@hub"),
        ("SIXFB_TOKEN", "abc"),
        ("SIXFB_TOKEN", TOKEN.replace("us-east", "us-west")),
        ("SIXFB_CHROMIUM", "/nowhere/chromium"),
        ("HTTPS_PROXY", "ftp://proxy"),
        ("SIXFB_JOURNEYS", "/nowhere"),
    ],
)
def test_a_runner_does_not_start_with_a_setting_that_would_fail_every_slot(sixfb: Sixfb, name: str, value: str) -> None:
    done = sixfb("runner", "--location", "us-east", **{"SIXFB_HUB_URL": "http://127.0.0.1:9", name: value})
    assert done.code == 2
    assert name in done.err
    assert "hunter22" not in done.said


def test_check_finds_a_secret_that_a_runner_would_not_read(tmp_path: Path, sixfb: Sixfb) -> None:
    (tmp_path / "key").write_text("a-secret-of-the-shop")
    site = (ROOT / "site.yaml").read_text()
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    (tmp_path / "site.yaml").write_text(f"{site}\nheader_files: {{X-Shop-Key: {tmp_path / 'key'}}}\n")
    done = sixfb("check")
    assert done.code == 2
    assert (
        "header_files.X-Shop-Key: is not in /run/secrets (put it there, or name its folder in SIXFB_SECRETS" in done.err
    )
    assert sixfb("check", SIXFB_SECRETS=str(tmp_path)).code == 0


@pytest.mark.parametrize("name", ["sixfb.db", "secret.key"])
def test_check_finds_what_stands_in_the_place_of_a_file_of_the_hub(tmp_path: Path, sixfb: Sixfb, name: str) -> None:
    (tmp_path / "var" / "hub").mkdir(parents=True)
    os.mkfifo(tmp_path / "var" / "hub" / name, 0o600)
    done = sixfb("check")
    assert done.code == 2
    assert f"{name}: is a named pipe" in done.err or f"{name} is a named pipe" in done.err


def test_check_is_content_with_a_database_that_no_hub_has_used_yet(tmp_path: Path, sixfb: Sixfb) -> None:
    (tmp_path / "new.db").touch()
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    done = sixfb("check", DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert (done.code, done.err) == (0, "")


def test_check_finds_names_that_no_journey_has(tmp_path: Path, sixfb: Sixfb) -> None:
    rules = (ROOT / "sla.yaml").read_text()
    rules = rules.replace("journeys: [ga_purchase]", "journeys: [ga_purchas]").replace("/success\n", "/success\n")
    rules = rules.replace("complete_test_payment, verify", "complete_test_paiment, verify")
    (tmp_path / "sla.yaml").write_text(
        rules.replace(
            "  rate: 14.4 ", "  bad: {gift_voucher: 3}\n  recent_by_journey: {gift_vouchers: 10m}\n  rate: 14.4 "
        )
    )
    done = sixfb("check")
    assert done.code == 2
    line = rules[: rules.index("ga_purchas]")].count("\n") + 1
    assert f"sla.yaml:{line}: A1s.journeys.0: no journey is named 'ga_purchas' (did you mean ga_purchase?)" in done.err
    assert "A1s.steps.1: no step is named 'complete_test_paiment' (did you mean complete_test_payment?)" in done.err
    assert "F2a.bad.gift_voucher: no journey is named 'gift_voucher'" in done.err
    assert "F2a.recent_by_journey.gift_vouchers: no journey is named 'gift_vouchers'" in done.err


def test_check_finds_names_in_routes_and_on_the_status_page_that_nothing_has(tmp_path: Path, sixfb: Sixfb) -> None:
    routes = """
routes:
  critical: [webhook]
  matching:
    - {match: {rule: [F0, "S*", ZZ9], journey: ga_purchas, location: ["us-*", mars]}, to: [webhook]}
"""
    own = "destinations:\n  webhook: {kind: webhook, url_from: ALERT_WEBHOOK}" + routes
    (tmp_path / "alerts.yaml").write_text(own)
    page = f"status_page: {{logo: {tmp_path / 'gone.png'}, components: {{ga_purchase: Tickets, vip: VIP}}}}\n"
    (tmp_path / "site.yaml").write_text((ROOT / "site.yaml").read_text() + page)
    done = sixfb("check")
    assert done.code == 2
    for told in (
        "routes.matching.0.match.rule.2: no rule is named 'ZZ9'",
        "routes.matching.0.match.journey.0: no journey is named 'ga_purchas'",
        "routes.matching.0.match.location.1: no location is named 'mars'",
        "status_page.logo: ",
        "status_page.components.vip: no journey of the schedule is named 'vip'",
    ):
        assert told in done.err, done.err
    assert "rule.0" not in done.err
    assert "location.0" not in done.err
    assert "all is well" not in done.said


def test_check_says_in_plain_words_that_nobody_would_be_told(sixfb: Sixfb) -> None:
    nobody = dict.fromkeys(RECEIVERS, "")
    done = sixfb("check", **nobody)
    assert done.code == 2
    assert "the hub runs, and nobody would be told (set SLACK_EMERGENCY_WEBHOOK or " in done.err
    assert "all is well" not in done.said
    assert "degraded" not in done.said


def test_check_says_who_would_not_be_told_and_is_not_all_well(tmp_path: Path, sixfb: Sixfb) -> None:
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    done = sixfb("check", SLACK_OPS_WEBHOOK="+1555-ENG-LEAD", ALERT_WEBHOOK="")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "runs, and nobody would be told of high and medium alerts"
    assert "slack-ops has no address: what is set is none" in done.out
    done = sixfb("check", ALERT_WEBHOOK="https://hooks.example.com/x")
    assert (done.code, done.out.splitlines()[-1]) == (0, "runs, and not everybody would be told: see above")


def test_the_password_of_a_shop_is_nowhere_shown(tmp_path: Path, sixfb: Sixfb) -> None:
    site = (ROOT / "site.yaml").read_text().replace("http://127.0.0.1:3000", "http://me:hunter22@shop.example.com")
    (tmp_path / "site.yaml").write_text(site)
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    done = sixfb("check")
    assert done.code == 0
    assert "http://***@shop.example.com" in done.out
    (tmp_path / "site.yaml").write_text(site.replace("@shop.example.com", "@shop.example.com:99999"))
    done = sixfb("check")
    assert done.code == 2
    assert "hunter22" not in done.said


def test_arguments_that_are_no_text_are_refused(sixfb: Sixfb) -> None:
    done = sixfb("runs", "show", "\udcff\udcfe")
    assert done.code == 2
    assert r"argument 3 is not UTF-8 text: b'\xff\xfe'" in done.err


def test_a_header_that_is_none_is_refused(sixfb: Sixfb) -> None:
    for text in ("no colon", "Two Words: x", ": x", "X: a\x00b", "X: käse"):
        done = sixfb("run", "ga_purchase", "--header", text)
        assert (done.code, 'is not "Name: value"' in done.err) == (2, True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
def test_output_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(SIXFB), "journeys", "list"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "sixfb: standard output cannot be written: No space left on device\n")


def test_closed_streams_break_no_command(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {SIXFB} journeys list >&- 2>&- <&-"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_check_refuses_a_schedule_that_a_journey_cannot_keep_and_one_journey_by_two_names(
    tmp_path: Path, sixfb: Sixfb
) -> None:
    (tmp_path / "locations.yaml").write_text(
        "locations: {us-east: {}}\njourneys:\n  ga_purchase: {every: 10s}\n  complete_ga_purchase: {every: 5m}\n"
    )
    done = sixfb("check")
    assert done.code == 2
    assert (
        "journeys.ga_purchase.every: every 10s, and a run that is not slow yet may take 30 s: slots would be missed "
        "(write 30s at least)" in done.err
    )
    assert "ga_purchase and complete_ga_purchase are one journey by two names" in done.err


@pytest.mark.parametrize(
    ("hours", "site", "zone"),
    [
        ("{timezone: Europe/Rome}", "business: {timezone: America/Chicago}", "Europe/Rome"),
        ("{}", "business: {timezone: America/Chicago}", "America/Chicago"),
        ("{}", "", None),
        ("{}", "business: 7", None),
    ],
)
def test_business_hours_without_a_time_zone_are_in_the_businesss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: str, site: str, zone: str | None
) -> None:
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path))
    (tmp_path / "site.yaml").write_text(f"base_url: https://shop.example.com\n{site}\n")
    hook = "{kind: webhook, url_from: HOOK}"
    (tmp_path / "alerts.yaml").write_text(
        f"destinations: {{hook: {hook}}}\nroutes: {{critical: [hook]}}\nbusiness_hours: {hours}\n"
    )
    found = hub_config.read_routing().business_hours
    assert found is not None
    assert found.timezone == zone


def test_a_hub_says_of_a_window_that_names_nothing_there_is_that_it_is_degraded(tmp_path: Path, sixfb: Sixfb) -> None:
    window = "maintenance: [{name: d, start: 2026-01-06T02:00, duration: 1h, reason: x, locations: [us-est]}]\n"
    routing = routing_from(parse_document(SMALL_TEAM + window, file="alerts.yaml"))
    assert [c.what for c in degraded(routing) if c.key == "maintenance.0.locations.0"] == [
        "no location is named 'us-est'"
    ]
