"""Signs and checks the addresses of links in messages, by which whoever has the message acts without a login."""

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
    """Makes and checks the links; they are of the server key, so another key makes those of earlier messages useless."""

    key: ServerKey

    def maker(self, base_url: str) -> Callable[[str, datetime], str]:
        """Return what makes the link of an alert at a moment, for the messages of a hub with an address."""

        def link(alert_id: str, now: datetime) -> str:
            ends = int((now + LASTS).timestamp())
            query = urlencode({"until": ends, "sig": self.key.sign(_PURPOSE, f"{alert_id}\n{ends}")})
            return f"{base_url.rstrip('/')}{PATH}{quote(alert_id, safe='')}?{query}"

        return link

    def check(self, alert_id: str, until: str, signature: str, now: datetime) -> None:
        """Return where a link is one of this hub's and is not too old. Raises HubError 403, 410."""
        if not self.key.signed(_PURPOSE, f"{alert_id}\n{until}", signature):
            raise HubError(
                403, "this link is not one of this hub's messages; open the message again, or log in at /alerts"
            )
        # A signed number is one that was made above.
        ends = datetime.fromtimestamp(int(until), UTC)
        if now >= ends:
            raise HubError(410, f"this link ended at {ends:%Y-%m-%d %H:%M} UTC; log in at /alerts")
