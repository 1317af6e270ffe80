"""How a runner runs: what its program is told once, at its start."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from config import Secret
from facts import PlannedJourney, late_limit_s
from runner.attempt.limits import MEMORY_MB
from runner.slots.schedule import LOOKS_EVERY_S

LEDGER = "ledger.db"
"""The file in the runner's folder that remembers what is bought, until it is undone."""
HEARTBEAT = "heartbeat"
"""The file in the runner's folder that its schedule touches every few seconds; whoever looks after containers looks at its age."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How a runner runs. `base_url` is where it buys instead of at the plan's site. `max_parallel` is how many runs at once:
    one a core, or timings are the machine's own. `memory_mb` is what one run may hold of memory, `evidence_bytes` how much
    evidence may wait for the hub. The secrets and proxies are those of `runner.attempt.job.Job`; files that the plan names are
    read from `secrets_in` alone."""

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
        """The folder that evidence is kept in."""
        return (self.folder / "evidence").resolve()

    @property
    def ledger(self) -> Path:
        """The file that remembers what is bought."""
        return self.folder / LEDGER

    def late_s(self, planned: PlannedJourney) -> float:
        """How many seconds after its slot a run may still start."""
        return self.late_after_s or late_limit_s(planned.period_s)
