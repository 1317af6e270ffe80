"""What each fault of the simulated traffic must lead to, and nothing else: docs/faults.md tells the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """The rule of sla.yaml that fires, the most urgent severity that it comes to, and within how many seconds of the demo's clock it
    has come to it."""

    rule: str
    severity: str
    within_s: int


TABLE = {
    "sales_stop": Expected("A1b", "critical", 600),
    "errors_5xx": Expected("A3b", "critical", 180),
    "webhook_backlog": Expected("L1", "critical", 120),
    "memory_leak_event": Expected("L1", "critical", 120),
    "sms_failing": Expected("H6", "critical", 900),
    "sms_expensive": Expected("H7", "high", 600),
    "database_slow": Expected("H2", "high", 120),
    "sellout_near": Expected("H5", "high", 420),
    "refund_wave": Expected("X5", "high", 420),
    "abandonment": Expected("R4", "high", 420),
    "traffic_spike": Expected("X1", "medium", 240),
    "login_attacks": Expected("X2", "medium", 120),
    "fraud_attempt": Expected("X3", "medium", 120),
    "conversion_drop": Expected("X4", "medium", 1200),
    "support_spike": Expected("X6", "high", 420),
}
