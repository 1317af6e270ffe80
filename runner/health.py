"""What keeps this runner from measuring, in sentences. Every word to the hub carries them, so that missing runs are explained."""

from __future__ import annotations

import threading

from facts import Run, Status

_MAY_BE_CHANCE = 1


class RunnerHealth:
    """One sentence a topic (`plan`, `disk`, `runs`), while there is trouble with it. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_topic: dict[str, str] = {}
        self._errored_in_a_row = 0

    def say(self, topic: str, sentence: str) -> None:
        """There is trouble with a topic; its last sentence holds."""
        with self._lock:
            self._by_topic[topic] = sentence

    def over(self, topic: str) -> None:
        """All is well with a topic, again or still."""
        with self._lock:
            self._by_topic.pop(topic, None)

    def saw(self, run: Run) -> None:
        """A run ended. One that errored may be chance; two in a row are trouble, until one does not."""
        with self._lock:
            self._errored_in_a_row = self._errored_in_a_row + 1 if run.status is Status.ERRORED else 0
            if self._errored_in_a_row > _MAY_BE_CHANCE:
                self._by_topic["runs"] = f"its last runs errored: {run.error or 'without a word'}"
            else:
                self._by_topic.pop("runs", None)

    def sentence(self) -> str | None:
        """All of them in one line; None while all is well."""
        with self._lock:
            return "; ".join(self._by_topic.values()) or None
