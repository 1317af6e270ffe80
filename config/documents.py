"""Reads YAML files with the line of each key, and applies settings from the command line.

Only this file reads YAML, and only a subset: values are text, numbers in one notation, booleans, lists and mappings.
Size, depth, nodes and aliases are limited before any object is built, so a hostile file costs neither time nor memory.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from config.complaints import Complaint, ConfigError
from config.files import UnreadableFileError, read_text

if TYPE_CHECKING:
    from yaml import SafeLoader as _BaseLoader
else:
    # libyaml is twenty times as fast; both read the same YAML.
    _BaseLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_BYTES = 256 * 1024
"""The largest file in bytes; all shipped files together are a twentieth of it."""
MOST_NODES = 10_000
"""The most keys, values and list entries; an alias counts with everything it repeats."""
DEEPEST = 20
MOST_ALIASES = 100
LONGEST_KEY = 200
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(f"{_CORE}{name}" for name in ("str", "map", "seq"))
_MERGE = f"{_CORE}merge"


class _Loader(_BaseLoader):
    """Loads YAML without surprising notations.

    `2025-01-01` is text, not a date, `1:30` is not a number of seconds, `010` is not 8, and `0x10`, `12_000` and `.inf`
    are not numbers either.
    """

    yaml_implicit_resolvers: dict[str, list[Any]] = {  # noqa: RUF012 - PyYAML defines the name and the type
        first: [(tag, shape) for tag, shape in resolvers if tag in (f"{_CORE}bool", f"{_CORE}null", _MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


# Longer digits are never a valid setting, and Python refuses to parse thousands of them.
_Loader.add_implicit_resolver(f"{_CORE}int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    f"{_CORE}float",
    re.compile(
        r"[-+]?(?:(?:0|[1-9][0-9]{0,17})\.[0-9]{0,30}|\.[0-9]{1,30}|(?:0|[1-9][0-9]{0,17}))(?:[eE][-+]?[0-9]{1,3})?$"
    ),
    list("-+.0123456789"),
)
_Loader.add_constructor(f"{_CORE}float", lambda _loader, node: float(node.value) + 0.0)  # turns -0.0 into 0


@dataclass(frozen=True, slots=True)
class Document:
    """Holds a mapping read from a file; `lines` maps each key's dotted path to its line, counted from 1."""

    file: str
    data: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def line(self, key: str) -> int | None:
        """Return the line of a key, or of the nearest enclosing key if it is missing; None if there is none."""
        while key:
            if key in self.lines:
                return self.lines[key]
            key = key.rpartition(".")[0]
        return None


def read_document(path: Path) -> Document:
    """Return the mapping in a YAML file.

    Raises:
        ConfigError: it is not an ordinary file, not readable, too large, empty, not YAML (with the line), not a
            mapping, or has a key twice.
    """
    try:
        text = read_text(path, most_bytes=MOST_BYTES)
    except UnreadableFileError as error:
        raise ConfigError(Complaint(file=str(path), what=error.what, hint=error.hint)) from None
    document = parse_document(text, file=str(path))
    if not document.data:
        what, hint = "holds no settings", "write the settings into it, or remove it: then the shipped defaults hold"
        raise ConfigError(Complaint(file=str(path), what=what, hint=hint))
    return document


def parse_document(text: str, *, file: str) -> Document:
    """Return the mapping in YAML text; `file` names it in complaints. Raises ConfigError."""
    parsed = _parsed(text, file)
    return Document(file, copy.deepcopy(parsed.data), parsed.lines)


# One command reads the same few files dozens of times, and parsing `sla.yaml` takes fifty times as long as copying it.
@lru_cache(maxsize=16)
def _parsed(text: str, file: str) -> Document:
    node, data = _parse(text, file)
    if data is None:
        return Document(file, {})
    if not isinstance(data, dict):
        raise ConfigError(Complaint(file=file, line=1, what="expected keys and values, like `base_url: https://...`"))
    lines: dict[str, int] = {}
    wrong = list(_collect_lines(node, "", lines, file))
    if wrong:
        raise ConfigError(*wrong)
    return Document(file, data, lines)


def _parse(text: str, file: str) -> tuple[yaml.Node | None, Any]:
    try:
        _check_events(text, file)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            _check_size(node, file)
            wrong = list(_bad_keys(node, file))
            if wrong:
                raise ConfigError(*wrong)
            return node, None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        has_tab = mark is not None and "\t" in _line_of(text, mark.line)
        raise ConfigError(
            Complaint(
                file=file,
                line=min(mark.line + 1, len(text.splitlines())) if mark else None,
                key=_key_at(text, mark.line) if mark else None,
                what=f"malformed YAML: {error.problem or error.context or 'cannot be parsed'}",
                hint="indent with spaces, not with tabs"
                if has_tab
                else "check the indentation, the colons and the quotes there",
            )
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(Complaint(file=file, what=f"malformed YAML: {' '.join(str(error).split())[:200]}")) from None


def _line_of(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line] if line < len(lines) else ""


def _check_events(text: str, file: str) -> None:
    """Refuse too large, too deep or tagged input and multiple documents while parsing, before any object is built."""
    if len(text) > MOST_BYTES:
        raise ConfigError(
            Complaint(file=file, what=f"is {len(text):,} characters long; at most {MOST_BYTES:,} are read")
        )
    depth = nodes = aliases = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line if event.start_mark else 0
        nodes += isinstance(event, yaml.NodeEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        tag = getattr(event, "tag", None)
        what, hint = None, None
        if depth > DEEPEST:
            what = f"is nested more than {DEEPEST} levels deep"
        elif nodes > MOST_NODES:
            what = f"holds more than {MOST_NODES:,} keys and values"
        elif aliases > MOST_ALIASES:
            what, hint = f"holds more than {MOST_ALIASES} aliases (`*name`)", "write the values where they belong"
        elif documents > 1:
            what, hint = "a second document begins here (`---`); one is read", "write one file for each"
        elif tag is not None and tag not in _PLAIN_TAGS:
            what, hint = f"the tag {tag!r:.80} is not read here", "write plain values, without `!`"
        if what:
            raise ConfigError(Complaint(file=file, line=line + 1, key=_key_at(text, line), what=what, hint=hint))


def _check_size(node: yaml.Node | None, file: str) -> None:
    """Refuse aliases inside the node they repeat, and those that together repeat too much."""
    sizes: dict[int, int] = {}
    under_way: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in under_way:
            what = "an alias (`*name`) stands within what it repeats"
            raise ConfigError(Complaint(file=file, line=node.start_mark.line + 1, what=what))
        under_way.add(id(node))
        total = 1 + sum(map(size, _children(node)))
        if total > MOST_NODES:
            what = f"aliases (`*name`) repeat so much that there are more than {MOST_NODES:,} keys and values"
            raise ConfigError(Complaint(file=file, line=node.start_mark.line + 1, what=what))
        sizes[id(node)] = total
        return total

    if node is not None:
        size(node)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _bad_keys(node: yaml.Node | None, file: str, path: str = "") -> Iterator[Complaint]:
    """Yield complaints about keys that are not names, or appear twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _bad_keys(item, file, f"{path}.{index}")
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        name = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
        key = f"{path}.{name}" if path else str(name)
        if not isinstance(key_node, yaml.ScalarNode):
            yield Complaint(file=file, line=line, key=path or None, what="a key is a list or a mapping, and no name")
        elif len(name) > LONGEST_KEY:
            what = f"a key of {len(name):,} characters begins here; {LONGEST_KEY} are the most"
            yield Complaint(file=file, line=line, key=path or None, what=what)
        elif key_node.tag not in (f"{_CORE}str", _MERGE):
            kind = key_node.tag.removeprefix(_CORE)
            hint = f'write "{name}" in quotes if that is its name'
            yield Complaint(
                file=file, line=line, key=key, what=f"YAML reads this key as {_KINDS.get(kind, kind)}", hint=hint
            )
        elif name in first:
            what = f"stands here and at line {first[name]}; only one of them can hold"
            yield Complaint(file=file, line=line, key=key, what=what)
        else:
            first[name] = line
            yield from _bad_keys(value_node, file, key)


_KINDS = {"int": "a number", "float": "a number", "bool": "true or false", "null": "nothing (null)"}


def _key_at(text: str, line: int) -> str | None:
    """Return the nearest key at or above a line (counted from 0), for complaints about YAML that cannot be parsed."""
    for candidate in reversed(text.splitlines()[: line + 1]):
        name, colon, _ = candidate.partition(":")
        if colon and name.strip() and not name.lstrip().startswith("#"):
            return name.strip().strip("-\"'{[ ")[:LONGEST_KEY] or None
    return None


def _collect_lines(node: yaml.Node | None, path: str, lines: dict[str, int], file: str) -> Iterator[Complaint]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[f"{path}.{index}"] = item.start_mark.line + 1
            yield from _collect_lines(item, f"{path}.{index}", lines, file)
    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value_node in node.value:
        key = f"{path}.{key_node.value}" if path else str(key_node.value)
        lines.setdefault(key, key_node.start_mark.line + 1)
        yield from _collect_lines(value_node, key, lines, file)


def with_settings(document: Document, settings: list[str]) -> Document:
    """Return the document with `KEY=VALUE` settings applied; a key is a dotted path, a value is YAML (`1350`, `true`, `text`).

    Raises:
        ConfigError: a setting without `=` or key, or a path through a value that is not a mapping.
    """
    data = copy.deepcopy(document.data)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                Complaint(
                    file="--set", what=f"{setting!r:.200} is not KEY=VALUE", hint="write it like prices.vip_member=1350"
                )
            )
        _put(data, key.strip(), _value(text, key.strip()))
    return Document(document.file, data, document.lines)


def _value(text: str, key: str) -> Any:
    try:
        return _parse(text, "--set")[1]
    except ConfigError as error:
        if all(complaint.what.startswith("malformed YAML") for complaint in error.complaints):
            return text  # an argument need not be YAML: `name: "x` may be meant literally
        raise ConfigError(
            *(Complaint(file="--set", key=key, what=c.what, hint=c.hint) for c in error.complaints)
        ) from None


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    if len(parents) > DEEPEST:
        raise ConfigError(Complaint(file="--set", key=f"{key[:80]}…", what=f"has more than {DEEPEST} levels"))
    for parent in parents:
        below = data.get(parent)
        if below is None:  # the key is missing, or has no value
            below = data[parent] = {}
        if not isinstance(below, dict):
            raise ConfigError(Complaint(file="--set", key=key, what=f"{parent} is a value and has no keys below it"))
        data = below
    data[last] = value
