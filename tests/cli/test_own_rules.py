"""`sixfb check` with rules of one's own: what it takes, and what it says of a metric or a label that nobody brings."""

from __future__ import annotations

from pathlib import Path

from config import read_document
from tests.cli.test_bad_input import RECEIVERS, sixfb

ROOT = Path(__file__).resolve().parents[2]

OWN = """\
MY_LOW_STOCK: {kind: threshold, metric: inventory_remaining_tickets, low: 3}
CHECKOUT_SLOW: {kind: percentile, endpoint: /api/pay, target_ms: 100, warning_ms: 200, critical_ms: 300}
CITY: {kind: quorum, steps: [choose_city]}
"""


def test_rules_of_ones_own_are_taken_and_counted(tmp_path: Path) -> None:
    (tmp_path / "sla.yaml").write_text(OWN)
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 0, done.stderr
    shipped = len(read_document(ROOT / "sla.yaml").data)
    assert f"sla.yaml: {shipped + 3} rules" in done.stdout


WRONG = """\
A: {kind: threshold, metric: inventory_remaning_tickets, low: 3}
B: {kind: threshold, metric: inventory_remaining_tickets, low: 3, group_by: [town]}
C: {kind: threshold, metric: inventory_remaining_tickets, by: teir, low: {ga: 3}}
D: {kind: absence, metric: inventory_remaining_tickets, silent: 1h, where: {ctiy: [dallas]}}
E: {kind: rate, bad_metric: inventory_remaining_tickets, total_metric: sales, limit: 0.05}
F: {kind: quorum, steps: [chose_city]}
G: {kind: availability, not_steps: [complete_payment], target: 0.9, warning: 0.8, critical: 0.7}
H: {kind: quorum, locations: 7}
"""
SAYS = (
    "sla.yaml:1: A.metric: no metric is named 'inventory_remaning_tickets' (did you mean inventory_remaining_tickets?)",
    "sla.yaml:2: B.group_by.0: no label of inventory_remaining_tickets is named 'town' (there are: city, tier)",
    "sla.yaml:3: C.by: no label of inventory_remaining_tickets is named 'teir' (did you mean tier?)",
    "sla.yaml:4: D.where.ctiy: no label of inventory_remaining_tickets is named 'ctiy' (did you mean city?)",
    "sla.yaml:5: E.total_metric: no metric is named 'sales'",
    "sla.yaml:6: F.steps.0: no step is named 'chose_city' (did you mean choose_city?)",
    "sla.yaml:7: G.not_steps.0: no step is named 'complete_payment'",
    "sla.yaml:8: H.locations: wants 7 locations, and ga_purchase is bought from 3",
)


def test_what_nobody_brings_or_makes_is_told_with_file_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "sla.yaml").write_text(WRONG)
    done = sixfb("check", cwd=tmp_path, **RECEIVERS)
    assert done.returncode == 2
    assert [one for one in SAYS if one not in done.stderr] == [], done.stderr
