"""What becomes of a test whose surroundings are not given: it is left out with the reason, and never in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def leave_out(reason: str) -> NoReturn:
    """Skip the test; fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing may be left out")
    pytest.skip(reason)
