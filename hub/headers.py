"""Sets the security headers of each response by its path."""

from __future__ import annotations

from starlette.responses import Response

_PAGES = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Playwright's viewer runs its own scripts and a service worker, and shows the recorded page in frames.
_VIEWER = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; frame-src 'self' blob:; "
    "worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)
# Content of a monitored site is shown, but never executed.
_EVIDENCE = "default-src 'none'; sandbox"


def with_headers(path: str, response: Response) -> Response:
    """Return the response with the security headers for its path."""
    if path.startswith("/trace/"):
        policy = _VIEWER
    elif path.startswith("/evidence/"):
        policy = _EVIDENCE
    else:
        policy = _PAGES
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if not path.startswith(("/trace/", "/static/", "/evidence/")):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
