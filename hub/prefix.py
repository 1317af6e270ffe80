"""Handles the path prefix under which a reverse proxy serves the hub, whether or not the proxy removes it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class PrefixMiddleware:
    """Removes the prefix from a request's path if the proxy left it there.

    No page of the hub starts with the prefix (`hub.access.prefix_of`), so the path is never ambiguous.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to the application."""
        if scope["type"] in ("http", "websocket") and is_below(scope["path"], self._prefix):
            scope = {**scope, "path": scope["path"][len(self._prefix) :] or "/"}
        await self._app(scope, receive, send)


def is_below(path: str, prefix: str) -> bool:
    """Return whether a path is the prefix itself or below it."""
    return path == prefix or path.startswith(f"{prefix}/")


def lead_below(prefix: str, response: Response) -> Response:
    """Return the response with its `Location` as a path below the prefix.

    It has no host and scheme, because only the proxy knows the public ones.
    """
    location = response.headers.get("Location")
    if location is not None:
        _, _, path, query, fragment = urlsplit(location)
        response.headers["Location"] = urlunsplit(
            ("", "", path if is_below(path, prefix) else prefix + path, query, fragment)
        )
    return response
