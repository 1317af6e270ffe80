"""What keeps this runner from measuring, in sentences: every heartbeat carries it, so that its silence is no riddle."""

from __future__ import annotations

import threading
from collections import deque

from facts import Run, Status

_ERRORED_IN_A_ROW = 2


class Troubles:
    """Sentences by topic. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_topic: dict[str, str] = {}
        self._last: deque[Status] = deque(maxlen=_ERRORED_IN_A_ROW)

    def say(self, topic: str, sentence: str) -> None:
        """There is trouble with something."""
        with self._lock:
            self._by_topic[topic] = sentence

    def over(self, topic: str) -> None:
        """All is well with it again."""
        with self._lock:
            self._by_topic.pop(topic, None)

    def saw(self, run: Run) -> None:
        """A run ended. One that failed for our own fault may be chance; two in a row are trouble."""
        with self._lock:
            self._last.append(run.status)
            if list(self._last) == [Status.ERRORED] * _ERRORED_IN_A_ROW:
                self._by_topic["runs"] = f"its last runs errored: {run.error or 'without a word'}"
            else:
                self._by_topic.pop("runs", None)

    def sentence(self) -> str | None:
        """Everything at once; None while all is well."""
        with self._lock:
            return "; ".join(self._by_topic.values()) or None
