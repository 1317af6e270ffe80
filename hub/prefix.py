"""The path below which people reach the hub behind a reverse proxy, whether or not the proxy takes it away again."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class PrefixMiddleware:
    """Takes the prefix off a request's path where the proxy left it there. No page of the hub begins with it
    (`hub.access.prefix_of`), so that a path is never in doubt."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] in ("http", "websocket") and is_below(scope["path"], self._prefix):
            scope = {**scope, "path": scope["path"][len(self._prefix) :] or "/"}
        await self._app(scope, receive, send)


def is_below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix's own, or below it."""
    return path == prefix or path.startswith(f"{prefix}/")


def lead_below(prefix: str, response: Response) -> Response:
    """The response with a `Location` that is a path below the prefix: which host and scheme people use the proxy alone knows."""
    location = response.headers.get("Location")
    if location is not None:
        _, _, path, query, fragment = urlsplit(location)
        response.headers["Location"] = urlunsplit(
            ("", "", path if is_below(path, prefix) else prefix + path, query, fragment)
        )
    return response
