"""Reads what the hub's commands need: the watched site, the targets, the routes, and the database."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from cli import settings
from cli.command_error import CommandError, without_store
from config import Complaint, ConfigError, read_document

if TYPE_CHECKING:
    from alerts.on_call_calendar import CalendarFile
    from alerts.policy import Policy
    from alerts.routes import Routing
    from config import Document
    from hub.pagerduty_webhook import PagerDutyWebhook
    from hub.twilio_webhook import TwilioWebhook
    from hub.watched import Watched
    from journeys.journey import Journey
    from sla.settings import Rule
    from sla.targets import Targets
    from store import Store

_OTHER_METRICS = ("whole_metric", "bad_metric", "good_metric", "total_metric", "per_metric")


def read_watched() -> Watched:
    """Read `site.yaml` and `locations.yaml`, and resolve the journeys' names. Raises ConfigError, CommandError."""
    from hub.watched import Watched

    known = known_journeys()
    names = {other: journey.name for journey in known.values() for other in (journey.name, journey.guide_name) if other}
    return Watched(
        site=settings.read_site([]),
        locations=settings.read_locations(),
        journeys=names,
        never_buy=frozenset(journey.name for journey in known.values() if not journey.buys),
    )


def known_journeys() -> dict[str, Journey]:
    """Return every journey by its name. Raises CommandError."""
    from journeys.registry import JourneyError, load_journeys

    try:
        return load_journeys(settings.journeys_folder())
    except JourneyError as error:
        raise CommandError(str(error)) from None


def read_targets(file: Path | None = None) -> Targets:
    """Read `sla.yaml`, and the shipped file for the rules that it does not name. Raises ConfigError."""
    from sla.targets import targets_from

    shipped = settings.shipped_file("sla.yaml")
    document = read_document(file or settings.config_file("sla.yaml"))
    return targets_from(document, shipped=read_document(shipped) if shipped else None)


def impossible_rules(targets: Targets, watched: Watched) -> list[Complaint]:
    """Return a complaint for each rule of the user's that can never fire or be judged here, at its line in `sla.yaml`.

    A rule that is as it ships is nobody's mistake: it is among the `idle_rules`. Raises ConfigError, CommandError.
    """
    document = read_document(settings.config_file("sla.yaml"))
    found = [*_impossible(targets, watched), *_unknown_names(targets)]
    return [
        replace(complaint, file=document.file, line=document.line(complaint.key or ""))
        for complaint in found
        if not _is_shipped(_rule_of(complaint), document)
    ]


def idle_rules(targets: Targets, watched: Watched) -> list[str]:
    """A line for each rule that is on and cannot fire with this site and schedule: its id, its title, and why.

    Raises ConfigError, CommandError.
    """
    from hub.collect import source_settings
    from hub.known_metrics import missing_metrics
    from sla.feasible import idle_rules as found_idle

    document = read_document(settings.config_file("sla.yaml"))
    missing = missing_metrics(source_settings(watched))
    pays = watched.site.payment == "test"
    idle = found_idle(targets, watched.schedules(), pays=pays, missing_metrics=missing)
    # A rule that needs several things that are not there for one reason says so once.
    lines = list(dict.fromkeys(f"{one.rule} {one.title}: {one.why}" for one in idle))
    known = {one.rule for one in idle}
    for complaint in _impossible(targets, watched):
        rule = _rule_of(complaint)
        if rule not in known and _is_shipped(rule, document):
            key = (complaint.key or "").removeprefix(f"{rule}.")
            lines.append(f"{rule} {targets.rules()[rule].title}: {key} {complaint.what}")
    return lines


def powerless_rules(targets: Targets, watched: Watched) -> list[str]:
    """A line for each rule that is on and can hardly ever judge, because so few orders come here: its id, its title, and why.

    Raises ConfigError.
    """
    from hub.business import volumes_of
    from hub.collect import source_settings
    from hub.known_metrics import missing_metrics
    from sla.feasible import powerless

    missing = missing_metrics(source_settings(watched))
    return [f"{one.rule} {one.title}: {one.why}" for one in powerless(targets, volumes_of(watched.site), missing)]


def goal_notes(targets: Targets, watched: Watched) -> list[str]:
    """A line for each pair of stated revenues of a day that are so far apart that one of them is likely in another unit.

    Raises ConfigError.
    """
    from hub.collect import source_settings
    from hub.known_metrics import missing_metrics
    from sla.feasible import goals_apart

    return list(goals_apart(targets, missing_metrics(source_settings(watched))))


def _impossible(targets: Targets, watched: Watched) -> list[Complaint]:
    from sla.feasible import impossible

    return impossible(targets, watched.schedules())


def _rule_of(complaint: Complaint) -> str:
    return (complaint.key or "").partition(".")[0]


def _is_shipped(rule: str, document: Document) -> bool:
    """Return whether a file leaves a rule out, or repeats what the shipped file says."""
    if rule not in document.data:
        return True
    shipped = settings.shipped_file("sla.yaml")
    return shipped is not None and read_document(shipped).data.get(rule) == document.data[rule]


def _unknown_names(targets: Targets) -> Iterator[Complaint]:
    """Yield a complaint for each unknown journey, step and widget that a rule names, because it would never have data."""
    from reports.dashboards import WIDGETS

    journeys = known_journeys()
    steps = {step for journey in journeys.values() for step in journey.steps}
    for name, rule in targets.rules().items():
        if not rule.enabled:
            continue
        for key in ("journeys", "bad", "recent_by_journey"):
            yield from _unknown(f"{name}.{key}", getattr(rule, key, None) or (), journeys, "journey")
        for key in ("steps", "not_steps"):
            yield from _unknown(f"{name}.{key}", getattr(rule, key, None) or (), steps, "step")
        yield from _unknown(f"{name}.widgets", rule.widgets, WIDGETS, "widget")
        yield from _unknown_metrics(name, rule)


def _unknown_metrics(name: str, rule: Rule) -> Iterator[Complaint]:
    """Metrics that no source brings, and labels that a metric does not have: such a rule would be off for ever."""
    from hub.known_metrics import METRICS

    keys = [key for key in ("metric", *_OTHER_METRICS) if getattr(rule, key, None)]
    for key in keys:
        yield from _unknown(f"{name}.{key}", getattr(rule, key), METRICS, "metric")
    metric = METRICS.get(getattr(rule, keys[0])) if keys else None
    if metric is None:
        return
    yield from _unknown(f"{name}.where", getattr(rule, "where", None) or {}, metric.labels, f"label of {metric.name}")
    yield from _unknown(
        f"{name}.group_by", getattr(rule, "group_by", None) or [], metric.labels, f"label of {metric.name}"
    )
    yield from _unknown(f"{name}.by", getattr(rule, "by", None) or [], metric.labels, f"label of {metric.name}")


def _unknown(key: str, named: Iterable[str], known: Collection[str], what: str) -> Iterator[Complaint]:
    """Yield a complaint for each name, of a list, of a table's keys or a single one, that is not known."""
    for number, name in enumerate([named] if isinstance(named, str) else named):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known))}"
            if isinstance(named, str):
                place = key
            elif isinstance(named, list):
                place = f"{key}.{number}"
            else:
                place = f"{key}.{name}"
            yield Complaint(file="sla.yaml", key=place, what=f"no {what} is named {name!r:.80}", hint=hint)


def own_rules() -> tuple[str, ...]:
    """Return the rules of `sla.yaml` that differ from the shipped ones. Raises ConfigError."""
    document = read_document(settings.config_file("sla.yaml"))
    return tuple(name for name in document.data if not _is_shipped(name, document))


def shipped_rules() -> tuple[str, ...]:
    """Return the rules that `sla.yaml` does not name, so that the shipped ones apply. Raises ConfigError."""
    from sla.targets import left_out

    shipped = settings.shipped_file("sla.yaml")
    return left_out(read_document(settings.config_file("sla.yaml")), read_document(shipped)) if shipped else ()


def shipped_rules_line() -> str | None:
    """Return a sentence about the shipped rules that apply; None if `sla.yaml` names every rule. Raises ConfigError."""
    names = shipped_rules()
    return f"not in {settings.config_file('sla.yaml')}, and so as shipped: {', '.join(names)}" if names else None


def read_routing() -> Routing:
    """Read `alerts.yaml`; business hours without a time zone are in the business's (`site.yaml`). Raises ConfigError."""
    from alerts.routes import routing_from

    routing = routing_from(read_document(settings.config_file("alerts.yaml")))
    hours = routing.business_hours
    if hours is None or hours.timezone is not None:
        return routing
    # What is wrong with site.yaml is told by whoever reads it for its own sake.
    with suppress(ConfigError):
        business = settings.read_site([]).business
        if business is not None:
            return replace(routing, business_hours=replace(hours, timezone=business.timezone))
    return routing


def read_policy(routing: Routing, *, base_url: str, scale: float = 1.0, mark: str | None = None) -> Policy:
    """Return the policy of alerts, with the calendars that `alerts.yaml` names. Raises ConfigError."""
    return routing.policy(
        base_url=base_url,
        scale=scale,
        mark=mark,
        calendars=read_calendars(routing),
        reachable=sorted(routing.reachable(os.environ)),
        journeys=_names_of_journeys() if routing.maintenance else {},
    )


def _names_of_journeys() -> dict[str, str]:
    """Return every name of each journey, with the name that its runs have. Raises CommandError."""
    known = known_journeys().values()
    return {name: journey.name for journey in known for name in (journey.name, journey.guide_name) if name}


def wrong_with_maintenance(routing: Routing) -> list[Complaint]:
    """Return a complaint for each journey and location of a maintenance window that there is not.

    Raises ConfigError, CommandError.
    """
    if not routing.maintenance:
        return []
    journeys, locations = _names_of_journeys(), settings.read_locations().locations
    found = []
    for number, window in enumerate(routing.maintenance):
        for key, names, known in (("journeys", window.journeys, journeys), ("locations", window.locations, locations)):
            for place, name in enumerate(names):
                if name not in known:
                    what, hint = f"no {key[:-1]} is named {name!r:.80}", f"there are: {', '.join(sorted(known))}"
                    key_of = f"maintenance.{number}.{key}.{place}"
                    found.append(Complaint(file="alerts.yaml", key=key_of, what=what, hint=hint))
    return found


def wrong_with_routes(routing: Routing) -> list[Complaint]:
    """Return a complaint for each rule, journey and location in `routes.matching` that there is not: no alert would match it.

    Raises ConfigError, CommandError.
    """
    if not routing.routes.matching:
        return []
    names = {
        "rule": list(read_targets().rules()),
        "journey": [journey.name for journey in known_journeys().values()],
        "location": list(settings.read_locations().locations),
    }
    found = []
    for number, route in enumerate(routing.routes.matching):
        for key, known in names.items():
            for place, pattern in enumerate(getattr(route.match, key)):
                if not any(fnmatchcase(name, pattern) for name in known):
                    what, hint = f"no {key} is named {pattern!r:.80}", f"there are: {', '.join(sorted(known))}"
                    key_of = f"routes.matching.{number}.match.{key}.{place}"
                    found.append(Complaint(file="alerts.yaml", key=key_of, what=what, hint=hint))
    return found


def inbound_webhooks(routing: Routing) -> tuple[PagerDutyWebhook | None, TwilioWebhook | None]:
    """Return the receivers of PagerDuty's webhooks and of SMS replies; None for a service without a secret. Raises ConfigError."""
    from alerts.channels.pagerduty import PagerDutySettings
    from alerts.channels.twilio import TwilioSettings
    from config import read_secret
    from hub.pagerduty_webhook import PagerDutyWebhook
    from hub.twilio_webhook import PhoneOwner, TwilioWebhook

    secret = read_secret("PAGERDUTY_WEBHOOK_SECRET", os.environ)
    pagerduty = (
        PagerDutyWebhook(secret=secret, destinations=routing.of_kind(PagerDutySettings)) if secret is not None else None
    )
    names = [one.token_from for one in routing.destinations.values() if isinstance(one, TwilioSettings)]
    found = [read_secret(name, os.environ) for name in dict.fromkeys(["TWILIO_AUTH_TOKEN", *names])]
    tokens = tuple(dict.fromkeys(one for one in found if one is not None))
    phones = {number: PhoneOwner(name=name, destinations=ways) for number, (name, ways) in routing.phones().items()}
    return pagerduty, TwilioWebhook(tokens=tokens, phones=phones) if tokens else None


def own_escalations() -> dict[str, list[str]]:
    """Return the escalation lists of the rules that are other than shipped. Raises ConfigError.

    The shipped rules name the guide's roles, which a small team need not have: what nobody stands behind there adds nothing.
    """
    from sla.targets import targets_from

    shipped = settings.shipped_file("sla.yaml")
    usual = targets_from(read_document(shipped)).rules() if shipped else {}
    lists = {name: rule.escalation for name, rule in read_targets().rules().items()}
    return {name: told for name, told in lists.items() if name not in usual or usual[name].escalation != told}


def read_calendars(routing: Routing) -> dict[str, CalendarFile]:
    """Return the calendars of roles; their files lie beside `alerts.yaml`. Raises ConfigError."""
    return routing.calendars(Path(settings.config_file("alerts.yaml")).parent)


def hub_folder() -> Path:
    """Return the folder in which the hub keeps its database and evidence."""
    return settings.var_folder() / "hub"


def has_database(url: str | None) -> bool:
    """Return whether there is a database to read; a missing file is created only by the hub. Raises CommandError."""
    from store import StoreError, database_address, must_be_usable

    try:
        if url is None:
            file = hub_folder() / "sixfb.db"
            must_be_usable(file, key="SIXFB_VAR")
            return file.is_file()
        parsed = database_address(url)
    except StoreError as error:
        raise CommandError(str(error)) from None
    if parsed.drivername != "sqlite":
        return True
    file = Path(parsed.database or "")
    if not file.parent.is_dir():
        raise CommandError(f"DATABASE_URL: there is no folder {file.parent}; make it, or name another")
    return file.is_file()


def open_database(folder: Path | None = None) -> Store:
    """Open the hub's database: `DATABASE_URL`, else SQLite in the hub's folder. Raises CommandError."""
    from store import StoreError, open_store

    try:
        return open_store(settings.database_url(), folder=folder or hub_folder())
    except StoreError as error:
        raise without_store(error) from None


def existing_database() -> Store:
    """Open the database of a hub that has run here; reading commands create none. Raises CommandError."""
    return open_database(existing_folder())


def existing_folder() -> Path:
    """Return the folder of the hub of `existing_database`: the demo's if only that has run. Raises CommandError."""
    if settings.database_url() or (hub_folder() / "sixfb.db").is_file():
        return hub_folder()
    demo = settings.var_folder() / "demo" / "hub"
    if not (demo / "sixfb.db").is_file():
        raise CommandError(
            f"no hub has run here: there is no {hub_folder() / 'sixfb.db'}; start `sixfb hub`, or set DATABASE_URL"
        )
    return demo
