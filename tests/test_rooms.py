"""The plan of the house: which room may import which, checked on every import statement."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Arrows point down only; rooms on one line never import each other.
PLAN = (
    ("sixfb",),
    ("cli",),
    ("hub", "runner", "demo"),
    ("reports", "alerts", "sla"),
    ("metrics", "sources", "store", "journeys"),
    ("process",),
    ("config",),
    ("redact",),
    ("facts",),
)
LEVEL = {room: level for level, rooms in enumerate(PLAN) for room in rooms}
NOT_ROOMS = {"tests", "docs", "benchmarks", "deploy", "var", "dist"}


def rooms_here() -> list[str]:
    return sorted(p.name for p in ROOT.iterdir() if (p / "__init__.py").is_file() and p.name not in NOT_ROOMS)


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("room", rooms_here())
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    climbing = [
        f"{file.relative_to(ROOT)} imports {other}"
        for file in (ROOT / room).rglob("*.py")
        for other in imports_of(file)
        if other in LEVEL and other != room and LEVEL[other] <= LEVEL[room]
    ]
    assert climbing == []


def test_every_room_stands_in_the_plan_and_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packaged = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packaged) == rooms_here()
    assert set(rooms_here()) <= set(LEVEL)


@pytest.mark.parametrize("room", rooms_here())
def test_a_room_says_its_purpose_in_a_sentence_and_is_typed(room: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None
    assert docstring.endswith(".")
    assert (ROOT / room / "py.typed").is_file()


def _modules() -> dict[str, Path]:
    """Every file of the product by its module's name."""
    files = (file for room in rooms_here() for file in (ROOT / room).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: what is imported for annotations alone binds no file to another."""
    for node in ast.iter_child_nodes(tree):
        if not _only_for_types(node):
            yield node
            yield from _statements(node)


def _modules_imported(file: Path, known: Collection[str]) -> set[str]:
    found: set[str] = set()
    for node in _statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(known)
            found |= submodules
            if len(submodules) < len(node.names):
                found.add(node.module)
    return found & set(known)


def test_no_file_imports_another_in_a_circle() -> None:
    modules = _modules()
    imports = {name: _modules_imported(file, modules) - {name} for name, file in modules.items()}
    graph = TopologicalSorter(imports)
    try:
        graph.prepare()
    except CycleError as error:
        pytest.fail(f"these files import each other in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("folder", sorted({f.parent for f in (ROOT / "tests").rglob("test_*.py")}))
def test_every_folder_of_tests_is_a_package(folder: Path) -> None:
    """Or tests/runner would stand in front of runner."""
    assert (folder / "__init__.py").is_file()


def test_no_room_is_named_for_nothing() -> None:
    nameless = {"utils", "core", "types", "helpers", "common", "util", "misc"}
    found = [p for room in rooms_here() for p in (ROOT / room).rglob("*") if p.stem in nameless]
    assert found == []
