"""Builds the job of a slot from the settings, the plan and the files of this machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from facts import Plan, from_wire
from journeys.site import Site
from journeys.site_secrets import site_secrets
from runner.attempt.canaries import configured
from runner.attempt.job import Job
from runner.settings import RunnerSettings


def job_of_slot(
    journey: str, slot: datetime | None, *, run_id: str, settings: RunnerSettings, plan: Plan, scratch: Path
) -> Job:
    """Return the job that a run of a slot carries out, or one beside the schedule (`slot` is None).

    Raises:
        ConfigError: a secret that the plan names is not available on this machine.
        WireError: the plan's site is not valid.
    """
    site = from_wire(Site, plan.site)
    basic, headers = site_secrets(site, within=settings.secrets_in)
    site = replace(site, base_url=settings.base_url) if settings.base_url else site
    return Job(
        run_id=run_id,
        journey=journey,
        location=settings.location,
        site=site,
        evidence=str(settings.evidence),
        slot=slot,
        plan=plan.hash,
        confirm_after_s=settings.confirm_after_s,
        scratch=str(scratch),
        memory_mb=settings.memory_mb,
        canaries=configured(plan.canaries, site_url=site.base_url, hub_url=settings.hub_url),
        journeys_dir=settings.journeys_dir,
        chromium=settings.chromium,
        sandbox=settings.sandbox,
        other_secrets=[*settings.other_secrets, *([settings.token.reveal()] if settings.token else [])],
        headed=settings.headed,
        stripe_key=settings.stripe_key,
        stripe_api_base=settings.stripe_api_base,
        basic_auth=basic.reveal() if basic else None,
        secret_headers={name: value.reveal() for name, value in headers.items()},
        proxies=settings.proxies,
        ledger=str(settings.ledger.resolve()),
        last_good=str(settings.folder.resolve() / "last-good"),
    )
