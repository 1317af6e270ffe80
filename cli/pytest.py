"""`sixfb pytest DIR ...`: the journeys of one's own under pytest, also where pytest itself is not on the path."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cli import settings
from cli.command_error import CommandError

CONTEXT = {"ignore_unknown_options": True}
"""Options that are pytest's are given to pytest."""
_PLUGIN = "journeys.pytest_plugin"


def pytest(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DIR]...", help="What pytest takes: folders, files, and all of its own options."),
    ] = None,
) -> None:
    """Run journeys as tests, with pytest and pytest-playwright's own options (`--headed`, `--slowmo`, `--tracing`, `-k`).

    Without a folder or file those of the folder of one's own journeys are run. Exit code: pytest's own.
    """
    given, own = arguments or [], settings.journeys_folder()
    if own is None and all(argument.startswith("-") for argument in given):
        raise CommandError(
            "pytest: name a folder of journeys, like `sixfb pytest my_journeys`; "
            "a folder journeys/ beside your site.yaml is found by itself"
        )
    command = [sys.executable, "-P", "-m", "pytest", "-p", _PLUGIN, *_output(given), *given]
    if own is not None and not any(os.path.lexists(_path_of(argument)) for argument in given):
        command.append(own)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)


def _path_of(argument: str) -> str:
    """Return the file or folder that an argument names: `DIR/file.py::test_name` names the file."""
    return argument.partition("::")[0]


def _output(given: list[str]) -> list[str]:
    """Return the folder for traces and pictures if the user names none, because pytest-playwright's own is in the current folder."""
    if any(argument == "--output" or argument.startswith("--output=") for argument in given):
        return []
    return [f"--output={settings.var_folder() / 'test-results'}"]
