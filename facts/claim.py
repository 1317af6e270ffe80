"""Who of several runners at one location runs a slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from facts.run import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The hub's answer to a runner that wants a slot.

    `granted`: the slot is yours to run, or, where it is too late for that, to account for. Else `held_by` names the runner that
    has it and `until` when it loses it unless it renews; neither stands where the slot has its `record` already.
    """

    granted: bool
    held_by: str | None = None
    until: datetime | None = None
    record: Status | None = None
