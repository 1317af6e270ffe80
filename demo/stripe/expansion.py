"""Expansion: an id in an answer is replaced by its object (https://docs.stripe.com/api/expanding_objects)."""

from __future__ import annotations

from typing import Any

from demo.stripe.account import StripeAccount
from demo.stripe.errors import StripeError, invalid
from demo.stripe.lists import cut
from demo.stripe.objects import Object
from demo.stripe.params import Params

DEEPEST = 4


def expanded(account: StripeAccount, answer: Object, paths: list[str]) -> Object:
    """The answer with every path of `expand` filled in. Raises StripeError 400 for a path that cannot be."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise invalid("expand", f"You cannot expand more than {DEEPEST} levels of a property ({path}).")
        answer = _fill(account, answer, parts, path)
    return answer


def _fill(account: StripeAccount, node: Any, parts: list[str], path: str) -> Any:
    if isinstance(node, list):
        return [_fill(account, item, parts, path) for item in node]
    if not parts or node is None:
        return node
    if not isinstance(node, dict):
        raise _cannot(path)
    inner = _inner(account, node, parts[0], path)
    return {**node, parts[0]: _fill(account, inner, parts[1:], path)}


def _inner(account: StripeAccount, node: Object, key: str, path: str) -> Any:
    if key == "line_items" and node.get("object") == "checkout.session":
        return line_items(account, node, Params({}))
    if key == "refunds" and node.get("object") == "charge":
        return _refunds(account, node)
    value = node.get(key, ...)
    if value is ...:
        raise _cannot(path)
    if not isinstance(value, str):
        return value
    found = account.tables.find_any(value)
    if found is None:
        raise _cannot(path)
    return found


def line_items(account: StripeAccount, session: Object, params: Params) -> Object:
    """A page of what a session sells. Raises StripeError 400 for bad paging."""
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return cut(list(account.order(session["id"]).items), params, url, "item")


def _refunds(account: StripeAccount, charge: Object) -> Object:
    rows = [row for row in account.tables.rows("refund") if row["charge"] == charge["id"]]
    return cut(rows[::-1], Params({}), f"/v1/charges/{charge['id']}/refunds", "refund")


def _cannot(path: str) -> StripeError:
    return invalid("expand", f"This property cannot be expanded ({path}).")
