"""Resolves names: which people have a role at a given time, and which destinations reach them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from facts import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Holds the people who are on call in turn. `start` is the wall time in `zone` at which the first one's first shift begins."""

    people: Sequence[str]
    start: datetime
    every: timedelta
    zone: ZoneInfo

    def on_call(self, at: datetime) -> tuple[str, ...]:
        """Return who is on call at a moment."""
        # By the wall clock: a hand-over at 09:00 stays at 09:00 when the clock is changed.
        passed = at.astimezone(self.zone).replace(tzinfo=None) - self.start
        return (self.people[passed // self.every % len(self.people)],)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Holds how recipients are reached: `destinations` in order, each once, and the roles that no destination reaches."""

    destinations: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Resolves names. `ways` are the destinations of each person, `members` the names behind each role and alias, and
    `on_call` who is on call of roles that change by the clock."""

    destinations: frozenset[str] = frozenset()
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    on_call: Mapping[str, Callable[[datetime], tuple[str, ...]]] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Return whether a name stands in the directory."""
        return name in self.destinations or name in self.ways or name in self.members or name in self.on_call

    def recipient(self, role: str, at: datetime) -> Recipient:
        """Return who has a role at a moment."""
        return Recipient(role=role, names=tuple(dict.fromkeys(self._names(role, at, ()))))

    def _names(self, name: str, at: datetime, within: tuple[str, ...]) -> Iterator[str]:
        if name in within:
            return
        if name in self.on_call:
            behind: Sequence[str] = self.on_call[name](at)
        elif name in self.members:
            behind = self.members[name]
        else:
            yield name
            return
        for one in behind:
            yield from self._names(one, at, (*within, name))

    def reached(self, recipients: Sequence[Recipient], at: datetime, reachable: frozenset[str] | None) -> Reached:
        """Return the destinations that reach recipients now.

        A recipient's people are those of their moment, and their addresses the present ones; a person who left the directory
        is replaced by whoever has the role now. `reachable` are the destinations that have an address, None where all have.
        """
        found: dict[str, None] = {}
        unreached = []
        for recipient in recipients:
            names = recipient.names
            if not names or any(name not in self.ways and name not in self.destinations for name in names):
                names = self.recipient(recipient.role, at).names
            ways = [way for name in names for way in self._ways(name) if reachable is None or way in reachable]
            found |= dict.fromkeys(ways)
            if not ways:
                unreached.append(recipient.role)
        return Reached(destinations=tuple(found), unreached=tuple(dict.fromkeys(unreached)))

    def ways_of_receivers(self, names: Sequence[str], at: datetime) -> tuple[str, ...]:
        """Return the destinations of a route's receivers, which are destinations, people, roles or aliases; each once."""
        found: dict[str, None] = {}
        for name in names:
            known = name in self.ways or name in self.members or name in self.on_call
            behind = self.recipient(name, at).names if known else (name,)
            found |= dict.fromkeys(way for one in behind for way in (self._ways(one) if known else (one,)))
        return tuple(found)

    def _ways(self, name: str) -> tuple[str, ...]:
        return (name,) if name in self.destinations else self.ways.get(name, ())
