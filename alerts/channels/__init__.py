"""The channels: one file a service with its settings, and the registry of them."""

from alerts.channels.channel import Answer, Arrival, Channel, Confirming, Phone, Receipt
from alerts.channels.guard import ForbiddenTargetError, guarded_client
from alerts.channels.registry import CHANNELS, KINDS, Destination, kind_of
from alerts.channels.settings import ChannelSettings, Missing, Rendered, Resources, resources
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook

__all__ = [
    "CHANNELS",
    "KINDS",
    "Answer",
    "Arrival",
    "Channel",
    "ChannelSettings",
    "Confirming",
    "Destination",
    "ForbiddenTargetError",
    "Missing",
    "Phone",
    "Receipt",
    "Rendered",
    "Resources",
    "Slack",
    "Webhook",
    "guarded_client",
    "kind_of",
    "resources",
]
