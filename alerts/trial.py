"""Sends a marked message to every destination, so that it is known before an outage which of them work."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from alerts.channels import Channel, Receipt
from alerts.channels.pagerduty import PagerDuty
from alerts.reach import trial_message
from alerts.routes import Routing
from alerts.weekly_trial import TrialResult

_AT_ONCE = 8


def send_trial(
    routing: Routing,
    environment: Mapping[str, str],
    wanted: Collection[str],
    *,
    now: datetime,
    by: str,
    allow_private: bool = False,
) -> list[TrialResult]:
    """Send the trial message to the wanted destinations, several at once, and return what each answered, by name.

    A destination that lacks an address is not sent to, and its result says what is missing. One that only lends its settings to
    people's phones has no receiver of its own, and is left out. `allow_private` lets messages go to this machine (the demo).

    Raises:
        ConfigError: the environment's proxies, certificates or secret files cannot be used.
    """
    channels = routing.channels(environment, allow_private=allow_private)
    known = routing.all_destinations()
    names = sorted(n for n in known if n in wanted and (n in channels or not _only_lends(routing, n)))
    incident = f"test-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    def one(name: str) -> TrialResult:
        if name not in channels:
            lacking = sorted(known[name].missing(environment), key=lambda missing: not missing.blocks)
            return TrialResult(destination=name, ok=False, detail=f"{lacking[0].what}; {lacking[0].hint}")
        receipt = _send(channels[name], incident, name, now, by)
        return TrialResult(
            destination=name, ok=receipt.ok, detail=receipt.detail or ("taken" if receipt.ok else "refused")
        )

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(one, names))


def _only_lends(routing: Routing, name: str) -> bool:
    return name in routing.destinations and routing.lends_its_settings(name)


def _send(channel: Channel, incident: str, name: str, now: datetime, by: str) -> Receipt:
    receipt = channel.send(trial_message(incident, now, by=by), dedup_key=f"{incident}.{name}")
    if receipt.ok and isinstance(channel, PagerDuty):
        # It keeps an incident open until it is told the end; the others only show what they were sent.
        channel.send(trial_message(incident, now, by=by, over=True), dedup_key=f"{incident}.{name}.end")
    return receipt
