"""A `sla.yaml` that was written for an earlier version names fewer rules than there are: the others are the shipped ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.routes import routing_from
from config import ConfigError, Document, read_document
from sla.targets import targets_from
from store import open_store
from tests.alerts.small_team import SMALL_TEAM
from tests.cli.test_bad_input import RECEIVERS, ROOT, SIXFB, sixfb
from tests.sla.builders import the_rule

SHIPPED = read_document(ROOT / "sla.yaml")
NEWER = ("W3", "W4", "W5", "P1")


def earlier(**changed: Any) -> dict[str, Any]:
    """The file of a version that did not have the newer rules yet."""
    return {**{name: rule for name, rule in SHIPPED.data.items() if name not in NEWER}, **changed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    slow = {**SHIPPED.data["F1"], "locations": 3}
    (tmp_path / "sla.yaml").write_text(yaml.safe_dump(earlier(F1=slow)))
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    return tmp_path


def test_a_rule_that_is_left_out_is_the_shipped_one_and_one_that_is_named_is_the_operators() -> None:
    own = Document(
        "sla.yaml", earlier(F1={**SHIPPED.data["F1"], "locations": 3}, W3={**SHIPPED.data["W3"], "warn_s": 7})
    )
    targets, shipped = targets_from(own, shipped=SHIPPED), targets_from(SHIPPED)
    assert [targets.rules()[name] for name in ("W4", "W5", "P1")] == [shipped.rules()[n] for n in ("W4", "W5", "P1")]
    assert (the_rule("F1", targets).locations, the_rule("W3", targets).warn_s) == (3, 7)


def test_a_rule_keeps_every_setting_that_a_file_does_not_override() -> None:
    targets, shipped = (
        targets_from(Document("sla.yaml", {"A2": {"enabled": False}}), shipped=SHIPPED),
        targets_from(SHIPPED),
    )
    assert replace(shipped.rules()["A2"], enabled=False) == targets.rules()["A2"]
    assert targets.rules()["F2a"] == shipped.rules()["F2a"]


def test_a_table_is_replaced_as_one() -> None:
    own = {"bad": {"ga_purchase": 4}, "recent_by_journey": {"ga_purchase": "10m"}}
    targets = targets_from(Document("sla.yaml", {"F2a": own}), shipped=SHIPPED)
    assert (the_rule("F2a", targets).bad, the_rule("F2a", targets).window) == ({"ga_purchase": 4}, "1h")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"W9": {}}, "W9: is no rule that ships, and a rule of your own names its `kind`"),
        (
            {"W33": {"warn_s": 5}},
            "W33: is no rule that ships, and a rule of your own names its `kind` (did you mean W3?)",
        ),
        ({"W3": {**SHIPPED.data["W3"], "warm_s": 5}}, "W3.warm_s: unknown key (did you mean warn_s?)"),
        ({"W3": None}, "W3: input should be"),
    ],
)
def test_what_is_not_known_or_not_whole_stays_a_mistake(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        targets_from(Document("sla.yaml", earlier(**changed)), shipped=SHIPPED)
    assert says in str(refused.value)


def test_check_says_which_rules_are_the_shipped_ones(folder: Path) -> None:
    done = sixfb("check", cwd=folder, **RECEIVERS)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all is well"), done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "as shipped" in line]
    assert line.strip() == "not in sla.yaml, and so as shipped: P1, W3, W4, W5"
    (folder / "sla.yaml").unlink()
    assert "as shipped" not in sixfb("check", cwd=folder, **RECEIVERS).stdout, "the whole file is"


@pytest.mark.parametrize("own", [{"F0": SHIPPED.data["F0"]}, SHIPPED.data], ids=["named", "copied"])
def test_a_shipped_rule_that_cannot_fire_here_is_told_and_is_no_mistake(tmp_path: Path, own: dict[str, Any]) -> None:
    (tmp_path / "sla.yaml").write_text(yaml.safe_dump(own))
    (tmp_path / "alerts.yaml").write_text(SMALL_TEAM)
    (tmp_path / "locations.yaml").write_text("locations: {a: {}}\njourneys: {vip_member_discount: {every: 4h}}\n")
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("cannot fire")]
    assert sorted(set(told)) == sorted(told), "each rule once for each reason"
    assert "cannot fire     A1s payment fails: locations.yaml does not schedule ga_purchase" in told
    assert (
        "cannot fire     F3 fails at one location only: it compares locations, and no journey has a second one" in told
    )
    burning = "F2a success rate falls fast: vip_member_discount makes 0 runs in 1 h, and 3 would have to be bad"
    assert f"cannot fire     {burning}" in told
    assert any(line.startswith("cannot fire     D1 ") and "wants 20 runs in 1 h" in line for line in told)


def test_a_rule_of_ones_own_that_cannot_fire_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "sla.yaml").write_text("D1: {min_n: 30}\n")
    (tmp_path / "locations.yaml").write_text("locations: {a: {}, b: {}}\njourneys: {ga_purchase: {every: 4h}}\n")
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 2
    assert "sla.yaml:1: D1.min_n: wants 30 runs in 1 h" in done.stderr


def test_sla_says_so_too(folder: Path) -> None:
    store = open_store(None, folder=folder / "var" / "hub")
    store.migrate()
    store.close()
    assert "rules not in sla.yaml, and so as shipped: P1, W3, W4, W5" in sixfb("sla", cwd=folder).stdout
    told = json.loads(sixfb("sla", "--json", cwd=folder).stdout)
    assert told["shipped_rules"] == ["P1", "W3", "W4", "W5"]
    assert {"P1", "W3"} <= {verdict["rule"] for verdict in told["verdicts"]}


def test_the_hub_starts_with_the_file_of_an_earlier_version(folder: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("STRIPE_", "SIXFB_", "DATABASE_"))}
    command = [str(SIXFB), "hub", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as hub:
        assert hub.stdout is not None
        first = hub.stdout.readline()
        hub.terminate()
        _, said = hub.communicate(timeout=60)
    assert first.startswith("the dashboard is at "), said
    assert "rules not in sla.yaml, and so as shipped: P1, W3, W4, W5" in said


def test_an_installed_wheel_has_the_rules_that_a_file_leaves_out(folder: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    installed = folder / "installed"
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    assert (installed / "config" / "defaults" / "sla.yaml").read_bytes() == (ROOT / "sla.yaml").read_bytes()
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import cli; print(cli.__file__); cli.main()", "check"],
        cwd=folder,
        env={**os.environ, **RECEIVERS, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert str(installed) in done.stdout, "it is the wheel that answers"
    assert (done.returncode, "as shipped: P1, W3, W4, W5" in done.stdout) == (0, True), done.stderr


def test_the_routes_of_an_earlier_version_hold_too() -> None:
    told = {"destinations": {"ops": {"kind": "webhook", "url_from": "OPS"}}, "routes": {"critical": ["ops"]}}
    assert list(routing_from(Document("alerts.yaml", told)).destinations) == ["ops"]
