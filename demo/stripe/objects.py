"""Stripe's objects: JSON dictionaries, their ids, and the tables that hold them."""

from __future__ import annotations

import secrets
import string
import threading
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""An object as the API shows it; `object` names its kind and `id` is unique. Never changed in place, only replaced."""

API_VERSION = "2026-10-28.endive"

_LETTERS = string.ascii_letters + string.digits


def new_id(prefix: str, letters: int = 23) -> str:
    """A fresh id such as `pi_3Q8...`: the prefix and that many letters and digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(letters))


class Tables:
    """Objects by kind and id, in the order they were made. Safe to use from any thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._kinds: dict[str, dict[str, Object]] = {}

    def add(self, row: Object) -> Object:
        """Keep a new object, or replace the one with its id; gives it back."""
        with self.lock:
            self._kinds.setdefault(row["object"], {})[row["id"]] = row
        return row

    def change(self, row: Object, **fields: Any) -> Object:
        """Replace an object by a copy with other fields; gives the copy."""
        with self.lock:
            return self.add({**self._kinds[row["object"]][row["id"]], **fields})

    def find(self, kind: str, row_id: str) -> Object | None:
        """The object of that kind and id, or None."""
        with self.lock:
            return self._kinds.get(kind, {}).get(row_id)

    def find_any(self, row_id: str) -> Object | None:
        """The object of whatever kind with that id, or None."""
        with self.lock:
            return next((rows[row_id] for rows in self._kinds.values() if row_id in rows), None)

    def rows(self, kind: str) -> list[Object]:
        """All objects of a kind, oldest first."""
        with self.lock:
            return list(self._kinds.get(kind, {}).values())
