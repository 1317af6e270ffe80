"""What an account of the stand-in starts with."""

from __future__ import annotations

from dataclasses import dataclass

LAYOUTS = ("single", "accordion", "frame")
"""The layouts of the hosted page: bare inputs, a list of payment methods, and everything inside nested frames."""


@dataclass(frozen=True)
class StripeSettings:
    """How the stand-in starts; an account can change all but the two secrets while it runs.

    Attributes:
        secret_key: the key that may read and write, `sk_test_...`.
        webhook_secret: signs the webhooks, `whsec_...`.
        webhook_url: where events are posted to; None posts none.
        layout: the hosted page's layout, one of `LAYOUTS`.
        live: new objects are live ones: `cs_live_...`, `livemode: true`.
        calls_a_second: how many calls of the API are answered in a second; those over it get 429. None sets no limit.
    """

    secret_key: str
    webhook_secret: str
    webhook_url: str | None = None
    layout: str = "single"
    live: bool = False
    calls_a_second: int | None = None

    def __post_init__(self) -> None:
        require_layout(self.layout)


def require_layout(name: str) -> str:
    """The name itself. Raises ValueError when there is no such layout."""
    if name not in LAYOUTS:
        raise ValueError(f"no layout named {name!r}; there are: {', '.join(LAYOUTS)}")
    return name
