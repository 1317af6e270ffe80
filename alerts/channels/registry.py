"""Which kinds of destinations there are. A new channel is a file here and a line in the table of `alerts/channels/__init__.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from config import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Where a channel sends, and with what."""

    url: Secret
    client: httpx.Client = field(repr=False)
    mentions: tuple[str, ...] = ()
