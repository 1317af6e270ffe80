"""The plan: asked of the hub, kept on this disk, so that a runner without a hub goes on with the last one."""

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
    """The newest plan there is; None before the hub answered for the first time ever."""

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
        """Ask the hub; whether there is a plan."""
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
        """Why there is no plan; None where there is one."""
        return None if self.plan is not None else f"it has no plan: {self._told or 'the hub was not asked yet'}"

    def _keep(self, plan: Plan) -> None:
        self.plan = plan
        half = self._file.with_suffix(".new")
        try:
            half.write_text(json.dumps(to_wire(plan)), encoding="utf-8")
            half.replace(self._file)
        except OSError as error:
            _log.warning("plan_not_written", error=str(error))
