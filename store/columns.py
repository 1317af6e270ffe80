"""Defines column types that are equal on both databases, and converts values for their drivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite

DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]
Maker = Callable[[Any], Any]
"""Converts a value for the driver."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | None) -> int | None:
    """Return an aware time as it is stored, in microseconds since 1970. Raises ValueError for a naive one."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return (value - _EPOCH) // _MICROSECOND


def moment_of(stored: int) -> datetime:
    """Return the time in UTC of stored microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=stored)


class Moment(TypeDecorator[datetime]):
    """A time in UTC, stored as microseconds since 1970: exact, sortable, and equal on SQLite and PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Convert an aware time for the database; a naive one is ambiguous and raises ValueError."""
        return microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the stored time in UTC."""
        return None if value is None else moment_of(value)


def maker_of(column: Column[Any], dialect: Dialect) -> Maker | None:
    """Return the function that converts a column's values for the driver; None if they need no conversion."""
    return column.type.dialect_impl(dialect).bind_processor(dialect)
