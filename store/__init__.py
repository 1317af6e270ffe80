"""The database: its tables, one file of queries a noun, and the migrations."""

from store.engine import Store, StoreError, database_address, open_store

__all__ = ["Store", "StoreError", "database_address", "open_store"]
