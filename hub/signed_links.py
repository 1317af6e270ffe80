"""Signs and checks the links in messages. Whoever has the message can act with its link, without a login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

from hub.errors import HubError
from hub.server_key import ServerKey

PATH = "/links/"
LASTS = timedelta(days=3)
"""How long a link works after its message was sent."""
_PURPOSE = "action link"


@dataclass(frozen=True, slots=True)
class ActionLinks:
    """Makes and checks the links. They are signed with the server key: a new key ends all earlier links."""

    key: ServerKey

    def maker(self, base_url: str) -> Callable[[str, datetime], str]:
        """Return the function that makes the link of an alert at a moment; `base_url` is the hub's address."""

        def link(alert_id: str, now: datetime) -> str:
            ends = int((now + LASTS).timestamp())
            query = urlencode({"until": ends, "sig": self.key.sign(_PURPOSE, f"{alert_id}\n{ends}")})
            return f"{base_url.rstrip('/')}{PATH}{quote(alert_id, safe='')}?{query}"

        return link

    def check(self, alert_id: str, until: str, signature: str, now: datetime) -> None:
        """Accept a link that this hub made and that has not expired. Raises HubError 403, 410."""
        if not self.key.signed(_PURPOSE, f"{alert_id}\n{until}", signature):
            raise HubError(
                403, "this link is not one of this hub's messages; open the message again, or log in at /alerts"
            )
        # A signed number is one that was made above.
        ends = datetime.fromtimestamp(int(until), UTC)
        if now >= ends:
            raise HubError(410, f"this link ended at {ends:%Y-%m-%d %H:%M} UTC; log in at /alerts")
