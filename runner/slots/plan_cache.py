"""Fetches the plan from the hub and caches it on disk, so that a runner without a hub continues with the last one."""

from __future__ import annotations

import json
from pathlib import Path

from config.files import UnreadableFileError, read_json
from facts import Plan, WireError, from_wire, to_wire
from process.logs import get_logger
from runner.spool.hub_client import HubClient, HubError

_MOST_BYTES = 4 * 1024**2
_log = get_logger("sixfb.runner")


class PlanCache:
    """Holds the newest known plan; None until the hub has answered for the first time."""

    def __init__(self, hub: HubClient, folder: Path) -> None:
        self._hub = hub
        self._file = folder / "plan.json"
        self._told: str | None = None
        self.plan: Plan | None = self._cached()

    def _cached(self) -> Plan | None:
        if not self._file.exists():
            return None
        try:
            return from_wire(Plan, read_json(self._file, most_bytes=_MOST_BYTES))
        except (UnreadableFileError, WireError) as error:
            _log.warning("cached_plan_unreadable", error=str(error))
            return None

    def refresh(self) -> bool:
        """Fetch the plan from the hub, and return whether a plan is known.

        If the hub cannot be reached, the cached plan stays in use; the same error is logged once.
        """
        try:
            new = self._hub.get_plan()
        except HubError as error:
            if self._told != str(error):
                _log.warning("plan_not_told", error=str(error), going_on_with=self.plan.hash if self.plan else None)
            self._told = str(error)
            return self.plan is not None
        self._told = None
        if new is not None and new != self.plan:
            _log.info("plan_changed", plan=new.hash, every_s={p.journey: p.period_s for p in new.journeys})
            self._keep(new)
        return True

    @property
    def trouble(self) -> str | None:
        """Why there is no plan; None if there is one."""
        return None if self.plan is not None else f"it has no plan: {self._told or 'the hub was not asked yet'}"

    def _keep(self, plan: Plan) -> None:
        self.plan = plan
        # The rename is atomic: a crash never leaves half a plan.
        half = self._file.with_suffix(".new")
        try:
            half.write_text(json.dumps(to_wire(plan)), encoding="utf-8")
            half.replace(self._file)
        except OSError as error:
            _log.warning("plan_not_written", error=str(error))
