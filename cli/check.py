"""`sixfb check`: whatever the hub and a runner would refuse at their start, by the functions with which they refuse it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from cli import access, hub_config, request_budget, settings
from cli import runner as runner_command
from cli.command_error import CommandError, complain, without_store
from cli.hub import demo_links
from cli.output import say
from config import Complaint, ConfigError
from config.secrets import readable_secret
from facts import Severity
from journeys.browser import named_browser, sandbox_wanted
from journeys.site import StripeReads
from journeys.site_secrets import folders_of_secrets, site_secrets
from process.logs import log_form
from process.network import proxy_settings, tls_context
from redact.masking import KNOWN

_AHEAD = timedelta(days=370)
"""How far ahead the next time of a maintenance window is looked for; some come once a year."""


def check() -> None:
    """Read every configuration file, setting and secret, and say what is wrong: file, key, what, and what to do.

    Exit code: 0 the hub and its runners would run, and critical alerts would reach somebody; 2 something is wrong.
    """
    KNOWN.learn_environment(os.environ, readable_secret)
    wrong: list[str] = []
    for read in (*_FILES, *_HUB, *_RUNNER):
        wrong += _complaints(read)
    for complaint in dict.fromkeys(wrong):
        complain(complaint)
    if wrong:
        raise typer.Exit(2)
    for line in _summary():
        say(KNOWN.mask(line))
    _say_who_is_told(request_budget.doubts())


def _complaints(read: Callable[[], Any]) -> list[str]:
    try:
        read()
    except ConfigError as error:
        return [str(complaint) for complaint in error.complaints]
    except CommandError as error:
        return [str(error)]
    return []


def _say_who_is_told(doubts: str | None) -> None:
    """Print the conclusion. A monitor that notifies nobody of an outage is not well, whatever else is. `doubts` is what else keeps it
    from being well."""
    routing = hub_config.read_routing()
    untold = routing.untold(os.environ)
    if Severity.CRITICAL in untold:
        whom = "nobody would be told" if len(untold) == 3 else "nobody would be told of critical alerts"
        file, hint = settings.config_file("alerts.yaml"), untold[Severity.CRITICAL]
        complain(f"{file}: routes.critical: the hub runs, and {whom} ({hint})")
        raise typer.Exit(2)
    file = settings.config_file("alerts.yaml")
    # Whoever wrote no file has the guide's roles with placeholders: they are listed above, and are no mistake of theirs.
    is_own = file != settings.shipped_file("alerts.yaml")
    if is_own and (unreached := routing.critical_unreached(os.environ)):
        who = ", ".join(unreached)
        complain(
            f"{file}: escalation: the hub runs, and a critical alert would not reach {who} (give each a contact in people)"
        )
        raise typer.Exit(2)
    if untold:
        say(f"runs, and nobody would be told of {' and '.join(untold)} alerts")
    elif routing.unset(os.environ):
        say("runs, and not everybody would be told: see above")
    elif doubts:
        say(f"runs, and {doubts}: see above")
    else:
        say("all is well")


def _check_names() -> None:
    wrong = settings.misnamed_here()
    if wrong:
        raise ConfigError(*wrong)


def _check_site() -> None:
    # A runner reads the files that site.yaml names from these folders alone.
    site_secrets(settings.read_site([]), within=folders_of_secrets())


def _check_journeys() -> None:
    known, site = hub_config.known_journeys(), settings.read_site([])
    names = {other: journey.name for journey in known.values() for other in (journey.name, journey.guide_name) if other}
    file, planned = str(settings.config_file("locations.yaml")), settings.read_locations().journeys
    hint = f"there are: {', '.join(known)}"
    wrong = [
        Complaint(file=file, key=f"journeys.{n}", what="no such journey", hint=hint) for n in planned if n not in names
    ]
    for name, plan in planned.items():
        journey = known.get(names.get(name, name))
        for key in journey.lacks(site) if journey else ():
            wrong.append(Complaint(file=file, key=f"journeys.{name}", what=f"{key.key} {key.what}", hint=key.hint))
        if journey and plan.period_s < journey.slow_after_s:
            what = f"every {plan.every}, and a run that is not slow yet may take {journey.slow_after_s:g} s: slots would be missed"
            longer = f"write {journey.slow_after_s:g}s at least"
            wrong.append(Complaint(file=file, key=f"journeys.{name}.every", what=what, hint=longer))
        same = [other for other in planned if names.get(other, other) == names.get(name, name)]
        if len(same) > 1 and name == same[-1]:
            what = f"{' and '.join(same)} are one journey by two names; only one of them can hold"
            wrong.append(Complaint(file=file, key=f"journeys.{name}", what=what))
    if wrong:
        raise ConfigError(*wrong)


def _check_targets() -> None:
    wrong = hub_config.impossible_rules(hub_config.read_targets(), hub_config.read_watched())
    if wrong:
        raise ConfigError(*wrong)


def _check_receivers() -> None:
    routing = hub_config.read_routing()
    routing.unset(os.environ)
    hub_config.read_calendars(routing)
    wrong = [
        *routing.unknown_roles(hub_config.own_escalations()),
        *hub_config.wrong_with_maintenance(routing),
        *hub_config.wrong_with_routes(routing),
    ]
    if wrong:
        raise ConfigError(*wrong)


def _check_status_page() -> None:
    """The public status page: whether its logo can be read, and whether its components are journeys of the schedule."""
    page = settings.read_site([]).status_page
    if page is None:
        return
    from hub.status_page import StatusPageError, look_of

    file, planned, wrong = str(settings.config_file("site.yaml")), hub_config.read_watched().schedules(), []
    try:
        look_of(page)
    except StatusPageError as error:
        key, _, what = str(error).partition(": ")
        wrong.append(Complaint(file=file, key=key, what=what))
    for name in page.components:
        if name not in planned:
            what = f"no journey of the schedule is named {name!r:.80}"
            hint = f"there are: {', '.join(sorted(planned))}"
            wrong.append(Complaint(file=file, key=f"status_page.components.{name}", what=what, hint=hint))
    if wrong:
        raise ConfigError(*wrong)


def _check_doors() -> None:
    """Check whether other machines reach the hub, and whether a login is required then. No database is created for the check."""
    doors = access.read_access("127.0.0.1", hub_config.read_routing().base_url)
    access.must_have_a_login("127.0.0.1", doors, _users())


def _check_key() -> None:
    from hub.errors import HubError
    from hub.server_key import server_key

    file = hub_config.hub_folder() / "secret.key"
    key = access.secret_key()
    try:
        if key is not None or file.exists():
            server_key(hub_config.hub_folder(), key)
    except (HubError, OSError) as error:
        raise CommandError(str(error)) from None


def _users() -> int:
    from store import StoreError, users

    if not hub_config.has_database(settings.database_url()):
        return 0
    with closing(hub_config.open_database()) as store:
        try:
            with store.read() as connection:
                # The tables are made when the hub starts.
                return users.count(connection) if users.are_kept(connection) else 0
        except StoreError as error:
            raise without_store(error) from None


def _check_folder() -> None:
    """Check whether the folder of generated files is writable, without creating it."""
    folder = settings.var_folder().absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir():
        raise CommandError(f"SIXFB_VAR: {there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CommandError(f"SIXFB_VAR: the folder {there} cannot be written by this user")


def _maintenance() -> list[str]:
    """Print the next time of each maintenance window, which is no mistake but should be checked before it comes."""
    now, found = datetime.now(UTC), []
    routing = hub_config.read_routing()
    for window in hub_config.read_policy(routing, base_url=routing.base_url or "").maintenance:
        starts, ends = next(
            iter([*filter(None, [window.active(now)]), *window.between(now, now + _AHEAD)]), (None, None)
        )
        if starts is None or ends is None:
            found.append(f"maintenance     {window.name}: no more in the next {_AHEAD.days} days")
            continue
        local, until = starts.astimezone(window.zone), ends.astimezone(window.zone)
        when = f"{local:%a %Y-%m-%d %H:%M} to {until:%a %H:%M} ({window.zone})"
        found.append(f"maintenance     {window.name}: {when}, {window.about}: {window.reason}")
    return found


def _not_told() -> list[str]:
    """Print who cannot be notified: it is no mistake in a file, but must be known."""
    return [f"not told        {complaint}" for complaint in hub_config.read_routing().unset(os.environ)]


def _check_webhook() -> None:
    from hub.collect import stripe_webhook_secret

    stripe_webhook_secret()
    hub_config.inbound_webhooks(hub_config.read_routing())


def _source_line() -> list[str]:
    source = settings.source_key()
    if source is None:
        return []
    live, reads = "_live_" in source.reveal(), settings.read_site([]).stripe_reads or StripeReads()
    return [
        f"Stripe source   {'live, restricted: for the hub alone, a runner refuses to start with it' if live else 'test mode'}",
        f"                {reads.needed:,} of the {reads.allowed:,} reads in 30 days that Stripe allows the whole account",
    ]


def _doubts() -> list[str]:
    """Return a line for each rule that has too few orders to judge, and for each goal that is likely in another unit."""
    targets, watched = hub_config.read_targets(), hub_config.read_watched()
    return [
        *(f"hardly fires    {one}" for one in hub_config.powerless_rules(targets, watched)),
        *(f"are you sure?   {note}" for note in hub_config.goal_notes(targets, watched)),
    ]


def _summary() -> list[str]:
    site, locations, files = settings.read_site([]), settings.read_locations(), settings.sources()
    key = "set" if settings.stripe_key(buys=False) else None
    unset = "not set: amounts are read from the site's own API, and no session of Stripe's is cleaned up"
    shop = [site.city_name, f"payment: {site.payment}"] if site.sells_tickets else []
    own = settings.journeys_folder()
    return [
        f"site.yaml       {files['site.yaml']}: {', '.join([site.shown_url, *shop])}",
        f"locations.yaml  {files['locations.yaml']}: {', '.join(locations.locations)}",
        *([f"Stripe key      {key or unset}"] if key or site.sells_tickets else []),
        *_source_line(),
        *([f"journeys        {Path(own).absolute()}"] if own else []),
        f"sla.yaml        {files['sla.yaml']}: {len(hub_config.read_targets().rules())} rules",
        *([f"                {shipped}"] if (shipped := hub_config.shipped_rules_line()) else []),
        f"alerts.yaml     {files['alerts.yaml']}: {', '.join(hub_config.read_routing().destinations)}",
        *(
            f"cannot fire     {idle}"
            for idle in hub_config.idle_rules(hub_config.read_targets(), hub_config.read_watched())
        ),
        *_doubts(),
        *request_budget.lines(),
        *_maintenance(),
        *_not_told(),
    ]


_FILES: tuple[Callable[[], Any], ...] = (
    settings.config_folder,
    _check_names,
    _check_site,
    settings.read_locations,
    _check_journeys,
    hub_config.read_targets,
    _check_targets,
    request_budget.check,
    hub_config.read_routing,
    _check_receivers,
    _check_status_page,
)


def _check_otlp() -> None:
    from hub.otlp_settings import read_otlp_settings

    read_otlp_settings(os.environ)


_HUB: tuple[Callable[[], Any], ...] = (
    lambda: settings.stripe_key(buys=False),
    settings.source_key,
    _check_webhook,
    log_form,
    tls_context,
    lambda: settings.evidence_bytes(20),
    _check_otlp,
    demo_links,
    lambda: hub_config.has_database(settings.database_url()),
    _check_doors,
    _check_key,
    _check_folder,
)
_RUNNER: tuple[Callable[[], Any], ...] = (
    settings.hub_url,
    lambda: settings.runner_token(whole=True),
    settings.stripe_api_base,
    settings.memory_mb,
    runner_command.stop_grace_s,
    runner_command.metrics_port,
    lambda: runner_command.check_proxies(proxy_settings()),
    named_browser,
    sandbox_wanted,
)
