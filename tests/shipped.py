"""The configuration that ships, read once for all tests: it is frozen, and reading it takes a tenth of a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from config import read_document
from sla.targets import Targets, targets_from

ROOT = Path(__file__).resolve().parents[1]


@cache
def shipped_targets() -> Targets:
    """The targets of the shipped `sla.yaml`."""
    return targets_from(read_document(ROOT / "sla.yaml"))
