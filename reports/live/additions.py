"""Defines what another program may add to the hub's pages: links, pages of its own, and a block of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from markupsafe import Markup

from reports.live.frame import Frame, Link

if TYPE_CHECKING:
    from fastapi import APIRouter, Request


class PageHost(Protocol):
    """Holds what the hub offers to added pages."""

    def frame_for(self, request: Request, title: str, here: str) -> Frame:
        """Return the frame of a page, for the person behind a request."""

    def now(self) -> datetime:
        """Return the hub's time."""

    async def checked_form(self, request: Request) -> Mapping[str, str] | None:
        """Return the fields of a form of the hub's own pages, None for a program's request. Raises the hub's error 403, 413 or 415."""


class PageAddition(Protocol):
    """Holds an addition to the pages: `links` follow those of the navigation."""

    @property
    def links(self) -> tuple[Link, ...]:
        """The links of the navigation."""

    def add_to(self, router: APIRouter, host: PageHost) -> None:
        """Add the routes of the own pages."""

    def overview_block(self, frame: Frame, now: datetime) -> Markup:
        """Return the HTML that follows the overview's own blocks."""

    def close(self) -> None:
        """Close the connections."""
