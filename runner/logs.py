"""Sets up the log of the hub, the runner and the cleaner, with the full scrubber in addition to the masking of `process.logs`."""

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
    """Start logging with the same scrubber that evidence passes.

    It masks the secrets of the environment, those in `secrets`, and real card numbers, in every encoding.

    Raises:
        ConfigError: `SIXFB_LOG` or `SIXFB_LOG_LEVEL` has an unknown value.
    """
    scrubber = Scrubber({*secrets_in(os.environ), *secrets})
    start_logging(program, also=lambda text: scrubber.mask(text)[0], stream=stream, context=context)
