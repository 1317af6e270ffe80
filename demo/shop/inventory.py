"""Seats by city and tier, in memory: back to nothing sold at every start."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.faults import Faults
from demo.shop.catalogue import CITIES

LIMITS = {"ga": 35, "vip": 15}
_OVERSOLD_BY = 2


@dataclass
class Seats:
    """One city: limits and sold tickets by tier."""

    limits: dict[str, int] = field(default_factory=lambda: dict(LIMITS))
    sold: dict[str, int] = field(default_factory=lambda: {"ga": 0, "vip": 0})


class Inventory:
    """All cities. Safe from any thread."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._lock = threading.Lock()
        self._seats = {city.id: Seats() for city in CITIES}

    def known(self, city_id: str) -> bool:
        """Whether there is such a city."""
        return city_id in self._seats

    def all(self) -> list[dict[str, Any]]:
        """Every city, as `GET /api/inventory` answers."""
        return [self.one(city_id) for city_id in self._seats]

    def one(self, city_id: str) -> dict[str, Any]:
        """One city. Raises KeyError."""
        with self._lock:
            seats = self._seats[city_id]
            limits, sold = dict(seats.limits), self._sold(city_id, seats)
        available = {tier: limits[tier] - sold[tier] for tier in limits}
        sold_out = all(left <= 0 for left in available.values())
        return {
            "cityId": city_id,
            "publicLimits": limits,
            "actualLimits": limits,
            "sold": sold,
            "publicAvailable": available,
            "actualAvailable": available,
            "isPublicSoldOut": sold_out,
            "isActualSoldOut": sold_out,
            "lastUpdated": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def _sold(self, city_id: str, seats: Seats) -> dict[str, int]:
        sold = dict(seats.sold)
        if city_id == CITIES[0].id and self._faults.on("inventory_negative"):
            sold["ga"] = seats.limits["ga"] + _OVERSOLD_BY
        elif city_id == CITIES[0].id and self._faults.on("sold_out"):
            sold = dict(seats.limits)
        return sold

    def validate(self, city_id: str | None, tier: str | None, quantity: int | None) -> dict[str, Any]:
        """Whether an order would fit; an unknown city or tier is answered, not refused."""
        if city_id is None or not self.known(city_id):
            return {"valid": False, "available": 0, "error": "City not found"}
        available = self.one(city_id)["publicAvailable"].get(tier)
        if available is None:
            return {"valid": False, "available": None, "error": f"Only NaN {str(tier).upper()} tickets available"}
        if quantity is not None and quantity > available:
            words = f"Only {available} {str(tier).upper()} tickets available, but {quantity} requested"
            return {"valid": False, "available": available, "error": words}
        return {"valid": True, "available": available}

    def sell(self, city_id: str, tier: str, quantity: int) -> int:
        """Take seats away, below nothing if need be; how many are left. Raises KeyError."""
        with self._lock:
            seats = self._seats[city_id]
            seats.sold[tier] += quantity
            return seats.limits[tier] - seats.sold[tier]

    def expand(self, city_id: str, tier: str, by: int) -> None:
        """Add seats. Raises KeyError."""
        with self._lock:
            self._seats[city_id].limits[tier] += by

    def reset(self, city_id: str) -> None:
        """As at the start. Raises KeyError."""
        with self._lock:
            if city_id not in self._seats:
                raise KeyError(city_id)
            self._seats[city_id] = Seats()
