"""Reads the time zone that a reader chose, from the address or from a cookie, and keeps it."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request, Response

from reports.live.frame import ReaderZone

COOKIE = "sixfb_zone"
_KEYS = ("local", "business", "utc")
_KEPT_S = 365 * 86_400
_UTC = ZoneInfo("UTC")


def zone_of(request: Request, business: ZoneInfo) -> ReaderZone:
    """Return the reader's zone: that of the address, else of the cookie, else the business's. What is not known is left out."""
    key, browser_zone = _asked(request) or _kept(request) or ("business", "")
    zone = {"business": business, "utc": _UTC}.get(key) or _named(browser_zone) or _UTC
    return ReaderZone(key=key, zone=zone, business=business, browser_zone=browser_zone)


def keep_zone(request: Request, response: Response, *, path: str) -> None:
    """Set the cookie if the address chose a zone. It says nothing about the person, so it needs no protection from scripts."""
    asked = _asked(request)
    if asked is None or request.method != "GET":
        return
    value = ":".join(part for part in asked if part)
    if value != request.cookies.get(COOKIE):
        response.set_cookie(COOKIE, value, max_age=_KEPT_S, path=path, samesite="lax", httponly=True)


def _asked(request: Request) -> tuple[str, str] | None:
    return _read(request.query_params.get("zone", ""), request.query_params.get("tz", ""))


def _kept(request: Request) -> tuple[str, str] | None:
    key, _, browser_zone = request.cookies.get(COOKIE, "").partition(":")
    return _read(key, browser_zone)


def _read(key: str, browser_zone: str) -> tuple[str, str] | None:
    if key not in _KEYS:
        return None
    return key, browser_zone if key == "local" and _named(browser_zone) else ""


def _named(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
