"""The nouns every room speaks: frozen dataclasses of the standard library, whose JSON is the wire format."""

from facts.access import (
    Role,
    Token,
    TokenKind,
    User,
)
from facts.alert import (
    Alert,
    AlertState,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
)
from facts.failpoint import (
    Failpoint,
    go_on,
)
from facts.ledger import (
    LedgerState,
)
from facts.outcome import (
    Answer,
    Graded,
    Outcome,
    outcome_of,
    reclassified,
)
from facts.plan import (
    Plan,
    PlannedJourney,
)
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
from facts.slots import (
    Grid,
)
from facts.stock import (
    FeedState,
    Stock,
)
from facts.verdict import (
    Severity,
    Verdict,
    Word,
)
from facts.wire import (
    WireError,
    from_wire,
    to_wire,
)

__all__ = [
    "Alert",
    "AlertState",
    "Answer",
    "Attempt",
    "Blame",
    "ConsoleLine",
    "Dialog",
    "Evidence",
    "Failpoint",
    "FeedState",
    "Graded",
    "Grid",
    "Incident",
    "LedgerState",
    "Notification",
    "NotificationKind",
    "NotificationState",
    "Outcome",
    "Plan",
    "PlannedJourney",
    "Purchase",
    "Request",
    "Role",
    "Run",
    "Severity",
    "Status",
    "Step",
    "StepStatus",
    "Stock",
    "Token",
    "TokenKind",
    "User",
    "Verdict",
    "Vital",
    "WireError",
    "Word",
    "from_wire",
    "go_on",
    "outcome_of",
    "reclassified",
    "to_wire",
]
