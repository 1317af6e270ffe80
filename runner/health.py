"""Collects the problems that keep this runner from measuring; they are sent to the hub, so that missing runs are explained."""

from __future__ import annotations

import threading

from facts import Run, Status

# A single errored run may be chance; more of them in a row are reported as a problem.
_MAY_BE_CHANCE = 1


class RunnerHealth:
    """Holds one sentence for each topic (`plan`, `disk`, `runs`) that currently has a problem. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_topic: dict[str, str] = {}
        self._errored_in_a_row = 0

    def report(self, topic: str, sentence: str) -> None:
        """Report a problem with a topic; it replaces the topic's previous sentence."""
        with self._lock:
            self._by_topic[topic] = sentence

    def clear(self, topic: str) -> None:
        """Clear the problem of a topic, if it has one."""
        with self._lock:
            self._by_topic.pop(topic, None)

    def observe_run(self, run: Run) -> None:
        """Count a finished run: two errored runs in a row are a problem, until a run does not error."""
        with self._lock:
            self._errored_in_a_row = self._errored_in_a_row + 1 if run.status is Status.ERRORED else 0
            if self._errored_in_a_row > _MAY_BE_CHANCE:
                self._by_topic["runs"] = f"its last runs errored: {run.error or 'without a word'}"
            else:
                self._by_topic.pop("runs", None)

    def sentence(self) -> str | None:
        """Return all problems in one line; None if there is none."""
        with self._lock:
            return "; ".join(self._by_topic.values()) or None
