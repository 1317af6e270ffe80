"""Stores everything in the database: its tables, one file of queries for each data type, and the migrations."""

from store.engine import Store, database_address, must_be_usable, open_store
from store.errors import StoreError, StoreReplacedError, StoreUnavailableError

__all__ = [
    "Store",
    "StoreError",
    "StoreReplacedError",
    "StoreUnavailableError",
    "database_address",
    "must_be_usable",
    "open_store",
]
