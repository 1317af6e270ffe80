"""Reads what a failed bare `assert` of a journey compared: its code, and the values of its parts."""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from playwright.sync_api import Error, FrameLocator, Locator, Page

# Calls that only read, so that they may be made once more; those with a time limit of their own get a short one.
_READS = frozenset(
    {
        "inner_text",
        "text_content",
        "input_value",
        "get_attribute",
        "inner_html",
        "is_checked",
        "is_enabled",
        "is_disabled",
    }
)
_READS_AT_ONCE = frozenset({"count", "all_inner_texts", "all_text_contents", "is_visible", "is_hidden", "title"})
_LOOKS_UP = frozenset(
    {
        "locator",
        "first",
        "last",
        "nth",
        "filter",
        "frame_locator",
        "get_by_role",
        "get_by_text",
        "get_by_label",
        "get_by_placeholder",
    }
    | {"get_by_test_id", "get_by_title", "get_by_alt_text"}
)
_OF_TEXT = frozenset({"strip", "lower", "upper", "split", "replace", "removeprefix", "removesuffix"})
_BUILTINS: dict[str, Callable[..., Any]] = {"len": len, "str": str, "int": int, "float": float, "sorted": sorted}
_PLAIN = (str, int, float, bool, type(None))
_GLANCE_MS = 200
_MOST_PARTS = 4


def asserted(error: AssertionError) -> str | None:
    """Return the code of a bare `assert` that failed, with the values of its parts; None where it cannot be read.

    Values of names are those of then. What was read off the page is read once more, a moment later. Nothing else is called, because
    it might do something.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    found = _statement(*frames[-1]) if frames else None
    if found is None:
        return None
    values = []
    for part in dict.fromkeys(ast.unparse(part) for part in _parts(found.test)):
        known, value = _value(part, frames[-1][0])
        if known:
            values.append(f"{part} was {value!r}")
    code = f"`assert {ast.unparse(found.test)}` does not hold"
    return f"{code}: {', '.join(values[:_MOST_PARTS])}" if values else code


def _statement(frame: FrameType, line: int) -> ast.Assert | None:
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    there = (node for node in ast.walk(tree) if isinstance(node, ast.Assert))
    return next((node for node in there if node.lineno <= line <= (node.end_lineno or node.lineno)), None)


def _parts(test: ast.expr) -> Iterator[ast.expr]:
    """Return the expressions whose values explain a condition: both sides of a comparison, operands of `not`, `and` and `or`."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _parts(value)
    elif isinstance(test, ast.UnaryOp):
        yield from _parts(test.operand)
    elif isinstance(test, ast.Compare):
        yield from (side for side in (test.left, *test.comparators) if not isinstance(side, ast.Constant))
    elif not isinstance(test, ast.Constant):
        yield test


def _value(code: str, frame: FrameType) -> tuple[bool, Any]:
    """Return whether the value of a part can be shown, and the value."""
    try:
        value = _read(ast.parse(code, mode="eval").body, frame)
    except (_CannotReadError, Error, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return False, None
    if isinstance(value, list | tuple) and all(isinstance(item, _PLAIN) for item in value):
        return True, value
    return isinstance(value, _PLAIN), value


class _CannotReadError(Exception):
    """The expression does more than read values."""


def _read(node: ast.expr, frame: FrameType) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            if node.id in frame.f_locals:
                return frame.f_locals[node.id]
            if node.id in frame.f_globals:
                return frame.f_globals[node.id]
            raise _CannotReadError
        case ast.List() | ast.Tuple():
            return [_read(item, frame) for item in node.elts]
        case ast.Subscript(slice=ast.Constant() as key):
            owner = _read(node.value, frame)
            if not isinstance(owner, dict | list | tuple | str):
                raise _CannotReadError
            at: Any = key.value
            return owner[at]
        case ast.Attribute():
            owner = _read(node.value, frame)
            if node.attr.startswith("_") or (not isinstance(owner, _PLAIN) and node.attr not in _OPEN):
                raise _CannotReadError
            return getattr(owner, node.attr)
        case ast.Call():
            return _call(node, frame)
        case _:
            raise _CannotReadError


# Attributes that lead from a visit to its page, and from a locator to another.
_OPEN = frozenset({"page", "url", "first", "last", "content_frame", "site"})


def _call(node: ast.Call, frame: FrameType) -> Any:
    arguments = [_read(argument, frame) for argument in node.args]
    named = {word.arg: _read(word.value, frame) for word in node.keywords if word.arg is not None}
    match node.func:
        case ast.Name() if node.func.id in _BUILTINS and node.func.id not in frame.f_globals:
            return _BUILTINS[node.func.id](*arguments, **named)
        case ast.Attribute():
            owner, name = _read(node.func.value, frame), node.func.attr
            if isinstance(owner, str) and name in _OF_TEXT:
                return getattr(owner, name)(*arguments, **named)
            if isinstance(owner, Page | Locator | FrameLocator) and name in _LOOKS_UP | _READS_AT_ONCE:
                return getattr(owner, name)(*arguments, **named)
            if isinstance(owner, Page | Locator) and name in _READS:
                return getattr(owner, name)(*arguments, **{**named, "timeout": _GLANCE_MS})
    raise _CannotReadError
