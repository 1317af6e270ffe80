"""Registers the kinds of destinations. A new channel is a file in this folder and a line in `CHANNELS`."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

from pydantic import Field

from alerts.channels.email import EmailSettings
from alerts.channels.pagerduty import PagerDutySettings
from alerts.channels.settings import ChannelSettings
from alerts.channels.slack import SlackSettings
from alerts.channels.teams import TeamsSettings
from alerts.channels.telegram import TelegramSettings
from alerts.channels.twilio import TwilioSettings
from alerts.channels.webhook import WebhookSettings

CHANNELS: tuple[Any, ...] = (
    SlackSettings,
    WebhookSettings,
    PagerDutySettings,
    EmailSettings,
    TwilioSettings,
    TeamsSettings,
    TelegramSettings,
)


def kind_of(settings: Any) -> str:
    """Return the name by which `alerts.yaml` calls a channel."""
    return str(get_args(get_type_hints(settings)["kind"])[0])


KINDS: dict[str, Any] = {kind_of(settings): settings for settings in CHANNELS}
"""The settings of each channel by its kind."""

if TYPE_CHECKING:
    Destination = ChannelSettings
else:
    Destination = Annotated[reduce(or_, CHANNELS), Field(discriminator="kind")]
