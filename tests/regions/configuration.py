"""The product's own configuration files, with this shop, these regions and this pace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cli.demo import demo_alerts
from config import read_document
from tests.regions.network import ADDRESS, HUB, SHOP

_ROOT = Path(__file__).resolve().parents[2]
PERIOD_S = 24
_GUIDES_PERIOD_S = 300
SCALE = _GUIDES_PERIOD_S / PERIOD_S
"""The whole world is so many times as fast as the guide's, so that each rule means what it means there."""
SHOP_PORT, HUB_PORT, INBOX_PORT = 8700, 8600, 8900
SHOP_URL = f"http://{ADDRESS[SHOP]}:{SHOP_PORT}"
HUB_URL = f"http://{ADDRESS[HUB]}:{HUB_PORT}"
# They judge how fast the machine of the test is (D), or say of an hour with five cuts in it what is plain (W2).
_NOT_ABOUT_REGIONS = ("D1", "D3", "D4", "W2")
# The shop's own limit, on the clock of `sixfb demo`.
_BUDGET = {"requests": 100, "window_s": 180}

# Any address will do: it says which of the destinations the test has a receiver for.
_RECEIVERS = dict.fromkeys(
    ("SLACK_EMERGENCY_WEBHOOK", "SLACK_OPS_WEBHOOK", "ALERT_WEBHOOK"), "https://receiver.invalid/x"
)


def configure(folder: Path, regions: Sequence[str]) -> None:
    """Write them into a new folder."""
    rules = read_document(_ROOT / "sla.yaml").data
    files: dict[str, Any] = {
        "site.yaml": {**read_document(_ROOT / "site.yaml").data, "base_url": SHOP_URL, "request_budget": _BUDGET},
        "locations.yaml": {
            "locations": {region: {} for region in regions},
            "journeys": {"ga_purchase": {"every": f"{PERIOD_S}s"}},
            "canaries": ["hub"],
        },
        "sla.yaml": {n: {**rule, "enabled": n not in _NOT_ABOUT_REGIONS} for n, rule in rules.items()},
        "alerts.yaml": {
            **demo_alerts(read_document(_ROOT / "alerts.yaml").data, _RECEIVERS),
            "allow_private": [f"{ADDRESS[HUB]}/32"],
        },
    }
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
