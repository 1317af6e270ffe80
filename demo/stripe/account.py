"""One Stripe account: its settings of the moment, its objects, and the events that it owes to a webhook."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.stripe.errors import rate_limited
from demo.stripe.objects import API_VERSION, Object, Tables, new_id
from demo.stripe.settings import StripeSettings, require_layout


@dataclass(frozen=True)
class Order:
    """What a session sells, its line items in the order they were told, and what its payment will carry."""

    items: tuple[Object, ...]
    description: str | None
    metadata: dict[str, str]


class StripeAccount:
    """Everything the stand-in knows. Served from one thread, may be looked at and changed from any other.

    `webhook_url`, `layout`, `live` and `calls_a_second` may be set at any time and hold for whatever comes next: the layout
    for pages opened from then on, `live` for objects made from then on.
    """

    def __init__(self, settings: StripeSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.tables = Tables()
        self.webhook_url = settings.webhook_url
        self.live = settings.live
        self.calls_a_second = settings.calls_a_second
        self._calls: tuple[int, int] = (0, 0)
        self._layout = settings.layout
        self._clock = clock
        self._orders: dict[str, Order] = {}
        self._outbox: list[Object] = []
        self._keystrokes = 0
        self._key_body = new_id("51", 32)

    @property
    def layout(self) -> str:
        """The hosted page's layout. Setting an unknown one raises ValueError."""
        return self._layout

    @layout.setter
    def layout(self, name: str) -> None:
        self._layout = require_layout(name)

    @property
    def now(self) -> int:
        """The account's time, epoch seconds."""
        return int(self._clock())

    def publishable_key(self, live: bool) -> str:
        """The key that a hosted page carries: `pk_live_...` or `pk_test_...`."""
        return f"pk_{'live' if live else 'test'}_{self._key_body}"

    def admit(self) -> None:
        """Count a call of the API. Raises StripeError 429 for one too many in this second."""
        with self.tables.lock:
            second, count = self._calls
            self._calls = (self.now, count + 1 if second == self.now else 1)
            if self.calls_a_second is not None and self._calls[1] > self.calls_a_second:
                raise rate_limited()

    # What tests and other rooms look at.

    def sessions(self) -> list[Object]:
        """Copies of all checkout sessions, oldest first."""
        return copy.deepcopy(self.tables.rows("checkout.session"))

    def charges(self) -> list[Object]:
        """Copies of all charges, failed ones too, oldest first."""
        return copy.deepcopy(self.tables.rows("charge"))

    def refunds(self) -> list[Object]:
        """Copies of all refunds, oldest first."""
        return copy.deepcopy(self.tables.rows("refund"))

    def events(self) -> list[Object]:
        """Copies of all events, oldest first."""
        return copy.deepcopy(self.tables.rows("event"))

    @property
    def keystrokes(self) -> int:
        """How many input events the hosted pages have reported. A page reports within a quarter of a second."""
        with self.tables.lock:
            return self._keystrokes

    def count_keystrokes(self, count: int) -> None:
        """Add what a page reports."""
        with self.tables.lock:
            self._keystrokes += count

    # What belongs to a session but is not part of the object.

    def keep_order(self, session_id: str, order: Order) -> None:
        """Remember what a session sells."""
        with self.tables.lock:
            self._orders[session_id] = order

    def order(self, session_id: str) -> Order:
        """What a session sells. Raises KeyError for an id that is no session's."""
        with self.tables.lock:
            return self._orders[session_id]

    # Events.

    def emit(self, name: str, subject: Object) -> Object:
        """Record that something happened to an object, and owe it to the webhook if there is one."""
        event = {
            "id": new_id("evt_1"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": {"object": subject},
            "livemode": subject.get("livemode", self.live),
            "pending_webhooks": 1 if self.webhook_url else 0,
            "request": {"id": None, "idempotency_key": None},
            "type": name,
        }
        with self.tables.lock:
            self._outbox.append(event)
            return self.tables.add(event)

    def take_outbox(self) -> list[Object]:
        """The events that nobody has begun to deliver yet; they count as begun from now on."""
        with self.tables.lock:
            taken, self._outbox = self._outbox, []
            return taken
