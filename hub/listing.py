"""What every list of the JSON API has in common: its period, its pages, the check of its parameters, and its form as CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from facts import to_wire
from hub.errors import HubError
from hub.moments import Moment
from reports.live.incidents import as_csv
from store.columns import microseconds, moment_of

CSV = "text/csv"
From = Annotated[Moment | None, Query(alias="from", description="The beginning of the period, with its zone.")]
To = Annotated[Moment | None, Query(alias="to", description="The end of the period, exclusive, with its zone.")]
Cursor = Annotated[str | None, Query(description="The `next` of the page before.")]
Form = Annotated[
    Literal["json", "csv"] | None, Query(alias="format", description="`json`, or `csv`; else `Accept` decides.")
]
_PLACE = re.compile(r"([0-9]{1,16})~(.{1,300})", re.DOTALL)
_LATEST = 4_102_444_800_000_000
"""The beginning of the year 2100 in microseconds; no row is younger, and later times could not be computed with."""


def _refuse_unknown(request: Request) -> None:
    """Refuse a parameter that the endpoint does not know: a misspelled filter would silently choose everything."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = [parameter.alias for parameter in route.dependant.query_params]
    for key in request.query_params:
        if key not in known:
            raise HubError(422, f"{key!a:.60} is no parameter of {route.path}; there are: {', '.join(known)}")
        if len(request.query_params.getlist(key)) > 1:
            raise HubError(422, f"{key}: is given more than once")


LISTING: dict[str, Any] = {"dependencies": [Depends(_refuse_unknown)]}
"""The arguments of every list's decorator that are not its answers."""


def period(
    since: datetime | None, until: datetime | None, now: datetime, *, usual: timedelta
) -> tuple[datetime, datetime]:
    """Return the requested period; by default it ends now and is as long as `usual`.

    Raises:
        HubError: 422 it ends before it begins, or begins before the first time there is.
    """
    until = until or now
    try:
        since = since or until - usual
    except OverflowError:
        raise HubError(422, f"to: {to_wire(until)} is too early") from None
    in_order(since, until)
    return since, until


def in_order(since: datetime | None, until: datetime | None) -> None:
    """Refuse a period that ends before it begins. Raises HubError 422."""
    if since is not None and until is not None and until <= since:
        raise HubError(422, f"the period ends ({to_wire(until)}) before it begins ({to_wire(since)})")


def place_of(at: datetime, name: str) -> str:
    """Return the cursor of a row by its time and its name, which no other row of that time has."""
    return f"{microseconds(at)}~{name}"


def read_place(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and the name in a cursor; None if there is no cursor. Raises HubError 422."""
    if cursor is None:
        return None
    match = _PLACE.fullmatch(cursor)
    if match is None or int(match[1]) > _LATEST:
        raise HubError(422, f"cursor: {cursor!a:.60} is none; write the `next` of the page before, or leave it out")
    return moment_of(int(match[1])), match[2]


def answered(
    request: Request,
    form: str | None,
    told: Mapping[str, Any],
    *,
    rows: str,
    columns: Sequence[str],
) -> Response:
    """Return a list as JSON, or as CSV if the request asks for it. `rows` is the key of the rows, `columns` are their keys in the CSV.

    The header `Link` leads to the following page in both forms; in JSON it is also in `next`.
    """
    headers = {}
    following = told.get("next")
    if following is not None:
        query = {**request.query_params, "cursor": following}
        headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
    if not wants_csv(request, form):
        return JSONResponse(to_wire(dict(told)), headers=headers)
    text = as_csv(columns, [{name: _cell(row.get(name)) for name in columns} for row in _wired(told[rows])])
    name = rows.replace("_", "-")
    headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return Response(text, media_type=f"{CSV}; charset=utf-8", headers=headers)


def wants_csv(request: Request, form: str | None) -> bool:
    """Return whether the answer is to be CSV: `format` decides, else the first type in `Accept`."""
    if form is not None:
        return form == "csv"
    return request.headers.get("Accept", "").partition(",")[0].partition(";")[0].strip().lower() == CSV


def with_csv(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the described answers of a list with the CSV beside the JSON."""
    answers["responses"][200]["content"][CSV] = {"schema": {"type": "string"}}
    return answers


def _wired(rows: Iterable[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = to_wire(list(rows))
    return found


def _cell(value: Any) -> Any:
    """Return a value as one cell: a list with blanks between its entries, an object as JSON, nothing where there is no value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else value
