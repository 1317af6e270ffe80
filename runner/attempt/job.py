"""Defines the job of a run: one journey, one site, one location, and where its evidence is stored."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from facts import to_wire
from journeys.site import Site
from process.network import proxy_passwords
from runner.attempt.limits import MEMORY_MB
from runner.budget import Reserve
from runner.spare_time import SpareTime

TraceMode = Literal["on", "off", "retain-on-failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Holds the order for one run. It travels through a pipe, never through arguments or the environment, because it holds secrets.

    `evidence` is the folder for evidence. `trace` is named as in Playwright: `retain-on-failure` traces only the
    confirming attempt (tracing lengthens timings by half, so measured attempts are not traced), `on` traces
    every attempt. `other_secrets` are values that the run does not use and must not leak either. `confirm_after_s` is
    the pause before a first failure is tried again, in seconds. `basic_auth` is `user:password`.

    `proxies` are the proxy variables (see `process.network`); the browser gets them as an option, because its process
    tree sees no secret of the environment. `ledger` is the file that lists purchases until they are undone. `last_good`
    is the folder that keeps the observations of each journey's last passed run; None judges each run on its own.

    `scratch` is the folder for temporary folders, None for the system's. `grace_s` is the time that an attempt gets
    beyond its own deadlines before it is ended, in seconds. `memory_mb` is its memory limit in MB, its browser
    included. `reserve` is how much of the request budget a run must leave, and `spare_time` the time that it has until a coming slot
    needs its place; None if no runs follow.
    """

    run_id: str
    journey: str
    location: str
    site: Site
    evidence: str
    slot: datetime | None = None
    plan: str | None = None
    headed: bool = False
    slow_mo_ms: float = 0.0
    pause_on_failure: bool = False
    trace: TraceMode = "retain-on-failure"
    confirm: bool = True
    confirm_after_s: float = 5.0
    canaries: list[str] = field(default_factory=list)
    journeys_dir: str | None = None
    chromium: str | None = None
    sandbox: bool = True
    scratch: str | None = None
    grace_s: float = 10.0
    memory_mb: int = MEMORY_MB
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    secret_headers: dict[str, str] = field(default_factory=dict, repr=False)
    basic_auth: str | None = field(default=None, repr=False)
    other_secrets: list[str] = field(default_factory=list, repr=False)
    stripe_key: str | None = field(default=None, repr=False)
    stripe_api_base: str | None = None
    proxies: dict[str, str] = field(default_factory=dict, repr=False)
    ledger: str | None = None
    last_good: str | None = None
    reserve: Reserve | None = None
    spare_time: SpareTime | None = None

    @property
    def plan_hash(self) -> str:
        """The hash of the hub's plan if one was given, otherwise of the site's settings."""
        return self.plan or plan_hash(self.site)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value of this job."""
        # Passwords are also listed alone, because a page or an error may show one without its user name.
        passwords: list[str | None] = [
            self.basic_auth.partition(":")[2] if self.basic_auth else None,
            urlsplit(self.site.base_url).password,
        ]
        passwords += proxy_passwords(self.proxies)
        ours = (self.stripe_key, self.basic_auth, *passwords, *self.secret_headers.values(), *self.other_secrets)
        return tuple(secret for secret in ours if secret)

    @property
    def unhurried(self) -> bool:
        """Whether a person is watching, in which case no deadline applies."""
        return self.pause_on_failure or self.slow_mo_ms > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Holds one attempt of a job: its number, whether it is traced, the folder for its files and the descriptor for its events."""

    job: Job
    number: int
    traced: bool
    folder: str
    facts_fd: int


def new_run_id(journey: str, location: str, now: datetime) -> str:
    """Return a new run id, which sorts by time and is readable: `<time>-<journey>-<location>-<random>`."""
    place = re.sub(r"[^A-Za-z0-9-]+", "-", location)[:32]
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{journey}-{place}-{secrets.token_hex(3)}"


def plan_hash(site: Site) -> str:
    """Return a short hash of the configuration that a run used."""
    return hashlib.sha256(json.dumps(to_wire(site), sort_keys=True).encode()).hexdigest()[:12]
