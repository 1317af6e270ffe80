"""Reads the time range that the address of a page asks for, in the reader's zone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import Request

from hub.errors import HubError
from reports.ranges import TimeRange, ViewError, range_of
from reports.words import span

if TYPE_CHECKING:
    from hub.site import Pages


def asked_range(pages: Pages, request: Request, *, usual: str) -> TimeRange:
    """Return the range that the address of a page asks for; moments are of the reader's zone. Raises HubError 422."""
    context = pages.context
    try:
        shown = range_of(
            request.query_params, now=context.clock(), zone=pages.zone.zone, usual=usual, scale=context.scale
        )
    except ViewError as error:
        raise HubError(422, str(error)) from None
    # A hub whose time runs faster shows as many slots, in less time.
    return shown if context.scale == 1 or shown.is_custom else replace(shown, shown=span(shown.length))
