"""Maps the reasons of missed slots, which are sentences, to the few words that a metric may use."""

from __future__ import annotations

import re

OTHER = "other"
# A metric's label must have few values. The sentences come from runner/slots, runner/budget.py and hub/unknown_slots.py.
_WORDS = (
    ("overlap", re.compile(r"the previous run was still under way")),
    ("down", re.compile(r"the runner was not running")),
    ("stopped", re.compile(r"the runner was stopped")),
    ("full", re.compile(r"all places of this runner were taken")),
    ("late", re.compile(r"the runner could have started it .* late only")),
    ("silent", re.compile(r"no word of this slot came")),
    ("budget", re.compile(r"the request budget")),
    ("left", re.compile(r"another runner of this location had claimed it")),
)
REASONS = (*(word for word, _ in _WORDS), OTHER)


def missed_word(error: str | None) -> str:
    """Return the word for a missed run's reason, one of `REASONS`."""
    return next((word for word, sentence in _WORDS if sentence.match(error or "")), OTHER)
