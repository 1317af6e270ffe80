"""What the contract of all channels needs to know of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import TypeAdapter

from alerts.channels import KINDS, Channel, Resources
from alerts.message import Line, Link, Message
from facts import NotificationKind, Severity
from tests.alerts.builders import NOW

SECRET = "https://hooks.example.test/services/T000/B000/very-secret-token"


@dataclass(frozen=True, kw_only=True)
class Case:
    """How to make a channel that sends to an address, and to read what it sent.

    `settings` are its keys in `alerts.yaml`, `environment` what is set beside; a `{url}` in either is the address. `text_of`
    gives every text of a request.
    """

    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    text_of: Callable[[httpx.Request], str] = field(default=lambda _request: "")
    over_http: bool = True

    def at(self, url: str) -> dict[str, str]:
        """The environment in which the channel sends to an address."""
        return {name: value.replace("{url}", url) for name, value in self.environment.items()}

    def parsed(self, **changes: Any) -> Any:
        """The settings as `alerts.yaml` gives them."""
        return TypeAdapter(KINDS[self.settings["kind"]]).validate_python({**self.settings, **changes})

    def channel(self, use: Resources, **changes: Any) -> Channel:
        """The channel; fails where it lacks anything."""
        settings = self.parsed(**changes)
        assert [one for one in settings.missing(use.environment) if one.blocks] == []
        channel: Channel = settings.channel(use)
        return channel


def a_message(**facts: Any) -> Message:
    """A firing outage of the GA purchase."""
    line = Line(
        alert="F0.ga_purchase.1",
        rule="F0",
        severity=Severity.CRITICAL,
        title="GA purchase: fails at several locations",
        summary="choose_city: GET / answered 500",
        state="firing",
        since=NOW,
    )
    return Message(
        **{
            "incident": "inc-1",
            "kind": NotificationKind.FIRING,
            "severity": Severity.CRITICAL,
            "headline": "Critical: GA purchase fails",
            "summary": "GA purchase fails at 2 of 3 locations",
            "lines": (line,),
            "fired_at": NOW,
            "links": (Link(name="The run that proves it", url="https://hub.test/runs/r1"),),
            "runbook": "docs/runbooks.md#f0",
            **facts,
        }
    )
