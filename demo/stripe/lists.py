"""Lists: filters, pages, newest first (https://docs.stripe.com/api/pagination)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from demo.stripe.errors import StripeError, invalid, no_such
from demo.stripe.objects import Object
from demo.stripe.params import Params, Value

PAGING = ("limit", "starting_after", "ending_before", "expand")
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
LATEST = 99_999_999_999
"""Far beyond any moment somebody asks for, epoch seconds."""

Test = Callable[[Object], bool]


@dataclass(frozen=True)
class Listing:
    """A list of the API: which kind it shows, at which path, and which fields may be asked to equal a value."""

    kind: str
    url: str
    equal: tuple[str, ...] = ()


def page(listing: Listing, rows: list[Object], params: Params) -> Object:
    """One page of the rows (given oldest first), newest first, as the API's list object.

    Raises:
        StripeError: 400, an unknown parameter, a limit outside 1 to 100, or a cursor that is no object's id.
    """
    params.allow((*PAGING, "created", *listing.equal))
    tests = [*_created(params), *_equal(params, listing.equal)]
    return cut(rows[::-1], params, listing.url, listing.kind, tests)


def cut(rows: list[Object], params: Params, url: str, kind: str, tests: Iterable[Test] = ()) -> Object:
    """The page that the cursors and the limit select of rows in the order shown."""
    limit = params.integer("limit", low=1, high=100, default=10)
    kept = list(tests)
    if "ending_before" in params:
        before = [row for row in rows[: _place(rows, params, "ending_before", kind)] if _passes(row, kept)]
        return _list(url, before[-limit:], len(before) > limit)
    # The cursor is looked up before filtering: an object that has changed since the last page is still a place.
    start = _place(rows, params, "starting_after", kind) + 1 if "starting_after" in params else 0
    after = [row for row in rows[start:] if _passes(row, kept)]
    return _list(url, after[:limit], len(after) > limit)


def _list(url: str, data: list[Object], has_more: bool) -> Object:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def _passes(row: Object, tests: Iterable[Test]) -> bool:
    return all(test(row) for test in tests)


def _place(rows: list[Object], params: Params, key: str, kind: str) -> int:
    wanted = params.text(key)
    for place, row in enumerate(rows):
        if row["id"] == wanted:
            return place
    raise no_such(kind, wanted, param=key)


def _created(params: Params) -> list[Test]:
    """`created=T`, or any of `created[gt]`, `[gte]`, `[lt]`, `[lte]`, epoch seconds."""
    if not isinstance(params.tree.get("created", {}), dict):
        moment = params.integer("created", low=0, high=LATEST)
        return [lambda row: bool(row["created"] == moment)]
    group = params.group("created")
    group.allow(BOUNDS)
    return [_bound(BOUNDS[key], group.integer(key, low=0, high=LATEST)) for key in group.tree]


def _bound(compare: Callable[[int, int], bool], limit: int) -> Test:
    return lambda row: compare(row["created"], limit)


def _equal(params: Params, keys: Iterable[str]) -> list[Test]:
    return [_field(key, params.tree[key]) for key in keys if key in params.tree]


def _field(key: str, wanted: Value) -> Test:
    return lambda row: _same(row.get(key), wanted)


def _same(value: Any, wanted: Value) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_same(value.get(key), item) for key, item in wanted.items())
    return bool(value == wanted)


def events_page(rows: list[Object], params: Params) -> Object:
    """A page of events, by `type` (with `*`), up to twenty `types`, and `delivery_success`.

    Source: https://docs.stripe.com/api/events/list. Raises StripeError 400.
    """
    params.allow((*PAGING, "created", "type", "types", "delivery_success"))
    tests = [*_created(params), *_types(params), *_delivered(params)]
    return cut(rows[::-1], params, "/v1/events", "event", tests)


def _types(params: Params) -> list[Test]:
    kind, kinds = params.optional("type"), params.words("types")
    if kind and kinds:
        raise StripeError(400, "You may only specify one of these parameters: type, types.")
    if len(kinds) > 20:
        raise invalid("types", "You can filter by at most 20 event types.")
    if kind:
        return [lambda row: fnmatchcase(row["type"], kind)]
    return [lambda row: row["type"] in kinds] if kinds else []


def _delivered(params: Params) -> list[Test]:
    if "delivery_success" not in params:
        return []
    wanted = params.flag("delivery_success")
    return [lambda row: (row["pending_webhooks"] == 0) is wanted]
