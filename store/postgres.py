"""Connections to PostgreSQL that give up on a server which accepts what is sent and never answers."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

Result = TypeVar("Result")
STATEMENT_S = 10.0
"""How long a statement may take, by the server's clock."""
ANSWER_S = STATEMENT_S + 2.0
"""How long an answer is waited for: a server that is frozen does not enforce its own limit."""
PING_S = 2.0
"""How long a connection from the pool is asked whether it still works."""


class LimitedConnection(psycopg.Connection[Any]):
    """A connection whose every wait for the server ends after `limit_s` seconds (None: never); the connection is closed then."""

    limit_s: float | None = ANSWER_S

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Consume a generator of the driver. Raises psycopg.OperationalError where the server does not answer in time."""
        limit_s = self.limit_s
        # Only the pool's ping runs outside of a transaction.
        if limit_s is not None and self.autocommit:
            limit_s = min(limit_s, PING_S)
        try:
            return super().wait(gen, interval, limit_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {limit_s:g} s") from None
