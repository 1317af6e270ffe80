"""YAML files as data that still knows its lines, and settings laid over them from the command line."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.complaints import Complaint, ConfigError


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a file; `lines` holds the line (from 1) of each key by its dotted path."""

    file: str
    data: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)


def read_document(path: Path) -> Document:
    """The mapping in a YAML file.

    Raises:
        ConfigError: no such file, not readable, not YAML (with the line), a key twice, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(Complaint(file=str(path), what="no such file")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(Complaint(file=str(path), what=f"cannot be read: {error}")) from None
    return parse_document(text, file=str(path))


def parse_document(text: str, *, file: str) -> Document:
    """The mapping in YAML text; `file` names it in complaints. Raises ConfigError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(
            Complaint(
                file=file,
                line=min(mark.line + 1, len(text.splitlines())) if mark else None,
                key=_key_at(text, mark.line) if mark else None,
                what=f"malformed YAML: {error.problem or error.context or 'cannot be parsed'}",
                hint="check the indentation, the colons and the quotes there",
            )
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(Complaint(file=file, what=f"malformed YAML: {error}")) from None
    if data is None:
        return Document(file, {})
    if not isinstance(data, dict):
        raise ConfigError(Complaint(file=file, line=1, what="expected keys and values, like `base_url: https://...`"))
    lines: dict[str, int] = {}
    _collect_lines(node, "", lines, file)
    return Document(file, data, lines)


def _key_at(text: str, line: int) -> str | None:
    """The nearest key at or above a line (from 0), for complaints about YAML that does not parse."""
    for candidate in reversed(text.splitlines()[: line + 1]):
        name, colon, _ = candidate.partition(":")
        if colon and name.strip() and not name.lstrip().startswith("#"):
            return name.strip().strip("-\"' ")
    return None


def _collect_lines(node: yaml.Node | None, path: str, lines: dict[str, int], file: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[f"{path}.{index}"] = item.start_mark.line + 1
            _collect_lines(item, f"{path}.{index}", lines, file)
    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value_node in node.value:
        key = f"{path}.{key_node.value}" if path else str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in lines:
            what = f"stands here and at line {lines[key]}; only one of them can hold"
            raise ConfigError(Complaint(file=file, line=line, key=key, what=what))
        lines[key] = line
        _collect_lines(value_node, key, lines, file)


def with_settings(document: Document, settings: list[str]) -> Document:
    """The document with `KEY=VALUE` settings laid over it; a key is a dotted path, a value is YAML (`1350`, `true`, `text`).

    Raises:
        ConfigError: a setting without `=` or key, or a path that runs through a value that is not a mapping.
    """
    data = copy.deepcopy(document.data)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                Complaint(
                    file="--set", what=f"{setting!r} is not KEY=VALUE", hint="write it like prices.vip_member=1350"
                )
            )
        _put(data, key.strip(), _value(text))
    return Document(document.file, data, document.lines)


def _value(text: str) -> Any:
    if re.fullmatch(r"0\d+", text):
        return text  # a postal code or a phone number; YAML would read it as octal
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        below = data.setdefault(parent, {})
        if not isinstance(below, dict):
            raise ConfigError(Complaint(file="--set", key=key, what=f"{parent} is a value and has no keys below it"))
        data = below
    data[last] = value
