"""Defines `people`, `roles` and `aliases` of alerts.yaml, and the destinations made of people's own addresses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from alerts.channels import ChannelSettings
from alerts.channels.email import EmailSettings
from alerts.channels.slack import SlackSettings
from alerts.channels.twilio import TwilioSettings
from config.bounds import Length, refuse
from config.durations import seconds

_STRICT: dict[str, Any] = {"extra": "forbid"}
_SLACK_ID = re.compile(r"[UWS][A-Z0-9]{5,20}")
_Handover = Annotated[str, Length("1d", "90d", "shifts are handed over at the same time of a day")]
_DAY_S = 86_400
WAYS: Mapping[str, type[ChannelSettings]] = {"phone": TwilioSettings, "email": EmailSettings, "slack": SlackSettings}
"""The ways that use a destination's settings with an address of a person's own, with the kind of that destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person, and how they are reached: by destinations (`reach`), or by a `phone`, an `email` address or a `slack` member id
    that is used with the settings of a destination of that kind. A placeholder counts as unset."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    name: str = ""
    phone: str | None = None
    email: str | None = None
    slack: str | None = None
    reach: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactThrough:
    """The destinations whose settings are used for people's phones, e-mail addresses and Slack ids."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    phone: str | None = None
    email: str | None = None
    slack: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    """Who has a role: its `members`, or who of a `rotation` or of an iCalendar file (`calendar`) is on call.

    A rotation hands over every so many days, at the wall time of `start`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    members: list[str] = field(default_factory=list)
    rotation: list[str] = field(default_factory=list)
    every: _Handover = "7d"
    start: str | None = None
    timezone: str | None = None
    calendar: str | None = None

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if len([one for one in (self.members, self.rotation, self.calendar) if one]) > 1:
            yield "members: only one of members, rotation and calendar can hold"
        if self.rotation and self.start is None:
            yield "start: is missing; write when the first of the rotation begins, like 2026-01-05T09:00"
        if self.start is not None and wall_time(self.start) is None:
            yield f"start: {self.start!r:.40} is not a date and time; write it like 2026-01-05T09:00"
        if seconds(self.every, key="every") % _DAY_S:
            yield f"every: {self.every} is not a number of whole days"


def _as_role(value: Any) -> Any:
    """Return the settings of a role that is written in its short form: a list of members, or one."""
    if isinstance(value, str):
        return {"members": [value]}
    return {"members": value} if isinstance(value, list) else value


Role = Annotated[RoleSettings, BeforeValidator(_as_role)]


def wall_time(text: str) -> datetime | None:
    """Return a date and time without a zone; None if the text is not one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else None


def wrong_with_names(
    people: Mapping[str, Person],
    roles: Mapping[str, RoleSettings],
    aliases: Mapping[str, str],
    destinations: Mapping[str, Any],
    through: ContactThrough,
) -> Iterator[str]:
    """Yield what is wrong with the directory, a sentence each that begins with its key."""
    known = {*people, *roles, *aliases, *destinations}
    sections: dict[str, Mapping[str, Any]] = {"destinations": destinations, "people": people, "roles": roles}
    for section, names in {**sections, "aliases": aliases}.items():
        for name in names:
            earlier = next((one for one in sections if one != section and name in sections[one]), None)
            if section != "destinations" and earlier is not None and list(sections).index(earlier) < _place(section):
                yield f"{section}.{name}: there is a name of {earlier} like it; each name stands for one thing"
            if section in ("people", "roles", "aliases") and not 1 <= len(name) <= 40:
                yield f"{section}: {name[:80]!r} has {len(name)} characters; at most 40"
    for name, person in people.items():
        yield from (f"people.{name}.{what}" for what in _wrong_with_person(person, destinations, through))
    for name, role in roles.items():
        listed = role.members or role.rotation
        key = "members" if role.members else "rotation"
        for number, one in enumerate(listed):
            if one not in known:
                yield f"roles.{name}.{key}.{number}: {one!r:.80} is no person, role, alias or destination"
    for name, target in aliases.items():
        if target not in known - {name}:
            yield f"aliases.{name}: {target!r:.80} is no person, role, alias or destination"
    for way, kind in WAYS.items():
        named = getattr(through, way)
        if named is not None and not isinstance(destinations.get(named), kind):
            yield f"contact_through.{way}: {named!r:.80} is not among the destinations of that kind"


def _place(section: str) -> int:
    return ("destinations", "people", "roles", "aliases").index(section)


def _wrong_with_person(person: Person, destinations: Mapping[str, Any], through: ContactThrough) -> Iterator[str]:
    for number, one in enumerate(person.reach):
        if one not in destinations:
            yield f"reach.{number}: {one!r:.80} is not among the destinations"
    for way in WAYS:
        if getattr(person, way) is None:
            continue
        shared = shared_destination(way, destinations, through)
        if shared is None:
            yield f"{way}: there is no destination of kind {_kind(way)} whose settings it could use"
            continue
        try:
            _own(way, getattr(person, way), destinations[shared])
        except ValueError as error:
            yield f"{way}: {str(error).partition(': ')[2]}"


def _kind(way: str) -> str:
    return {"phone": "twilio", "email": "email", "slack": "slack"}[way]


def shared_destination(way: str, destinations: Mapping[str, Any], through: ContactThrough) -> str | None:
    """Return the destination whose settings a way uses: the named one, else the first of its kind; None if there is none."""
    named = getattr(through, way)
    return named or next((name for name, one in destinations.items() if isinstance(one, WAYS[way])), None)


def _own(way: str, address: str, shared: Any) -> Any:
    """Return a shared destination's settings with a person's own address. Raises ValueError."""
    if way == "phone":
        return replace(shared, to=address)
    if way == "email":
        return replace(shared, to=[address])
    return replace(shared, mentions=[_mention(address)])


def _mention(slack_id: str) -> str:
    if not _SLACK_ID.fullmatch(slack_id):
        return slack_id
    return f"<!subteam^{slack_id}>" if slack_id.startswith("S") else f"<@{slack_id}>"


def own_destinations(
    people: Mapping[str, Person], destinations: Mapping[str, Any], through: ContactThrough
) -> dict[str, Any]:
    """Return the settings of the destinations that people's own addresses make, by name (`ann/phone`)."""
    return {
        f"{name}/{way}": _own(way, address, destinations[shared])
        for name, person in people.items()
        for way in WAYS
        if (address := getattr(person, way)) is not None
        and (shared := shared_destination(way, destinations, through)) is not None
    }


def ways_of(people: Mapping[str, Person]) -> dict[str, tuple[str, ...]]:
    """Return the names of the destinations that reach each person."""
    return {
        name: (*person.reach, *(f"{name}/{way}" for way in WAYS if getattr(person, way) is not None))
        for name, person in people.items()
    }


def calls_nobody(slack_id: str) -> bool:
    """Return whether a Slack id is a placeholder: a bare handle notifies nobody."""
    return _SLACK_ID.fullmatch(slack_id) is None
