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
    urgency,
)
from facts.claim import Claim
from facts.failpoint import (
    Failpoint,
    go_on,
)
from facts.heartbeat import (
    SANDBOX_HINT,
    SANDBOX_OFF,
    SKEWS_KEPT,
    Heartbeat,
    RunnerState,
)
from facts.ledger import (
    LedgerState,
)
from facts.missed import (
    REASONS,
    missed_word,
)
from facts.outcome import (
    Answer,
    Graded,
    Outcome,
    has_failed,
    outcome_of,
    reclassified,
)
from facts.plan import (
    Plan,
    PlannedJourney,
)
from facts.run import (
    NOT_CONFIRMED,
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
    is_unconfirmed,
)
from facts.slots import (
    Grid,
    claim_ttl_s,
    late_limit_s,
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
    WIRE_VERSION,
    WireError,
    from_wire,
    moment_of,
    to_wire,
)

__all__ = [
    "NOT_CONFIRMED",
    "REASONS",
    "SANDBOX_HINT",
    "SANDBOX_OFF",
    "SKEWS_KEPT",
    "WIRE_VERSION",
    "Alert",
    "AlertState",
    "Answer",
    "Attempt",
    "Blame",
    "Claim",
    "ConsoleLine",
    "Dialog",
    "Evidence",
    "Failpoint",
    "FeedState",
    "Graded",
    "Grid",
    "Heartbeat",
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
    "RunnerState",
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
    "claim_ttl_s",
    "from_wire",
    "go_on",
    "has_failed",
    "is_unconfirmed",
    "late_limit_s",
    "missed_word",
    "moment_of",
    "outcome_of",
    "reclassified",
    "to_wire",
    "urgency",
]
