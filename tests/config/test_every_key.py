"""Every key of the four files has a bad file, named for its one mistake; and every number has bounds with a reason."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from alerts.routes import Routing, routing_from
from config import ConfigError, Document, Locations, read_document, validate
from config.bounds import Bounds, Length
from journeys.site import Site
from sla.kinds import KINDS
from sla.settings import Rule
from sla.targets import targets_from

ROOT = Path(__file__).resolve().parents[2]
BAD = Path(__file__).parent / "bad"
SHIPPED = read_document(ROOT / "sla.yaml")
SHAPES: dict[str, Any] = {"site": Site, "locations": Locations, "alerts": Routing}
FOLDERS = (*SHAPES, "sla")
FILES = sorted(file for kind in FOLDERS for file in (BAD / kind).glob("*.yaml"))


def refused(file: Path) -> ConfigError:
    kind, document = file.parent.name, read_document(file)
    with pytest.raises(ConfigError) as caught:
        _read(kind, document)
    return caught.value


def _read(kind: str, document: Document) -> object:
    if kind == "sla":
        return targets_from(document, shipped=SHIPPED)
    return routing_from(document) if kind == "alerts" else validate(SHAPES[kind], document)


def complaint_in(file: Path) -> tuple[str, str]:
    """The key and the words that the first line of a bad file promises."""
    key, _, words = file.read_text().partition("\n")[0].removeprefix("# complains: ").partition(" | ")
    return key, words


def leaves(hint: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Each key below a type as a pattern (`*` is any name), with its type."""
    inner = bare(hint)
    if path:
        yield ".".join(path), hint
    if len(get_args(inner)) > 1 and all(dataclasses.is_dataclass(one) for one in get_args(inner)):
        for one in get_args(inner):  # one of several shapes, told apart by their kind
            for key, inside in leaves(one, (*path, f"<{get_args(get_type_hints(one)['kind'])[0]}>")):
                if key.endswith(".kind"):
                    yield ".".join((*path, "kind")), inside
                elif not key.endswith(">"):
                    yield key, inside
        return
    if dataclasses.is_dataclass(inner):
        hints = get_type_hints(inner, include_extras=True)
        for field in dataclasses.fields(inner):
            yield from leaves(hints[field.name], (*path, written(field.name, hints[field.name])))
    elif get_origin(inner) is list and dataclasses.is_dataclass(get_args(inner)[0]):
        yield from leaves(get_args(inner)[0], (*path, "*"))
    elif get_origin(inner) is dict:
        yield from leaves(get_args(inner)[1], (*path, "*"))


def written(name: str, hint: Any) -> str:
    """The name of a field in a file: a word of Python's own (`from`) has another name in the code."""
    return next((note.alias for note in getattr(hint, "__metadata__", ()) if getattr(note, "alias", None)), name)


def bare(hint: Any) -> Any:
    """A type without its annotations and without None."""
    while hasattr(hint, "__metadata__") or type(None) in get_args(hint):
        if hasattr(hint, "__metadata__") and type(None) not in get_args(hint):
            hint = hint.__origin__
            continue
        hint = next(argument for argument in get_args(hint) if argument is not type(None))
    return hint


def keys_of_rules() -> Iterator[tuple[str, str, Any]]:
    """Each setting of each kind of rule, as `quorum.locations`; those that every rule has are `*.title`."""
    every = [key for key, _ in leaves(Rule, ())]
    yield from (("sla", f"*.{key}", hint) for key, hint in leaves(Rule, ()))
    for kind, one in KINDS.items():
        yield from (("sla", f"{kind}.{key}", hint) for key, hint in leaves(one.settings, ()) if key not in every)


KEYS = [(kind, key, hint) for kind, shape in SHAPES.items() for key, hint in leaves(shape, ())]
KEYS += keys_of_rules()


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_bad_file_is_refused_for_its_one_mistake_with_file_line_and_key(file: Path) -> None:
    key, words = complaint_in(file)
    (told,) = refused(file).complaints
    assert (told.file, told.key) == (str(file), key)
    assert told.line, "it says where"
    assert words in str(told)


def key_of_kind(file: Path) -> str:
    """The key that a bad file is about; of a rule its kind stands for its name, which may be any."""
    key, _ = complaint_in(file)
    if file.parent.name != "sla":
        return key
    name, _, setting = key.partition(".")
    entry = read_document(file).data[name]
    kind = (
        SHIPPED.data[name]["kind"] if name in SHIPPED.data else entry.get("kind") if isinstance(entry, dict) else None
    )
    return f"{kind}.{setting}"


@pytest.mark.parametrize("kind", FOLDERS)
def test_every_key_has_a_bad_file(kind: str) -> None:
    told = [(_place_in if kind == "alerts" else key_of_kind)(file) for file in FILES if file.parent.name == kind]
    keys = [key for of, key, _ in KEYS if of == kind]
    without = [key for key in keys if not any(re.fullmatch(_pattern(key), one) for one in told)]
    assert keys
    assert without == []


def _pattern(key: str) -> str:
    return r"\.".join("[^.]+" if part == "*" else re.escape(part) for part in key.split("."))


def _place_in(file: Path) -> str:
    """The key that a bad file is about, with the kind of its shape (`destinations.ops.<slack>.url_from`) where it has one."""
    key, place = complaint_in(file)[0], []
    here: Any = read_document(file).data
    for part in key.split("."):
        kind = here.get("kind") if isinstance(here, dict) else None
        if isinstance(kind, str) and part != "kind" and file.parent.name == "alerts":
            place.append(f"<{kind}>")
        place.append(part)
        here = here.get(part) if isinstance(here, dict) else here[int(part)] if isinstance(here, list) else None
    return ".".join(place)


def notes_of(hint: Any) -> list[Any]:
    """What stands in the annotations of a type, or of one that may be None."""
    return [note for one in (hint, *get_args(hint)) for note in getattr(one, "__metadata__", ())]


def test_every_number_has_bounds_with_a_reason() -> None:
    numbers = [(key, notes_of(hint)) for _, key, hint in KEYS if bare(hint) in (int, float)]
    assert len(numbers) > 40
    assert [key for key, notes in numbers if not any(isinstance(n, Bounds) and n.reason for n in notes)] == []


def test_every_default_of_a_duration_lies_within_its_bounds() -> None:
    targets = targets_from(SHIPPED)
    rules = [(rule, name) for rule in targets.rules().values() for name in get_type_hints(type(rule))]
    for rule, name in rules:
        hint = get_type_hints(type(rule), include_extras=True)[name]
        if getattr(rule, name) is None or get_origin(bare(hint)) in (dict, list):
            continue
        for note in notes_of(hint):
            if isinstance(note, Length):
                note.check(getattr(rule, name))
