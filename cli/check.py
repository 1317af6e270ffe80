"""`sixfb check`: every configuration file and secret."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from cli import access, settings, watching
from cli.failing import complain
from cli.output import say
from config import Complaint, ConfigError
from config.logs import log_form
from config.network import tls_context
from journeys.site_secrets import site_secrets

if TYPE_CHECKING:
    from runner.budget import Want


def check() -> None:
    """Read every configuration file and every secret, and say what is wrong: file, key, what, and what to do.

    Exit code: 0 all is well, 2 something is wrong.
    """
    wrong: list[Complaint] = []
    for read in (
        _check_site,
        settings.read_locations,
        _check_journeys,
        lambda: settings.stripe_key(buys=False),
        settings.source_key,
        log_form,
        tls_context,
        _check_targets,
        _check_budget,
        watching.read_routing,
        _check_doors,
    ):
        wrong += _complaints(read)
    for complaint in dict.fromkeys(wrong):
        complain(str(complaint))
    if wrong:
        raise typer.Exit(2)
    for line in _summary():
        say(line)


def _complaints(read: Callable[[], Any]) -> tuple[Complaint, ...]:
    try:
        read()
    except ConfigError as error:
        return error.complaints
    return ()


def _check_site() -> None:
    site_secrets(settings.read_site([]))


def _check_journeys() -> None:
    from journeys.registry import JourneyError, load_journeys

    try:
        known = load_journeys()
    except JourneyError as error:
        raise ConfigError(Complaint(file="SIXFB_JOURNEYS", what=str(error))) from None
    file = str(settings.config_file("locations.yaml"))
    unknown = [name for name in settings.read_locations().journeys if name not in known]
    hint = f"there are: {', '.join(known)}"
    if unknown:
        raise ConfigError(
            *(Complaint(file=file, key=f"journeys.{n}", what="no such journey", hint=hint) for n in unknown)
        )


def _check_doors() -> None:
    access.read_access("127.0.0.1")
    access.secret_key()


def _check_targets() -> None:
    from sla.feasible import impossible

    targets = watching.read_targets()
    wrong = impossible(targets, watching.read_watched().schedules())
    if wrong:
        raise ConfigError(*(_of_the_shipped(complaint) for complaint in wrong))


def _of_the_shipped(complaint: Complaint) -> Complaint:
    """A number that stands in no file of the operator's is not found there: say where it is from."""
    rule = (complaint.key or "").partition(".")[0]
    if rule not in watching.shipped_rules():
        return complaint
    hint = f"{complaint.hint}; your file does not name {rule}: write the rule into it, or switch it off there"
    return replace(complaint, hint=hint)


def _check_budget() -> None:
    """A schedule that would have each of its addresses blocked by the site, even if every run passed at once."""
    from runner.budget import sum_of

    budget = settings.read_site([]).request_budget
    file = str(settings.config_file("locations.yaml"))
    wrong = []
    for location, wants in _wanted().items():
        total = sum(want.requests for want in wants)
        if total > budget.requests:
            what = (
                f"{location} would ask {total} of the {budget.requests} requests that the site allows one address in "
                f"{budget.window_s / 60:g} minutes ({sum_of(wants)})"
            )
            hint = "buy less often there, or raise request_budget in site.yaml if the site allows more"
            wrong.append(Complaint(file=file, key="journeys", what=what, hint=hint))
    if wrong:
        raise ConfigError(*wrong)


def _wanted() -> dict[str, list[Want]]:
    """What each location asks of the site in the fullest window."""
    from journeys.registry import load_journeys
    from runner.budget import wanted_in_a_window

    costs = {journey.name: journey.requests for journey in load_journeys().values() if journey.requests}
    schedules = watching.read_watched().schedules()
    window_s = settings.read_site([]).request_budget.window_s
    return {
        location: wanted_in_a_window(
            {name: schedule.period_s for name, schedule in schedules.items() if location in schedule.grids},
            costs,
            window_s,
        )
        for location in settings.read_locations().locations
    }


def _budget_lines() -> list[str]:
    """The arithmetic of the location that asks most, how many may share an address, and whether confirmations still fit."""
    from runner.budget import sum_of

    budget = settings.read_site([]).request_budget
    wants = max(_wanted().values(), key=lambda wants: sum(want.requests for want in wants), default=[])
    total = sum(want.requests for want in wants)
    if not total:
        return []
    window = f"{budget.requests} requests in {budget.window_s / 60:g} minutes"
    fits = budget.requests // total
    share = "no two locations may share an address" if fits == 1 else f"{fits} locations may share an address"
    lines = [f"request budget  {total} of {window} at one address ({sum_of(wants)}); {share}"]
    if 2 * total > budget.requests:
        lines.append(
            f"tight           while every run fails, confirming each would take {2 * total} of {window}: some are left unconfirmed"
        )
    return lines


def _degraded() -> list[str]:
    """What works, but tells nobody: it is no mistake of a file, and it is said all the same."""
    return [f"degraded        {complaint}" for complaint in watching.read_routing().unset(os.environ)]


def _source_line() -> list[str]:
    source = settings.source_key()
    if source is None:
        return []
    live = "_live_" in source.reveal()
    return [
        f"Stripe source   {'live, restricted: for the hub alone, a runner refuses to start with it' if live else 'test mode'}"
    ]


def _summary() -> list[str]:
    site, locations = settings.read_site([]), settings.read_locations()
    key = (
        "set"
        if settings.stripe_key(buys=False)
        else "not set: amounts are read from the site's own API, and nothing is cleaned up"
    )
    own = os.environ.get("SIXFB_JOURNEYS")
    return [
        f"site.yaml       {settings.config_file('site.yaml')}: {site.base_url}, {site.city_name}, payment: {site.payment}",
        f"locations.yaml  {settings.config_file('locations.yaml')}: {', '.join(locations.locations)}",
        f"Stripe key      {key}",
        *_source_line(),
        *([f"journeys        {own}"] if own else []),
        f"sla.yaml        {settings.config_file('sla.yaml')}: {len(watching.read_targets().rules())} rules",
        *([f"                {shipped}"] if (shipped := watching.shipped_rules_line()) else []),
        f"alerts.yaml     {settings.config_file('alerts.yaml')}: {', '.join(watching.read_routing().destinations)}",
        *_budget_lines(),
        *_degraded(),
        "all is well",
    ]
