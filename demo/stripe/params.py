"""Form-encoded parameters with nested keys, as Stripe's libraries send them: `line_items[0][price_data][currency]=usd`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import parse_qsl

from demo.stripe.errors import StripeError, invalid, missing, unknown

Value: TypeAlias = "str | dict[str, Value] | list[Value]"
Tree: TypeAlias = dict[str, Value]

_KEY = re.compile(r"^[^\[\]]+(?:\[[^\[\]]*\])*$")
_PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")
_INTEGER = re.compile(r"^-?[0-9]{1,15}$")


def parse(encoded: str) -> Tree:
    """The tree that a query string or form body spells.

    Groups whose keys are all numbers, or empty (`types[]=a&types[]=b`), become lists in that order.

    Raises:
        StripeError: 400, a key is both a value and a group, or its brackets do not match.
    """
    root: Tree = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        if not _KEY.match(key):
            raise invalid(key, f"Invalid parameter name: {key}")
        _put(root, _PART.findall(key), value, key)
    return {key: _with_lists(value) for key, value in root.items()}


def _put(node: Tree, parts: list[str], value: str, key: str) -> None:
    for part in parts[:-1]:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(key, f"Invalid parameter: {key} is both a value and a hash")
        node = child
    node[parts[-1] or str(len(node))] = value


def _with_lists(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(item) for key, item in value.items()}
    if inner and all(_INTEGER.match(key) for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


class Params:
    """A group of parameters that knows its own place, so that an error can name the parameter in full."""

    def __init__(self, tree: Tree, at: str = "") -> None:
        self.tree = tree
        self._at = at

    def name(self, key: str) -> str:
        """The parameter's full name, such as `line_items[0][quantity]`."""
        return f"{self._at}[{key}]" if self._at else key

    def __contains__(self, key: str) -> bool:
        return self.tree.get(key, "") != ""

    def allow(self, keys: Iterable[str]) -> None:
        """Raise StripeError 400 for the first parameter that is not among the keys."""
        for key in self.tree:
            if key not in keys:
                raise unknown(self.name(key))

    def optional(self, key: str) -> str | None:
        """The text of a parameter; None where it is missing or empty. Raises StripeError 400 for a group."""
        value = self.tree.get(key, "")
        if not isinstance(value, str):
            raise invalid(self.name(key), f"Invalid string: {self.name(key)}")
        return value or None

    def text(self, key: str) -> str:
        """The text of a parameter. Raises StripeError 400 where it is missing or empty."""
        value = self.optional(key)
        if value is None:
            raise missing(self.name(key))
        return value

    def choice(self, key: str, among: Iterable[str], default: str | None = None) -> str:
        """One word of several. Raises StripeError 400 for any other."""
        value = self.text(key) if default is None else self.optional(key) or default
        words = list(among)
        if value not in words:
            raise invalid(self.name(key), f"Invalid {key}: must be one of {', '.join(words)}")
        return value

    def integer(self, key: str, *, low: int, high: int = 99_999_999, default: int | None = None) -> int:
        """A whole number between the limits. Raises StripeError 400 otherwise."""
        if default is not None and key not in self:
            return default
        value = self.text(key)
        if not _INTEGER.match(value):
            raise invalid(self.name(key), f"Invalid integer: {value}", "parameter_invalid_integer")
        self._within(key, int(value), low, high)
        return int(value)

    def _within(self, key: str, value: int, low: int, high: int) -> None:
        if value < low:
            raise invalid(self.name(key), f"This value must be greater than or equal to {low}.")
        if value > high:
            raise invalid(
                self.name(key), f"This value must be less than or equal to {high} (it currently is '{value}')."
            )

    def flag(self, key: str, default: bool = False) -> bool:
        """`true` or `false`. Raises StripeError 400 for anything else."""
        return self.choice(key, ("true", "false"), "true" if default else "false") == "true"

    def group(self, key: str) -> Params:
        """The parameters inside one; empty where there are none. Raises StripeError 400 where it is not a group."""
        at = self.name(key)
        return Params(_group(self.tree.get(key) or {}, at), at)

    def groups(self, key: str) -> list[Params]:
        """A list of groups; empty where there are none. Raises StripeError 400 where it is something else."""
        items = [(f"{self.name(key)}[{i}]", item) for i, item in enumerate(self._list(key))]
        return [Params(_group(item, at), at) for at, item in items]

    def words(self, key: str) -> list[str]:
        """A list of texts; empty where there are none. Raises StripeError 400 where it is something else."""
        items = self._list(key)
        words = [item for item in items if isinstance(item, str)]
        if len(words) < len(items):
            raise _not_a_list(self.name(key))
        return words

    def _list(self, key: str) -> list[Value]:
        value = self.tree.get(key) or []
        if not isinstance(value, list):
            raise _not_a_list(self.name(key))
        return value

    def metadata(self, key: str = "metadata") -> dict[str, str]:
        """Up to 50 texts of up to 500 characters (https://docs.stripe.com/api/metadata). Raises StripeError 400."""
        group = self.group(key)
        values = {name: group.optional(name) or "" for name in group.tree}
        if len(values) > 50:
            raise invalid(self.name(key), "Metadata can have up to 50 keys")
        for name, value in values.items():
            if len(value) > 500:
                raise invalid(
                    group.name(name), f"Metadata values can have up to 500 characters, but you passed {len(value)}."
                )
        return values


def _group(value: Value, at: str) -> Tree:
    if not isinstance(value, dict):
        raise invalid(at, "Invalid object", "parameter_invalid_object")
    return value


def _not_a_list(name: str) -> StripeError:
    return invalid(name, "Invalid array", "parameter_invalid_array")
