"""Renders templates as HTML. All printed text is cleaned and escaped here, whether or not its section does so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.text import clean, is_linkable

_TEMPLATES = Path(__file__).parent / "templates"


def _printed(value: Any) -> Any:
    """Clean a printed value: text that is not our own markup loses characters that could deceive a reader. Jinja calls it last."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,  # select_autoescape() would leave .html.j2 unescaped
    undefined=StrictUndefined,
    finalize=_printed,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.tests["linkable"] = is_linkable


def render(template: str, page: object) -> str:
    """Return the HTML of one template; `page` is its context, a frozen dataclass."""
    return _environment.get_template(template).render(page=page)


def renderer(folder: Path) -> Callable[[str, object], str]:
    """Return a function that renders templates of another folder as `render` does; these may extend and import the product's own."""
    own = _environment.overlay(loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(_TEMPLATES)]))

    def render_own(template: str, page: object) -> str:
        return own.get_template(template).render(page=page)

    return render_own


def write(path: Path, html: str) -> Path:
    """Write a page atomically, so that no reader opens half of it.

    Raises:
        OSError: the folder cannot be created or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(html)
        # mkstemp creates private files, but a report is meant to be shared.
        unfinished.chmod(0o644)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
