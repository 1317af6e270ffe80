"""What jobs ask before they let go of anything: whether the hub's clock may be believed."""

from __future__ import annotations

from hub.clock_witness import sentence_of
from hub.jobs.job import JobContext, JobError

_TOO_WRONG_S = 3600.0


def refuse_a_wrong_clock(context: JobContext) -> None:
    """Return where the runners' clocks agree with the hub's to an hour.

    Raises:
        JobError: they do not. What a wrong clock lets go of, or writes down as missed, is gone when it is right.
    """
    clock = context.services.hub_clock()
    if abs(clock.behind_s or 0.0) > _TOO_WRONG_S:
        raise JobError(sentence_of(clock))
