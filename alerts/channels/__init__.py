"""The channels: one file a service, and the table of them."""

from collections.abc import Callable, Mapping

from alerts.channels.channel import Channel, Receipt
from alerts.channels.guard import ForbiddenTargetError, guarded_client
from alerts.channels.registry import Addressed
from alerts.channels.slack import Slack
from alerts.channels.webhook import Webhook

KINDS: Mapping[str, Callable[[Addressed], Channel]] = {
    "slack": Slack.at,
    "webhook": Webhook.at,
}

__all__ = ["KINDS", "Addressed", "Channel", "ForbiddenTargetError", "Receipt", "Slack", "Webhook", "guarded_client"]
