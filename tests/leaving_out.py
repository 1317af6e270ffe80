"""What becomes of a test whose surroundings are not given: it is left out with the reason, and never in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def leave_out(reason: str) -> NoReturn:
    """Skip the test; fail it in CI, where nobody reads what was skipped: with `CI=true` or `SIXFB_NO_SKIPS=1`."""
    if os.environ.get("CI", "").lower() in ("1", "true") or os.environ.get("SIXFB_NO_SKIPS"):
        pytest.fail(f"{reason}, and in CI nothing may be left out")
    pytest.skip(reason)
