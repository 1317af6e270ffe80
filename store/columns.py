"""Columns: types that are the same on both databases, and values as their drivers take them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite

DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]
Maker = Callable[[Any], Any]
"""Makes a value ready for the driver."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | None) -> int | None:
    """An aware moment as it is kept."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return (value - _EPOCH) // _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970: exact, sortable, and alike on SQLite and PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware moments only; a naive one would be anybody's guess."""
        return microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The moment, in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def maker_of(column: Column[Any], dialect: Dialect) -> Maker | None:
    """What makes a value of a column ready for the driver; None where it is so as it is."""
    return column.type.dialect_impl(dialect).bind_processor(dialect)
