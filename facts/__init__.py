"""The data types that every room shares: frozen dataclasses of the standard library, whose JSON is the wire format."""

from facts.access import (
    Role,
    Token,
    TokenKind,
    User,
)
from facts.alert import (
    Alert,
    AlertState,
    Backlog,
    Confirmation,
    HoldReason,
    Incident,
    LadderRow,
    LadderStatus,
    Notification,
    NotificationKind,
    NotificationState,
    Recipient,
    trail_of,
    urgency,
    withheld_thread,
)
from facts.claim import Claim
from facts.currency import WITHOUT_MINOR_UNIT
from facts.deploy import DEPLOY_REACH, Deploy, after_deploy, deploy_before
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
from facts.hub_clock import (
    WAITS_FROM_S,
    HubClock,
)
from facts.job import (
    JobOutcome,
    JobRun,
    JobState,
)
from facts.ledger import (
    LedgerState,
)
from facts.maintenance import PlannedMaintenance, why_skipped
from facts.metric import (
    Event,
    Labels,
    Metric,
    MetricKind,
    Sample,
    Series,
    labels,
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
    status_after,
)
from facts.plan import (
    Plan,
    PlannedJourney,
)
from facts.run import (
    NO_PICTURE,
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
from facts.silence import (
    SILENCE_KEYS,
    Silence,
    SilenceState,
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
from facts.traits import (
    NO_TRAITS,
    Family,
    Inhibition,
    Same,
    Traits,
)
from facts.verdict import (
    Severity,
    Verdict,
    VerdictStatus,
    digest_of,
)
from facts.watch import (
    LocationSilence,
    WatchBreak,
    WatchState,
)
from facts.wire import (
    WIRE_VERSION,
    WireError,
    from_wire,
    left_out_when_none,
    moment_of,
    to_wire,
)

__all__ = [
    "DEPLOY_REACH",
    "NOT_CONFIRMED",
    "NO_PICTURE",
    "NO_TRAITS",
    "REASONS",
    "SANDBOX_HINT",
    "SANDBOX_OFF",
    "SILENCE_KEYS",
    "SKEWS_KEPT",
    "WAITS_FROM_S",
    "WIRE_VERSION",
    "WITHOUT_MINOR_UNIT",
    "Alert",
    "AlertState",
    "Answer",
    "Attempt",
    "Backlog",
    "Blame",
    "Claim",
    "Confirmation",
    "ConsoleLine",
    "Deploy",
    "Dialog",
    "Event",
    "Evidence",
    "Failpoint",
    "Family",
    "FeedState",
    "Graded",
    "Grid",
    "Heartbeat",
    "HoldReason",
    "HubClock",
    "Incident",
    "Inhibition",
    "JobOutcome",
    "JobRun",
    "JobState",
    "Labels",
    "LadderRow",
    "LadderStatus",
    "LedgerState",
    "LocationSilence",
    "Metric",
    "MetricKind",
    "Notification",
    "NotificationKind",
    "NotificationState",
    "Outcome",
    "Plan",
    "PlannedJourney",
    "PlannedMaintenance",
    "Purchase",
    "Recipient",
    "Request",
    "Role",
    "Run",
    "RunnerState",
    "Same",
    "Sample",
    "Series",
    "Severity",
    "Silence",
    "SilenceState",
    "Status",
    "Step",
    "StepStatus",
    "Stock",
    "Token",
    "TokenKind",
    "Traits",
    "User",
    "Verdict",
    "VerdictStatus",
    "Vital",
    "WatchBreak",
    "WatchState",
    "WireError",
    "after_deploy",
    "claim_ttl_s",
    "deploy_before",
    "digest_of",
    "from_wire",
    "go_on",
    "has_failed",
    "is_unconfirmed",
    "labels",
    "late_limit_s",
    "left_out_when_none",
    "missed_word",
    "moment_of",
    "outcome_of",
    "reclassified",
    "status_after",
    "to_wire",
    "trail_of",
    "urgency",
    "why_skipped",
    "withheld_thread",
]
