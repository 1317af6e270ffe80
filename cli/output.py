r"""Prints everything that a command says; no other file writes to standard output or standard error.

Whatever text is printed, its control characters are shown (`\x1b`) and never sent. A terminal gets colours, and tables that fit it; a
pipe gets each row on one whole line. A character that the locale cannot write is replaced.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from process.visible import visible, visible_json
from redact.masking import KNOWN

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Part = str | tuple[str, str]
"""A text, or a text and its style in rich's words (`bold red`)."""
_ERRORS = "sixfb.plain"
_PLAIN = {"…": ".", "–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "→": ">", "✓": "+", "✗": "x", "×": "x"}
_LEAST_LAST = 20
"""Columns of a terminal that the last column of a table needs; narrower ones get a block for each row."""


def prepare_streams() -> None:
    """Make standard output and standard error write any text in any locale."""
    codecs.register_error(_ERRORS, _replacement)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - it is open as long as the program runs
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _replacement(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def say(*parts: Part) -> None:
    """Print one line; a line feed in a part is shown as `\\n`."""
    if any(isinstance(part, tuple) for part in parts) and is_terminal():
        console().print(line(*parts), soft_wrap=True)
    else:
        _write(sys.stdout, "".join(_shown(part) for part in parts))


def say_json(data: Any) -> None:
    """Print a JSON document."""
    _write(sys.stdout, json_text(data))


def json_text(data: Any) -> str:
    """Return the JSON document as it is printed and written to files."""
    return visible_json(json.dumps(data, indent=2))


def say_error(text: str) -> None:
    """Print lines on standard error, with secrets that are known masked."""
    for one in text.split("\n"):
        _write(sys.stderr, visible(KNOWN.mask(one)))


def say_table(headers: Sequence[str], rows: Iterable[Sequence[Part]], *, right: Sequence[str] = ()) -> None:
    """Print rows under headers: a table where the terminal is wide enough, else a block for each row; in a pipe one line for each row.

    No cell is cut. `right` are the headers of columns of numbers.
    """
    rows = [list(row) for row in rows]
    cells = [[_shown(part) for part in row] for row in rows]
    widths = [max(len(header), *(len(row[i]) for row in cells), 0) for i, header in enumerate(headers)]
    if not is_terminal():
        for row in (list(headers), *cells):
            padded = (c.rjust(w) if h in right else c.ljust(w) for c, w, h in zip(row, widths, headers, strict=True))
            _write(sys.stdout, "  ".join(padded).rstrip())
        return
    needed = sum(widths[:-1]) + min(widths[-1], _LEAST_LAST) + 3 * len(headers) + 1
    if needed <= console().width:
        _print_table(headers, rows, right)
    else:
        _print_blocks(headers, rows)


def _print_table(headers: Sequence[str], rows: Sequence[Sequence[Part]], right: Sequence[str]) -> None:
    from rich.table import Table

    table = Table()
    for header in headers[:-1]:
        table.add_column(header, no_wrap=True, justify="right" if header in right else "left")
    table.add_column(headers[-1], overflow="fold", justify="right" if headers[-1] in right else "left")
    for row in rows:
        table.add_row(*(line(part) for part in row))
    console().print(table)


def _print_blocks(headers: Sequence[str], rows: Sequence[Sequence[Part]]) -> None:
    widest = max(map(len, headers))
    for number, row in enumerate(rows):
        if number:
            say()
        for header, part in zip(headers, row, strict=True):
            if _shown(part):
                say((f"{header:<{widest}}  ", "dim"), part)


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout.isatty()


def line(*parts: Part) -> Text:
    """Return one line for rich, without markup and without control characters."""
    from rich.text import Text

    pairs = [part if isinstance(part, tuple) else (part, "") for part in parts]
    return Text.assemble(*((visible(text), style) for text, style in pairs))


def console() -> Console:
    """Return a console for progress displays and live tables. It shows control characters as `say` does."""
    from cli.console import VisibleConsole

    return VisibleConsole()


def _shown(part: Part) -> str:
    return visible(part[0] if isinstance(part, tuple) else part)


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()
