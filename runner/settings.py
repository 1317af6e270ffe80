"""Holds the settings of a runner, which it receives once at its start."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from config import Secret
from facts import PlannedJourney, late_limit_s
from runner.attempt.limits import MEMORY_MB
from runner.slots.schedule import LOOKS_EVERY_S

LEDGER = "ledger.db"
"""The name of the ledger file in the runner's folder; it lists purchases until they are undone."""
HEARTBEAT = "heartbeat"
"""The name of the heartbeat file in the runner's folder.

The schedule touches it every few seconds, and health checks read its age.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """Holds the settings of a runner.

    `base_url` replaces the address of the plan's site. `max_parallel` is the number of concurrent runs; with more than
    one for each core, the machine's load distorts the timings. `memory_mb` is the memory limit of one run in MB.
    `evidence_bytes` is how much evidence may wait for the hub. `confirm_after_s` is the pause before a second attempt,
    in seconds. Secrets and proxies are described at `runner.attempt.job.Job`; secret files that the plan names are read
    from the folders in `secrets_in` only.
    """

    location: str
    hub_url: str
    folder: Path
    token: Secret | None = None
    base_url: str | None = None
    journeys_dir: str | None = None
    chromium: str | None = None
    sandbox: bool = True
    other_secrets: tuple[str, ...] = field(default=(), repr=False)
    headed: bool = False
    stripe_key: str | None = field(default=None, repr=False)
    stripe_api_base: str | None = None
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    secrets_in: tuple[Path, ...] = ()
    confirm_after_s: float = 5.0
    late_after_s: float | None = None
    memory_mb: int = MEMORY_MB
    look_every_s: float = LOOKS_EVERY_S
    evidence_bytes: int = 2 * 1024**3
    max_parallel: int = field(default_factory=lambda: max(1, os.cpu_count() or 1))

    @property
    def evidence(self) -> Path:
        """The folder that holds evidence until the hub has it."""
        return (self.folder / "evidence").resolve()

    @property
    def ledger(self) -> Path:
        """The path of the ledger file."""
        return self.folder / LEDGER

    def late_s(self, planned: PlannedJourney) -> float:
        """Return how many seconds after its slot a run may still start."""
        return self.late_after_s or late_limit_s(planned.period_s)
