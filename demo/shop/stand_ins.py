"""What the shop answers in place of its own pages and files while a fault of the whole site is on."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from demo.faults import Faults

STATIC = "/_next/static"
SCRIPT, STYLESHEET = f"{STATIC}/app.js", f"{STATIC}/shop.css"
SECRET_HEADER, SECRET = "x-preview-secret", "let-me-in"
"""The header that `secret_header` asks for, and its value."""

_TITLED = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title></head><body>{body}</body></html>"
)
# The markup that Next.js ships for an error of its server. https://github.com/vercel/next.js (packages/next/src/pages/_error.tsx)
_CRASHED = _TITLED.format(
    title="500: Internal Server Error.",
    body='<div style="height:100vh;text-align:center"><h1 class="next-error-h1">500</h1>'
    "<div><h2>Internal Server Error.</h2></div></div>",
)
_MAINTENANCE = _TITLED.format(
    title="We will be right back",
    body="<h1>We'll be back soon!</h1><p>6FB Methodologies is down for maintenance. Thank you for your patience.</p>",
)
_PARKED = _TITLED.format(
    title="6fbmethodologies.example",
    body="<h1>6fbmethodologies.example</h1><p>This domain is for sale! Make an offer.</p>"
    "<ul><li><a href=/search?q=barber>Barber supplies</a></li><li><a href=/search?q=tickets>Event tickets</a></li></ul>",
)
_PROTECTED = _TITLED.format(
    title="Authentication Required",
    body="<h1>Authentication Required</h1><p>This preview is protected. Log in, or send its secret header.</p>",
)
_PAGES = {
    "crash_page": (_CRASHED, 500),
    "maintenance_200": (_MAINTENANCE, 200),
    "empty_page": ("", 200),
    "parked_domain": (_PARKED, 200),
}


def file_instead(path: str, faults: Faults) -> Response | None:
    """Return the response that an active fault gives for a static file; None where the shop serves the file itself."""
    if path == STYLESHEET and faults.on("stylesheet_missing"):
        return PlainTextResponse("Not Found", status_code=404)
    if path == SCRIPT and faults.on("bundle_missing"):
        return PlainTextResponse("Not Found", status_code=404)
    if path == SCRIPT and faults.on("bundle_html"):
        return HTMLResponse(_TITLED.format(title="6FB Methodologies", body='<div id="root"></div>'))
    return None


def answer_instead(request: Request, faults: Faults) -> Response | None:
    """Return the response that an active fault gives for a page or an API call; None where the shop answers itself."""
    path = request.url.path
    # Stripe knows no header of ours.
    is_webhook = path.startswith("/api/webhooks/")
    if faults.on("secret_header") and not is_webhook and request.headers.get(SECRET_HEADER) != SECRET:
        return HTMLResponse(_PROTECTED, status_code=401)
    if path.startswith("/api/"):
        return None
    found = next((page for name, page in _PAGES.items() if faults.on(name)), None)
    return HTMLResponse(found[0], status_code=found[1]) if found else None
