"""The log of hub, runner and cleaner: what `process.logs` writes, searched once more for every form that a secret may take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TextIO

from config.secrets import secrets_in
from process.logs import start_logging
from redact import Scrubber


def start_scrubbed_logging(
    program: str,
    *,
    context: Mapping[str, str] | None = None,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """`start_logging`, with the scrubber that evidence passes: it knows the environment's secrets and `secrets`, and real cards.

    Raises ConfigError.
    """
    scrubber = Scrubber({*secrets_in(os.environ), *secrets})
    start_logging(program, also=lambda text: scrubber.mask(text)[0], stream=stream, context=context)
