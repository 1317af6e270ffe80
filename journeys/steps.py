"""Keeps track of a journey's steps: which were walked or skipped, when each began, how long it took and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from facts import Step, StepStatus
from journeys.clock import Clock
from journeys.failure import Failure, Kind
from journeys.journey import Journey
from journeys.wording import as_known


class StepNameError(ValueError):
    """A journey names a step that it does not list, or has had already: its own mistake, and no step's failure."""


class Steps:
    """The steps of a journey, each of which is begun once and then ended, or is skipped; `tell` is told of each that is done."""

    def __init__(self, journey: Journey, clock: Clock, tell: Callable[[Step], None]) -> None:
        self._journey, self._clock, self._tell = journey, clock, tell
        self._done: dict[str, Step] = {}

    @property
    def is_untouched(self) -> bool:
        """Whether no step has ended yet."""
        return not self._done

    def begin(self, name: str) -> None:
        """Begin a step and its time. Raises StepNameError (see `check`)."""
        self.check(name)
        self._clock.begin_step()

    def check(self, name: str) -> None:
        """Raise StepNameError if the journey does not list a step, or has begun it before."""
        if name not in self._journey.steps:
            listed = ", ".join(self._journey.steps)
            raise StepNameError(f"{self._journey.name} lists no step {name!r}; its steps are {listed}")
        if name in self._done:
            raise StepNameError(f"{self._journey.name} has had its step {name!r} already")

    def passed(self, name: str) -> None:
        """Record that the current step passed."""
        self._tell(self._end(name, StepStatus.PASSED))

    def failed(self, name: str) -> None:
        """The step that was begun last is over. Its time stops here; it is told of with its cause."""
        self._end(name, StepStatus.FAILED)

    def explain(self, failure: Failure) -> None:
        """Record why the step that ended last has failed."""
        status = StepStatus.TIMED_OUT if failure.late else StepStatus.FAILED
        assert failure.step is not None
        self._tell(self._keep(replace(self._done[failure.step], status=status, error=failure.sentence)))

    def skip(self, name: str, reason: str) -> None:
        """Skip a step. Raises StepNameError (see `check`)."""
        self.check(name)
        self._tell(self._keep(Step(name=name, status=StepStatus.SKIPPED, error=reason)))

    def all(self) -> tuple[Step, ...]:
        """Return every step of the journey in its order; those that never began count as skipped."""
        return tuple(self._done.get(n, Step(name=n, status=StepStatus.SKIPPED)) for n in self._journey.steps)

    def forgotten(self) -> Failure | None:
        """Return the failure that a step was neither begun nor skipped; None if there is none."""
        name = next((name for name in self._journey.steps if name not in self._done), None)
        if name is None:
            return None
        sentence = f"{name}: the journey ended without this step; walk it, or visit.skip() it with a reason"
        return Failure(step=name, kind=Kind.SCRIPT, sentence=sentence, where=as_known(self._journey.file))

    def left_behind(self, name: str) -> list[str]:
        """Return the earlier steps after which a later step passed."""
        return [done for done in self._done if done != name][:-1]

    def _end(self, name: str, status: StepStatus) -> Step:
        started_ms = self._clock.step_started_ms
        return self._keep(Step(name=name, status=status, started_ms=started_ms, duration_ms=self._clock.end_step()))

    def _keep(self, step: Step) -> Step:
        self._done[step.name] = step
        return step
