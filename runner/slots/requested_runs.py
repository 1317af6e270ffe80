"""Starts the runs that people requested at the hub, each between two slots of its journey."""

from __future__ import annotations

from facts import Plan, RunRequest
from process.logs import get_logger
from runner.slots.slot_queue import Slots
from runner.spool.hub_client import HubClient, HubError

_log = get_logger("sixfb.runner")
_MOST_REMEMBERED = 1000


class RequestedRuns:
    """Starts requested runs. `look` is called from one thread, after each poll of the plan."""

    def __init__(self, hub: HubClient, runner: str, slots: Slots) -> None:
        self._hub, self._runner, self._slots = hub, runner, slots
        self._done: set[str] = set()

    def look(self, plan: Plan | None) -> None:
        """Start the requested runs of a plan for which there is time now; the others are looked at again at the next poll."""
        if len(self._done) > _MOST_REMEMBERED:
            self._done.clear()  # the hub knows which were taken
        for request in plan.requested if plan is not None else ():
            planned = next((one for one in plan.journeys if one.journey == request.journey), None) if plan else None
            if request.id in self._done or planned is None:
                continue
            if self._slots.begin_requested(planned, request, take=self._taking(request)):
                self._done.add(request.id)

    def _taking(self, request: RunRequest) -> _Taking:
        return _Taking(self._hub, self._runner, request, self._done)


class _Taking:
    """Takes a request at the hub; called in the thread of the run, so that a slow hub holds up nothing else."""

    def __init__(self, hub: HubClient, runner: str, request: RunRequest, done: set[str]) -> None:
        self._hub, self._runner, self._request, self._done = hub, runner, request, done

    def __call__(self) -> bool:
        try:
            return self._hub.take_request(self._request.id, self._runner)
        except HubError as error:
            _log.warning("requested_run_not_taken", run_id=self._request.id, error=str(error))
            if not error.permanent:
                self._done.discard(self._request.id)
            return False
