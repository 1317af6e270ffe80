"""Defines the settings of a channel: the keys of one destination in `alerts.yaml`, and the methods that create its channel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from alerts.channels.channel import Channel
from alerts.channels.guard import TRY_S, Network, guarded_client
from alerts.message import Message
from config import Secret, read_secret
from config.bounds import Address
from process.connecting import Names

STRICT: dict[str, Any] = {"extra": "forbid"}
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,80}")
_RECEIVER = Address("https://hooks.example.com/path", may=frozenset({"login", "query"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Holds something that a destination lacks. `key` is its key in the file; `remedy` is what to set, as the end of `set …`.

    `blocks` is true where nobody can be told without it, and false where only a part is lost.
    """

    key: str
    what: str
    hint: str
    remedy: str = ""
    blocks: bool = True


HIDDEN = Secret("(hidden)")
"""What a preview shows where a request carries a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Holds a message in the form in which a channel sends it: `text` as a person reads it, or the `data` of a JSON body."""

    text: str | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What channels send with. `client` keeps the time of a try, its answers' size and who may be connected to; a channel that
    speaks no HTTP keeps to `try_s`, `allow` and `names` itself."""

    client: httpx.Client = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    allow: Sequence[Network] = ()
    try_s: float = TRY_S
    names: Names | None = None


def resources(
    environment: Mapping[str, str],
    *,
    allow: Sequence[Network] = (),
    try_s: float = TRY_S,
    names: Names | None = None,
    proxies: Mapping[str, str] | None = None,
) -> Resources:
    """Return what channels send with. `proxies` is the environment that the client reads its proxies from, if another one.

    Raises ConfigError where the environment's proxies or certificates cannot be used.
    """
    where = environment if proxies is None else proxies
    client = guarded_client(allow, try_s=try_s, names=names, environment=where)
    return Resources(client=client, environment=environment, allow=allow, try_s=try_s, names=names)


class ChannelSettings(Protocol):
    """The settings of one destination. Each kind is a frozen dataclass with `kind: Literal[...]` and `__pydantic_config__ = STRICT`."""

    @property
    def kind(self) -> str:
        """Return the name of the channel."""
        ...

    def missing(self, environment: Mapping[str, str]) -> list[Missing]:
        """Return the settings that are not set or not usable; a placeholder counts as unset. Raises ConfigError."""
        ...

    def channel(self, use: Resources) -> Channel:
        """Return the channel; only called where nothing is missing that blocks."""
        ...

    def rendered(self, message: Message, *, dedup_key: str) -> Rendered:
        """Return the message as the channel would send it, without its secrets; also where something is missing."""
        ...


def must_name_a_variable(key: str, name: str, example: str) -> None:
    """Raise ValueError where a key holds a secret itself, or no name of an environment variable."""
    if "://" in name:
        raise ValueError(
            f"{key}: an address is a secret and does not stand in a file that is shared; "
            "put it into an environment variable and name that here"
        )
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise ValueError(f"{key}: {name!r:.80} is no environment variable; write it like {example}")


def secret_url(name: str, environment: Mapping[str, str]) -> Secret | None:
    """Return the address that a variable (or its `_FILE`) holds; None where it is unset or no address. Raises ConfigError."""
    secret = read_secret(name, environment)
    return secret if secret and _RECEIVER.wrong_with(secret.reveal()) is None else None


def missing_url(key: str, name: str, environment: Mapping[str, str]) -> list[Missing]:
    """Return what is missing if a destination has no address. Raises ConfigError."""
    if secret_url(name, environment) is not None:
        return []
    why = ": what is set is none" if read_secret(name, environment) else ""
    return [Missing(key=key, what=f"has no address{why}", hint=f"set {name} or {name}_FILE", remedy=name)]


def missing_secret(
    key: str,
    name: str,
    environment: Mapping[str, str],
    *,
    what: str,
    shape: re.Pattern[str] | None = None,
    masked: bool = True,
) -> list[Missing]:
    """Return that a secret is not set, or has not its shape, where that is so. `what` is what it is. Raises ConfigError."""
    secret = read_secret(name, environment, masked=masked)
    if secret is not None and (shape is None or shape.fullmatch(secret.reveal())):
        return []
    why = ": what is set is none" if secret is not None else ""
    return [Missing(key=key, what=f"has no {what}{why}", hint=f"set {name} or {name}_FILE", remedy=name)]


def secret_of(name: str, environment: Mapping[str, str], *, masked: bool = True) -> Secret:
    """Return a secret that is known to be set. Raises ConfigError, KeyError."""
    secret = read_secret(name, environment, masked=masked)
    if secret is None:
        raise KeyError(name)
    return secret


def api_base(name: str, environment: Mapping[str, str], usual: str) -> str:
    """Return where a service is reached: what a variable names (a stand-in, a region of one's own), else the usual address.

    An address that is none counts as unset, so that no message goes astray; the trailing slash is taken off.
    """
    told = environment.get(name, "").strip()
    return (told if told and Address(usual).wrong_with(told) is None else usual).rstrip("/")
