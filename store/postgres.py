"""Provides PostgreSQL connections that time out if the server accepts a request but never answers."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

Result = TypeVar("Result")
STATEMENT_S = 10.0
"""The time limit of a statement in seconds, enforced by the server."""
ANSWER_S = STATEMENT_S + 2.0
"""The time limit of an answer in seconds, because a frozen server does not enforce its own limit."""
PING_S = 2.0
"""The time limit of the pool's connection check in seconds."""


class LimitedConnection(psycopg.Connection[Any]):
    """A connection whose every wait for the server ends after `limit_s` seconds (None: never); then it is closed."""

    limit_s: float | None = ANSWER_S

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Run a generator of the driver. Raises psycopg.OperationalError if the server does not answer in time."""
        limit_s = self.limit_s
        # Only the pool's connection check runs outside a transaction.
        if limit_s is not None and self.autocommit:
            limit_s = min(limit_s, PING_S)
        try:
            return super().wait(gen, interval, limit_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {limit_s:g} s") from None
