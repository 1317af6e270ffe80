"""A database's address: what cannot be used is refused before anything is opened."""

from __future__ import annotations

import pytest

from store import StoreError, database_address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("garbage", "is not a database's address"),
        ("postgresql://h:port/d", "is not a database's address"),
        ("mysql://u:secret@h/d", "mysql is not supported"),
        ("http://example.com", "http is not supported"),
        ("postgresql+asyncpg://h/d", "the driver 'asyncpg' is not here"),
        ("sqlite+aiosqlite:///x.db", "the driver 'aiosqlite' is not here"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://host/x.db", "SQLite is a file"),
        ("sqlite:////tmp/x.db?timeout=abc", "timeout: 'abc' is no number of seconds up to 600"),
        ("sqlite:////tmp/x.db?timeout=-5", "timeout: '-5' is no number"),
        ("sqlite:////tmp/x.db?timeout=nan", "timeout: 'nan' is no number"),
        ("sqlite:////tmp/x.db?timeout=601", "timeout: '601' is no number"),
        ("sqlite:////tmp/x.db?timeout=5&timeout=6", "is no number of seconds"),
        ("sqlite:////tmp", "/tmp is a folder, and not an ordinary file"),
        ("sqlite:////dev/null", "/dev/null is a device"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreError) as refused:
        database_address(url)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgres://u@h/d", "postgresql"),
        ("postgresql+psycopg://u@h/d", "postgresql"),
        ("sqlite:////tmp/x.db", "sqlite"),
        ("sqlite:////tmp/x.db?timeout=0.5", "sqlite"),
        ("sqlite+pysqlite:///x.db", "sqlite"),
    ],
)
def test_an_address_of_either_kind_is_taken(url: str, kind: str) -> None:
    assert database_address(url).drivername == kind
