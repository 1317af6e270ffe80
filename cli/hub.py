"""`sixfb hub`: the centre."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli import access, hub_config, settings
from cli.command_error import CommandError, announce, complain, without_store, writable_folder
from config.bounds import Bounds
from process.descriptors import raise_descriptor_limit
from process.heap import settle_heap
from process.private_files import create_private
from process.signals import listen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from alerts.channels import Channel
    from alerts.policy import Policy
    from alerts.routes import Routing
    from alerts.weekly_trial import TrialResult, WeeklyTrial
    from config import Complaint
    from demo.hub_pages import DemoPages
    from hub.access import Access
    from store import Store

_SCALE = Bounds(0.01, 1000, "it is how many times faster the demo's clock runs")
DEMO_SHOP, DEMO_INBOX, DEMO_SCALE = "SIXFB_DEMO_SHOP", "SIXFB_DEMO_INBOX", "SIXFB_DEMO_SCALE"
DEMO_AHEAD = "SIXFB_DEMO_AHEAD"
"""How many seconds the business's clock is ahead of the true one; for the demo alone."""
_AHEAD = Bounds(-4e9, 4e9, "it is how many seconds the demo's business clock is ahead")


def hub(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 lets the system choose.")] = 8600,
) -> None:
    """Take runs in, judge them, alert, and show the dashboard. Migrates the database at start."""
    from hub.collect import source_settings, stripe_events, stripe_webhook_secret
    from hub.errors import HubError
    from hub.serve import Hub, HubSettings, address_of
    from hub.stripe_webhook import StripeWebhook
    from hub.twilio_webhook import webhook_address
    from process.logs import get_logger
    from runner.logs import start_scrubbed_logging
    from sources import configured_sources
    from store import StoreError

    start_scrubbed_logging("hub")
    get_logger("sixfb.hub").info(
        "configuration_read", files=settings.sources(), journeys=settings.journeys_folder() or "shipped"
    )
    for warning in settings.misnamed_here():
        complain(f"warning: {warning}")
    create_private()
    raise_descriptor_limit()
    routing = hub_config.read_routing()
    host = host.strip("[]")
    doors, key = access.read_access(host, routing.base_url), access.secret_key()
    folder = writable_folder(hub_config.hub_folder(), option="SIXFB_VAR")
    store = hub_config.open_database(folder)
    _refuse_strangers(host, doors, store)
    watched, targets = hub_config.read_watched(), hub_config.read_targets()
    settings.stripe_key(buys=False)
    settings.source_key()
    webhook_secret = stripe_webhook_secret()
    pagerduty_webhook, twilio_webhook = hub_config.inbound_webhooks(routing)
    evidence_bytes = settings.evidence_bytes(20)
    demo, scale = demo_links()
    scaled = targets.scaled(scale) if scale != 1 else targets
    for complaint in (*hub_config.impossible_rules(scaled, watched), *degraded(routing)):
        complain(f"degraded: {complaint}")
    for idle in hub_config.idle_rules(scaled, watched):
        complain(f"cannot fire: {idle}")
    if untold := routing.untold(os.environ):
        complain(f"degraded: nobody would be told of {' and '.join(untold)} alerts")
    if shipped := hub_config.shipped_rules_line():
        complain(f"rules {shipped}")
    policy = hub_config.read_policy(
        routing,
        scale=scale,
        base_url=routing.base_url or address_of(host, port),
        mark=f"demo, clock 1:{scale:g}" if demo else None,
    )
    policy = with_demo_clock(policy, is_demo=demo is not None)
    if demo is not None and twilio_webhook is not None:
        demo.answer_sms(webhook_address(policy.base_url), twilio_webhook.tokens[0])
    ending = listen(to_input=True)
    try:
        running = Hub(
            store=store,
            watched=watched,
            targets=scaled,
            policy=policy,
            channels=channels(routing, allow_private=demo is not None),
            settings=HubSettings(
                folder=folder,
                host=host,
                port=port,
                scale=scale,
                evidence_bytes=evidence_bytes,
                sources=configured_sources(source_settings(watched)),
                notices=(*_notices(routing, scale, demo=demo is not None), *demo_clock_notices(policy)),
                additions=(demo,) if demo is not None else (),
                access=doors,
                secret_key=key,
                report_mail=routing.report_mail(os.environ, allow_private=demo is not None),
                stripe_webhook=StripeWebhook(webhook_secret, stripe_events(watched)) if webhook_secret else None,
                trial=weekly_trial(routing, allow_private=demo is not None),
                pagerduty_webhook=pagerduty_webhook,
                twilio_webhook=twilio_webhook,
            ),
        )
        address = running.start()
    except StoreError as error:
        raise without_store(error) from None
    except (OSError, HubError) as error:
        raise CommandError(str(error)) from None
    settle_heap()
    for notice in running.open_access_notices():
        complain(notice)
    announce(f"the dashboard is at {address}")
    ending.wait()
    if not running.stop():
        # A receiver that hangs would keep us for as long as it likes.
        sys.stderr.flush()
        os._exit(0)


def _refuse_strangers(host: str, doors: Access, store: Store) -> None:
    from store import StoreError, users

    if not doors.public:
        return
    try:
        store.migrate()
    except StoreError as error:
        raise without_store(error) from None
    with store.read() as connection:
        access.must_have_a_login(host, doors, users.count(connection))


def demo_links() -> tuple[DemoPages | None, float]:
    """Return the demo's pages, if the demo started this hub, and how many times faster its clock is."""
    from demo.hub_pages import DemoPages

    shop, inbox = os.environ.get(DEMO_SHOP), os.environ.get(DEMO_INBOX)
    if not shop or not inbox:
        return None, 1.0
    return DemoPages(shop=shop, inbox=inbox), _SCALE.read(os.environ.get(DEMO_SCALE, "1"), key=DEMO_SCALE)


def with_demo_clock(policy: Policy, *, is_demo: bool) -> Policy:
    """Return the policy with the business's clock as far ahead as the demo has set it. Raises CommandError outside of the demo."""
    told = os.environ.get(DEMO_AHEAD)
    if told is None:
        return policy
    if not is_demo:
        raise CommandError(
            f"{DEMO_AHEAD}: the business's clock can be set in the demo alone (`sixfb demo --at`); leave it out"
        )
    ahead = timedelta(seconds=_AHEAD.read(told, key=DEMO_AHEAD))
    return replace(policy, hours=replace(policy.hours, ahead=ahead)) if policy.hours is not None else policy


def demo_clock_notices(policy: Policy) -> tuple[str, ...]:
    """Return the notice of a business clock that is set; it names what the clock shows at the start of the hub."""
    hours = policy.hours
    if hours is None or not hours.ahead:
        return ()
    now = datetime.now(UTC)
    shown = f"{hours.local(now):%a %Y-%m-%d %H:%M} ({hours.zone}) at {now:%H:%M} UTC"
    return (
        f"The business's clock is set: it was {shown}, and runs on. Business hours and digests go by it, all else by the true time.",
    )


def degraded(routing: Routing) -> list[Complaint]:
    """Return the problems of alerts.yaml with which the hub still starts: who cannot be notified, and windows without a subject.

    A hub that refused to start because a location was renamed would tell nobody of an outage. The window covers the rest of its names.
    """
    return [*routing.unset(os.environ), *hub_config.wrong_with_maintenance(routing)]


def _notices(routing: Routing, scale: float, *, demo: bool) -> tuple[str, ...]:
    notices = [f"Degraded: {complaint}" for complaint in degraded(routing)]
    if demo:
        notices.insert(
            0,
            f"This is the demo: windows and waits run {scale:g} times as fast as the guide's. "
            "Visitors, buyers and their history are simulated.",
        )
    return tuple(notices)


def weekly_trial(routing: Routing, *, allow_private: bool) -> WeeklyTrial | None:
    """Return the weekly test of the destinations; None if alerts.yaml has none."""
    from alerts.trial import send_trial
    from hub.jobs.alerts_trial import BY

    if routing.trial is None:
        return None

    def send(now: datetime) -> list[TrialResult]:
        everything = routing.all_destinations()
        return send_trial(routing, os.environ, everything, now=now, by=BY, allow_private=allow_private)

    return routing.trial.trial(str(routing.business_zone), send)


def channels(routing: Routing, *, allow_private: bool = False) -> Mapping[str, Channel]:
    """Return the channel of each destination that has an address."""
    return routing.channels(os.environ, allow_private=allow_private)
