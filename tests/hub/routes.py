"""Lists the routes of the hub's application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.routing import Route


def routes_of(app: Any) -> Iterator[Route]:
    """Return each route of an application or a router, those of the routers in it included.

    FastAPI keeps an included router as one entry of its own since it includes them lazily.
    """
    for entry in app.routes:
        inner = getattr(entry, "original_router", None)
        if inner is not None:
            yield from routes_of(inner)
        elif isinstance(entry, Route):
            yield entry
