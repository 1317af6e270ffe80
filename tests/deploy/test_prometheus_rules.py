"""The Prometheus rules read what a hub exports, and say what is wrong in words."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from facts import Severity
from tests.deploy.prometheus import PROMETHEUS_OWN, Exported, exported_by_a_hub, problems, recorded, text_of_a_hub
from tests.shipped import shipped_targets

FILE = Path(__file__).resolve().parent.parent.parent / "deploy" / "prometheus" / "sixfb.rules.yml"
GROUPS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = recorded(RULES)


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; it comes with the package prometheus")
def test_promtool_takes_the_rules_and_what_a_hub_exports(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    checked = subprocess.run([PROMTOOL, "check", "rules", str(FILE)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout
    # `check metrics` reads the older text format alone.
    text = text_of_a_hub(tmp_path, accepts="text/plain")
    told = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    # What it says beside that is its taste in names, which `/metrics` does not share in every point.
    assert "error while linting" not in told.stderr, told.stderr


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Every series that the rules may read."""
    return {**exported_by_a_hub(tmp_path_factory.mktemp("hub")), **PROMETHEUS_OWN, **RECORDED}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_expression_reads_series_labels_and_values_that_a_hub_exports(
    rule: dict[str, Any], known: Exported
) -> None:
    assert problems(rule["expr"], known) == []


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("sum by (journey) (sixfb_runs_total", "sum by"),
        ("sixfb_runs == 0", "no metric is named sixfb_runs"),
        ("rate(sixfb_run_total[5m])", "no metric is named sixfb_run_total"),
        ('sixfb_runs_total{city="dallas"}', "sixfb_runs_total has no label city"),
        ('sixfb_runs_total{status=~"passed|timeout"}', "status is never timeout"),
        ('sixfb_slots_missed_total{reason!="overlapped"}', "reason is never overlapped"),
        ("max by (job) (sixfb_job_failures_total)", "sixfb_job_failures_total has the label exported_job"),
        ("max by (journey) (sixfb_spool_results)", "sixfb_spool_results has no label journey"),
    ],
)
def test_an_expression_that_reads_something_else_is_found(expression: str, says: str, known: Exported) -> None:
    assert says in " ".join(problems(expression, known))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_is_wrong_how_severe_it_is_and_names_only_labels_that_it_has(
    name: str, known: Exported
) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {severity.value for severity in Severity}
    assert set(alert["annotations"]) == {"summary", "description"}
    for label in re.findall(r"\$labels\.(\w+)", " ".join(alert["annotations"].values())):
        series = [name for name in known if re.search(rf"\b{name}\b", alert["expr"])]
        assert all(label in {*known[one], "instance"} for one in series)
        assert label == "instance" or label in alert["expr"] or all(one in RECORDED for one in series)


def test_no_two_rules_have_one_name() -> None:
    names = [rule.get("alert") or rule["record"] for rule in RULES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("name", "rule"), [("SixfbErrorBudgetBurnsFast", "F2a"), ("SixfbErrorBudgetBurns", "F2b")])
def test_the_error_budget_burns_as_fast_as_the_shipped_rule_allows(name: str, rule: str) -> None:
    shipped: Any = shipped_targets().rules()[rule]
    assert f"> {shipped.rate:g} * 0.01" in ALERTS[name]["expr"]
    assert ALERTS[name]["labels"]["severity"] == shipped.severity
