"""Defines the claim that decides which of several runners at a location runs a slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from facts.run import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Holds the hub's response to a runner that claims a slot.

    `granted` means that the runner must run the slot, or account for it if it is too late. Otherwise `held_by` names
    the runner that holds the slot, and `until` is when its claim expires unless renewed; both are None if the slot
    already has its `record`.
    """

    granted: bool
    held_by: str | None = None
    until: datetime | None = None
    record: Status | None = None
