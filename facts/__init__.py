"""The nouns every room speaks: frozen dataclasses of the standard library, whose JSON is the wire format."""

from facts.run import (
    Attempt,
    Blame,
    ConsoleLine,
    Dialog,
    Evidence,
    Purchase,
    Request,
    Run,
    Status,
    Step,
    StepStatus,
    Vital,
)
from facts.wire import WireError, from_wire, to_wire

__all__ = [
    "Attempt",
    "Blame",
    "ConsoleLine",
    "Dialog",
    "Evidence",
    "Purchase",
    "Request",
    "Run",
    "Status",
    "Step",
    "StepStatus",
    "Vital",
    "WireError",
    "from_wire",
    "to_wire",
]
