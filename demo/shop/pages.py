"""The shop's pages: the home page comes whole from here, the others as a shell that the browser's script fills."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from demo.faults import Faults
from demo.shop.catalogue import BULK_MOST_PERCENT, BULK_PERCENT, CITIES, CITY_BY_ID, PROMO_CODES, PROMO_PERCENT, City
from demo.shop.settings import ShopSettings

_TEMPLATES = Path(__file__).parent / "templates"
TITLE = "6FB Methodologies Workshop - Transform Your Barber Business"
_LOADING = {
    "pricing": "Loading pricing/city information...",
    "register": "Loading registration...",
    "success": "Loading your confirmation...",
}
_IN_THE_BROWSER = (
    "layout_shift",
    "js_error",
    "crash_page_200",
    "caught_exception",
    "overlay",
    "cookie_bar",
    "renamed_button",
    "new_tab",
    "telemetry_down",
    "guest_401",
    "guest_form_with_password",
)
"""The faults whose effect is in `static/app.js`."""


class Pages:
    """Everything that is a page."""

    def __init__(self, settings: ShopSettings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)

    def routes(self) -> list[Route]:
        """The pages' routes."""
        return [
            Route("/", self._home),
            *(Route(f"/{name}", self._shell(name)) for name in _LOADING),
            Route(
                "/refund-policy",
                self._plain("Refund Policy", "Tickets are refunded in full until 30 days before the workshop."),
            ),
        ]

    async def _home(self, request: Request) -> Response:
        if "_rsc" in request.query_params:
            html = self._render("home_body.html", **self._home_context())
            return JSONResponse({"html": html, **self._data("home", None)})
        return self._page("home.html", "home", None, **self._home_context())

    def _home_context(self) -> dict[str, Any]:
        grids = 2 if self._settings.grid_twice else 1
        return {"cities": CITIES, "grids": range(grids), "settings": self._settings}

    def _shell(self, name: str) -> Any:
        async def answer(request: Request) -> Response:
            city = CITY_BY_ID.get(request.query_params.get("city", ""))
            # A soft navigation asks for the next page's data alone, as the framework of the real site does.
            if "_rsc" in request.query_params:
                return JSONResponse(self._data(name, city))
            return self._page("shell.html", name, city, loading=_LOADING[name])

        return answer

    def _plain(self, heading: str, text: str) -> Any:
        async def answer(_request: Request) -> Response:
            return self._page("plain.html", "plain", None, heading=heading, text=text)

        return answer

    async def not_found(self, request: Request, _error: Exception) -> Response:
        """The 404 of everything that does not exist, and of all that the real site only thinks exists."""
        heading = "404: This page could not be found."
        page = self._page("plain.html", "plain", None, heading=heading, text="")
        page.status_code = 404
        return page

    def _page(self, template: str, name: str, city: City | None, **context: Any) -> Response:
        data = json.dumps(self._data(name, city)).replace("<", "\\u003c")
        on, third_party = set(self._faults.active()), self._settings.third_party_base
        return HTMLResponse(self._render(template, title=TITLE, data=data, on=on, third_party=third_party, **context))

    def _render(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(**context)

    def _data(self, name: str, city: City | None) -> dict[str, Any]:
        """What the browser's script knows: shapes as in `static/app.js`."""
        settings, lost = self._settings, self._faults.on("discount_lost")
        return {
            "page": name,
            "city": _city_data(city) if city else None,
            "prices": {"ga": settings.prices.ga, "vip": settings.prices.vip},
            "memberPercent": {tier: 0 if lost else percent for tier, percent in settings.member_discount.items()},
            "bulkPercent": {**{str(n): p for n, p in BULK_PERCENT.items()}, "more": BULK_MOST_PERCENT},
            "promoCodes": list(PROMO_CODES),
            "promoPercent": PROMO_PERCENT,
            "hydrationDelayMs": settings.hydration_delay_ms,
            "soldOut": city is not None and city.id == CITIES[0].id and self._faults.on("sold_out"),
            "faults": [name for name in _IN_THE_BROWSER if self._faults.on(name)],
        }


def _city_data(city: City) -> dict[str, Any]:
    return {
        "cityId": city.id,
        "name": city.name,
        "cityName": city.label,
        "month": city.month,
        "dates": list(city.dates),
        "location": city.venue,
    }
