"""What a run is asked to do: one journey, one site, one location, and where its evidence goes."""

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

TraceMode = Literal["on", "off", "retain-on-failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The order for one run. It travels by a pipe, never by arguments or environment, because it holds secrets.

    `evidence` is the folder that evidence is kept in. `trace` is Playwright's word: `retain-on-failure` traces the confirming
    attempt only (tracing stretches times by half, so what is measured is not traced), `on` every attempt.
    `other_secrets` are those the run has no use for and must not let out either.
    `confirm_after_s` is the pause before a first failure is tried once more. `basic_auth` is `user:password`.
    `proxies` are the proxy variables (see `process.network`): the browser gets them as an option, for its process tree sees no
    secret of our environment.
    `ledger` is the file that remembers what is bought, until it is undone. `last_good` is the folder that keeps what the last good run
    of each journey saw; None: runs are judged on their own.
    `scratch` is where the temporary folders go, None the system's place for them. `grace_s` is what an attempt gets beyond
    its own deadlines before it is ended, `memory_mb` what it may hold of memory, its browser included. `reserve` is what a run
    leaves of the request budget; None where nothing comes after it.
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

    @property
    def plan_hash(self) -> str:
        """The hash of the hub's plan where one was given, else of the site's settings."""
        return self.plan or plan_hash(self.site)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value of this job that nobody may ever read again."""
        passwords: list[str | None] = [
            self.basic_auth.partition(":")[2] if self.basic_auth else None,
            urlsplit(self.site.base_url).password,
        ]
        passwords += proxy_passwords(self.proxies)
        ours = (self.stripe_key, self.basic_auth, *passwords, *self.secret_headers.values(), *self.other_secrets)
        return tuple(secret for secret in ours if secret)

    @property
    def unhurried(self) -> bool:
        """Whether a person is watching, for whom no deadline holds."""
        return self.pause_on_failure or self.slow_mo_ms > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt of a job: its number, whether it is traced, the folder for its files and the descriptor for its facts."""

    job: Job
    number: int
    traced: bool
    folder: str
    facts_fd: int


def new_run_id(journey: str, location: str, now: datetime) -> str:
    """A run's id: it sorts by time, and a person can read it."""
    place = re.sub(r"[^A-Za-z0-9-]+", "-", location)[:32]
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{journey}-{place}-{secrets.token_hex(3)}"


def plan_hash(site: Site) -> str:
    """A short hash of the configuration a run was made with."""
    return hashlib.sha256(json.dumps(to_wire(site), sort_keys=True).encode()).hexdigest()[:12]
