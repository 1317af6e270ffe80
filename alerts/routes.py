"""Defines the contents of `alerts.yaml`: who is notified of what, through which destinations, and when."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from alerts.channels import Channel, ChannelSettings, Destination, Missing, resources
from alerts.channels.settings import Resources
from alerts.channels.twilio import TwilioSettings
from alerts.digest import DigestSettings
from alerts.directory import Directory, Rotation
from alerts.escalation import EscalationSettings
from alerts.flapping import FlappingSettings
from alerts.hours import HoursSettings, is_timezone
from alerts.maintenance import MaintenanceSettings
from alerts.on_call_calendar import CalendarFile
from alerts.people import (
    WAYS,
    ContactThrough,
    Person,
    Role,
    own_destinations,
    shared_destination,
    wall_time,
    ways_of,
    wrong_with_names,
)
from alerts.policy import Policy
from alerts.report_mail import ReportMail, ReportsSettings, report_mail_from, unset_recipients
from alerts.roll_up import RollUpSettings
from alerts.route import Route
from alerts.weekly_trial import TrialSettings
from config import Complaint, ConfigError, Document, validate
from config.bounds import Address, Length, refuse
from config.durations import seconds
from facts import Severity

_STRICT: dict[str, Any] = {"extra": "forbid"}
_LINKS = Address("https://hub.example.com")
_Join = Annotated[str, Length("0s", "24h", "alerts that are a day apart are no one incident")]
_Update = Annotated[str, Length("10s", "24h", "the hub looks every ten seconds, and a day's silence is no update")]
FILE = "alerts.yaml"
_LONGEST_NAME = 64
_URGENT = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The receivers of each severity; `low` and `info` tell nobody unless they are routed. `matching` routes come first: an alert that
    one of them matches goes to its receivers instead."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    critical: list[str] = field(default_factory=list)
    high: list[str] = field(default_factory=list)
    medium: list[str] = field(default_factory=list)
    low: list[str] = field(default_factory=list)
    info: list[str] = field(default_factory=list)
    matching: list[Route] = field(default_factory=list)

    def of(self, severity: Severity) -> list[str]:
        """Return the receivers of a severity."""
        names: list[str] = getattr(self, severity.value)
        return names

    def by_severity(self) -> dict[Severity, list[str]]:
        """Return the receivers of each severity that has any."""
        return {severity: self.of(severity) for severity in Severity if self.of(severity)}

    def lists(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each list of receivers with its key."""
        yield from ((severity.value, self.of(severity)) for severity in Severity)
        yield from ((f"matching.{number}.to", route.to) for number, route in enumerate(self.matching))


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Holds the whole file. Receivers in `routes` and `escalation` are destinations, people, roles or aliases."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    destinations: dict[str, Destination]
    routes: Routes
    people: dict[str, Person] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    contact_through: ContactThrough = field(default_factory=ContactThrough)
    business_hours: HoursSettings | None = None
    after_hours_high: Literal["defer", "page"] = "defer"
    digest: DigestSettings | None = None
    escalation: EscalationSettings | None = None
    reports: ReportsSettings | None = None
    trial: TrialSettings | None = None
    base_url: Annotated[str, _LINKS] | None = None
    join_window: _Join = "15m"
    update_every: _Update = "5m"
    flapping: FlappingSettings = field(default_factory=FlappingSettings)
    roll_up: RollUpSettings = field(default_factory=RollUpSettings)
    maintenance: list[MaintenanceSettings] = field(default_factory=list)
    allow_private: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        for name in self.destinations:
            if not 1 <= len(name) <= _LONGEST_NAME:
                yield f"destinations: {name[:80]!r} has {len(name)} characters; at most {_LONGEST_NAME}"
            if "/" in name:
                yield f"destinations.{name[:80]}: a slash is not allowed in a name; it stands between a person and a way of theirs"
        known = {*self.destinations, *self.people, *self.roles, *self.aliases}
        for key, names in self.routes.lists():
            unknown = sorted(set(names) - known)
            if unknown:
                yield f"routes.{key}: {', '.join(unknown)} is not among the destinations above, nor a person, role or alias"
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"routes.{key}: {name} stands there twice; it is told once"
        for number, route in enumerate(self.routes.matching):
            if not route.to:
                yield f"routes.matching.{number}.to: is missing; name the receivers"
        yield from wrong_with_names(self.people, self.roles, self.aliases, self.destinations, self.contact_through)
        yield from self._wrong_with_times()
        for number, name in enumerate(self.digest.to if self.digest else []):
            if name not in self.destinations:
                yield f"digest.to.{number}: {name!r:.80} is not among the destinations above"
        if self.reports is not None and self.reports.settings(self.destinations) is None:
            what = f"{self.reports.through!r:.80} is not among" if self.reports.through else "there is none among"
            yield f"reports.through: {what} the destinations of kind email; reports are sent by the server of one"
        for number, name in enumerate(self.trial.announce if self.trial else []):
            if name not in self.destinations:
                yield f"trial.announce.{number}: {name!r:.80} is not among the destinations above"
        for key, name in self.escalation.names() if self.escalation else ():
            if name not in known:
                yield f"escalation.{key}: {name!r:.80} is no person, role, alias or destination"
        yield from self._wrong_with_maintenance()
        for name in ("join_window", "update_every"):
            seconds(getattr(self, name), key=name)
        for number, network in enumerate(self.allow_private):
            try:
                ipaddress.ip_network(network)
            except ValueError:
                yield f"allow_private.{number}: {network!r:.60} is no network; write it like 10.1.2.0/24"

    def _wrong_with_maintenance(self) -> Iterator[str]:
        names = [one.name for one in self.maintenance]
        for number, window in enumerate(self.maintenance):
            if window.name in names[:number]:
                yield f"maintenance.{number}.name: {window.name} stands there twice; each window has a name of its own"
            for place, name in enumerate(window.announce):
                key = f"maintenance.{number}.announce.{place}"
                if name not in self.destinations:
                    yield f"{key}: {name!r:.80} is not among the destinations above"
                elif self.destinations[name].kind == "pagerduty":
                    yield f"{key}: {name} would open an incident in PagerDuty; name a channel that is read"

    def _wrong_with_times(self) -> Iterator[str]:
        for name, role in self.roles.items():
            if role.timezone is not None and not is_timezone(role.timezone):
                yield f"roles.{name}.timezone: {role.timezone!r:.60} is not an IANA time zone; write it like America/Chicago"
        if self.after_hours_high == "page" and self.business_hours is None:
            yield "after_hours_high: page makes a difference only beside business_hours"

    def policy(
        self,
        *,
        base_url: str,
        scale: float = 1.0,
        mark: str | None = None,
        calendars: Mapping[str, CalendarFile] | None = None,
        reachable: Sequence[str] | None = None,
        journeys: Mapping[str, str] | None = None,
    ) -> Policy:
        """Return what the state machine goes by; waits are `scale` times shorter.

        `journeys` are other names of journeys, each with the one by which alerts know it.

        `calendars` are those of the roles (see `calendars`). `reachable` are the destinations that have an address.
        """
        critical = tuple(self.routes.critical)
        return Policy(
            routes={severity: tuple(names) for severity, names in self.routes.by_severity().items()},
            matching=tuple(self.routes.matching),
            base_url=base_url,
            join_window=timedelta(seconds=seconds(self.join_window) / scale),
            update_every=timedelta(seconds=seconds(self.update_every) / scale),
            mark=mark,
            hours=self.business_hours.hours() if self.business_hours else None,
            pages_high_after_hours=self.after_hours_high == "page",
            digest=self.digest.digest(scale=scale) if self.digest else None,
            escalation=self.escalation.escalation(scale=scale, emergency=critical) if self.escalation else None,
            directory=self.directory(calendars or {}),
            reachable=frozenset(reachable) if reachable is not None else None,
            flapping=self.flapping.flapping(scale=scale),
            roll_up=self.roll_up.roll_up(scale=scale),
            maintenance=tuple(one.window(self.business_zone, journeys or {}) for one in self.maintenance),
        )

    @property
    def business_zone(self) -> ZoneInfo:
        """Return the zone of business hours; UTC if none is said."""
        hours = self.business_hours.timezone if self.business_hours else None
        return ZoneInfo(hours or "UTC")

    def directory(self, calendars: Mapping[str, CalendarFile]) -> Directory:
        """Return who stands behind each name."""
        on_call = {name: calendar.on_call for name, calendar in calendars.items()}
        for name, role in self.roles.items():
            start = wall_time(role.start) if role.start else None
            if role.rotation and start is not None:
                every = timedelta(seconds=seconds(role.every))
                on_call[name] = Rotation(people=role.rotation, start=start, every=every, zone=self._zone(role)).on_call
        return Directory(
            destinations=frozenset(self.all_destinations()),
            ways=ways_of(self.people),
            members={
                **{name: tuple(role.members) for name, role in self.roles.items()},
                **{name: (target,) for name, target in self.aliases.items()},
            },
            on_call=on_call,
        )

    def _zone(self, role: Role) -> ZoneInfo:
        return ZoneInfo(role.timezone) if role.timezone else self.business_zone

    def calendars(self, folder: Path) -> dict[str, CalendarFile]:
        """Return the calendars of the roles that have one; their files are named relative to a folder. Raises ConfigError."""
        found = {}
        for name, role in self.roles.items():
            if role.calendar:
                calendar = CalendarFile(path=folder / role.calendar, zone=self._zone(role))
                calendar.read(key=f"roles.{name}.calendar", file=FILE)
                found[name] = calendar
        return found

    def all_destinations(self) -> dict[str, ChannelSettings]:
        """Return the destinations of the file, and those that people's own addresses make (`ann/phone`)."""
        return {**self.destinations, **own_destinations(self.people, self.destinations, self.contact_through)}

    def unset(self, environment: Mapping[str, str], *, now: datetime | None = None) -> list[Complaint]:
        """Return what keeps anybody from being told: what destinations and people lack, mentions that call nobody, severities without
        a route, roles that reach nobody, and business hours without a time zone."""
        told = [
            Complaint(
                file=FILE,
                key=f"destinations.{name}.{missing.key}",
                what=f"{name} {missing.what}" if missing.blocks else missing.what,
                hint=missing.hint,
            )
            for blocks in (True, False)
            for name, destination in self.destinations.items()
            for missing in destination.missing(environment)
            if missing.blocks is blocks and not (missing.key == "to" and self.lends_its_settings(name))
        ]
        told += self._unset_people(environment)
        for severity in _URGENT:
            if not self.routes.of(severity):
                what = f"nobody is told of {severity.value} alerts"
                told.append(Complaint(file=FILE, key=f"routes.{severity.value}", what=what))
        if unreached := self._unreached(environment, now, _URGENT):
            key, names = unreached[0][0], [name for _, name in unreached]
            what = f"{', '.join(names)} {'reach' if len(names) > 1 else 'reaches'} nobody"
            hint = "give the people behind it a contact" if len(names) == 1 else "give the people behind them contacts"
            told.append(Complaint(file=FILE, key=key, what=what, hint=hint))
        if self.reports is not None and (nobody := unset_recipients(self.reports)):
            what, hint = f"{', '.join(nobody):.80} is nobody", "write the addresses of your people"
            told.append(Complaint(file=FILE, key="reports.recipients", what=what, hint=hint))
        if self.business_hours is not None and self.business_hours.timezone is None:
            what = "business hours are in UTC, because no time zone is set"
            told.append(
                Complaint(file=FILE, key="business_hours.timezone", what=what, hint="write it like America/Chicago")
            )
        return told

    def of_kind(self, kind: type) -> frozenset[str]:
        """Return the names of the destinations whose settings are of a class."""
        return frozenset(name for name, one in self.all_destinations().items() if isinstance(one, kind))

    def phones(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Return each phone's number with the name of whose it is and the destinations that are this phone.

        Where a destination of its own is a person's (`reach`), it is theirs; else it goes by the destination's name.
        """
        owners = {way: name for name, ways in ways_of(self.people).items() for way in ways}
        found: dict[str, tuple[str, frozenset[str]]] = {}
        for name, one in self.all_destinations().items():
            if not isinstance(one, TwilioSettings) or one.number is None:
                continue
            owner, known = found.get(one.number, ("", frozenset()))
            named = owners.get(name, name)
            both = named if owner in ("", named) or name not in owners else f"{owner} or {named}"
            found[one.number] = (both, known | {name})
        return found

    def lends_its_settings(self, name: str) -> bool:
        """Return whether a destination has no receiver of its own because people's phones are reached by its settings."""
        one = self.destinations[name]
        used = any(person.phone is not None for person in self.people.values())
        shared = shared_destination("phone", self.destinations, self.contact_through) == name
        return isinstance(one, TwilioSettings) and not one.to and used and shared

    def _unset_people(self, environment: Mapping[str, str]) -> Iterator[Complaint]:
        own = own_destinations(self.people, self.destinations, self.contact_through)
        for name, person in self.people.items():
            given = [way for way in WAYS if getattr(person, way) is not None]
            if not given and not person.reach:
                hint = "write a phone, an email address, a slack id, or the destinations that reach them"
                yield Complaint(file=FILE, key=f"people.{name}", what=f"{name} has no contact", hint=hint)
            for way in given:
                shared = self.destinations[shared_destination(way, self.destinations, self.contact_through) or ""]
                known = {(one.key, one.what) for one in shared.missing(environment)}
                for missing in own[f"{name}/{way}"].missing(environment):
                    if (missing.key, missing.what) not in known and missing.key in ("to", "mentions"):
                        what = f"{name} {missing.what}" if missing.blocks else missing.what
                        yield Complaint(file=FILE, key=f"people.{name}.{way}", what=what, hint=missing.hint)

    def _unreached(
        self, environment: Mapping[str, str], now: datetime | None, severities: Sequence[Severity]
    ) -> list[tuple[str, str]]:
        """Return the names in the tiers of some severities that reach nobody, each once with its first key."""
        if self.escalation is None:
            return []
        now = now or datetime.now(UTC)
        directory, reachable = self.directory({}), self.reachable(environment)
        calendars = {name for name, role in self.roles.items() if role.calendar}
        found: dict[str, str] = {}
        for key, name in self.escalation.names():
            if key.split(".")[0] != "emergency" and key.split(".")[2] not in severities:
                continue
            recipient = directory.recipient(name, now)
            # Who a calendar names is known when it is read.
            if (
                calendars.isdisjoint((name, *recipient.names))
                and not directory.reached([recipient], now, reachable).destinations
            ):
                found.setdefault(name, f"escalation.{key}")
        return [(key, name) for name, key in found.items()]

    def unknown_roles(self, escalations: Mapping[str, Sequence[str]]) -> list[Complaint]:
        """Return the names in the escalation lists of rules (sla.yaml) that belong to nobody; none without an escalation matrix."""
        known = {*self.destinations, *self.people, *self.roles, *self.aliases}
        hint = "name a person, role, alias or destination of alerts.yaml"
        return [
            Complaint(file="sla.yaml", key=f"{rule}.escalation", what=f"there is no {name!r:.80}", hint=hint)
            for rule, names in (escalations.items() if self.escalation else ())
            for name in names
            if name not in known
        ]

    def critical_unreached(self, environment: Mapping[str, str], *, now: datetime | None = None) -> list[str]:
        """Return the names in the tiers of critical alerts that reach nobody: `sixfb check` fails for these."""
        return [name for _, name in self._unreached(environment, now, (Severity.CRITICAL,))]

    def reachable(self, environment: Mapping[str, str]) -> frozenset[str]:
        """Return the destinations that have an address."""
        return frozenset(name for name in self.all_destinations() if not self._lacks(name, environment))

    def untold(self, environment: Mapping[str, str]) -> dict[Severity, str]:
        """Return the severities of which nobody would be notified, each with the remedy."""
        found: dict[Severity, str] = {}
        directory, now = self.directory({}), datetime.now(UTC)
        for severity in _URGENT:
            ways = directory.ways_of_receivers(self.routes.of(severity), now)
            routed = [self._lacks(name, environment) for name in ways]
            if all(routed):
                remedies = " or ".join(dict.fromkeys(lacking[0].remedy for lacking in routed))
                found[severity] = f"set {remedies}" if routed else f"name destinations in routes.{severity.value}"
        return found

    def _lacks(self, name: str, environment: Mapping[str, str]) -> list[Missing]:
        """Return what a destination lacks, so that it can notify nobody."""
        one = self.all_destinations()[name]
        lacking = [missing for missing in one.missing(environment) if missing.blocks]
        if not lacking and name.endswith("/slack") and name not in self.destinations:
            # A person's Slack id that calls nobody reaches nobody, although the channel takes the message.
            return [missing for missing in one.missing(environment) if missing.key == "mentions"]
        return lacking

    def channels(self, environment: Mapping[str, str], *, allow_private: bool = False) -> dict[str, Channel]:
        """Return the channel of each destination that lacks nothing. `allow_private` lets messages go to this machine (the demo).

        Raises ConfigError where the environment's proxies or certificates cannot be used.
        """
        use = self._resources(environment, allow_private=allow_private)
        return {
            name: destination.channel(use)
            for name, destination in self.all_destinations().items()
            if not self._lacks(name, environment)
        }

    def report_mail(self, environment: Mapping[str, str], *, allow_private: bool = False) -> ReportMail | None:
        """Return what mails reports; None where nobody is to get them, or the server or the recipients are not set.

        Raises ConfigError where the environment's proxies or certificates cannot be used.
        """
        if self.reports is None:
            return None
        return report_mail_from(
            self.reports, self.destinations, self._resources(environment, allow_private=allow_private)
        )

    def _resources(self, environment: Mapping[str, str], *, allow_private: bool) -> Resources:
        networks = ["127.0.0.0/8", "::1/128", *self.allow_private] if allow_private else self.allow_private
        return resources(environment, allow=[ipaddress.ip_network(network) for network in networks])


def routing_from(document: Document) -> Routing:
    """Return the file, checked. Raises ConfigError."""
    return validate(Routing, document)


__all__ = ["ConfigError", "Destination", "Policy", "Routing", "routing_from"]
