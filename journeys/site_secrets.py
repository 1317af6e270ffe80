"""Reads the secrets in a site's files, basic authentication and secret headers, on the machine that runs the browser."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from config import Complaint, ConfigError, Secret
from config.secrets import read_secret_file
from journeys.site import Site

FOLDERS = "SIXFB_SECRETS"
_USUAL = "/run/secrets"


def site_secrets(site: Site, *, within: Sequence[Path] | None = None) -> tuple[Secret | None, dict[str, Secret]]:
    """Basic authentication (`user:password`) and secret headers of a site, from the files it names.

    `within` are the only folders to read from. A runner's plan comes from elsewhere, and must not be able to send any file of
    the runner's machine to whom it likes.

    Raises:
        ConfigError: a file cannot be read, lies elsewhere, or holds something else.
    """
    basic = None
    if site.basic_auth_file:
        text = _read(site.basic_auth_file, "basic_auth_file", within)
        if ":" not in text:
            what = "does not hold user:password"
            raise ConfigError(Complaint(file=site.basic_auth_file, key="basic_auth_file", what=what))
        basic = Secret(text)
    headers = {name: _header(file, f"header_files.{name}", within) for name, file in site.header_files.items()}
    return basic, headers


def folders_of_secrets(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the folders from which a runner may read a plan's files: `SIXFB_SECRETS` (separated by `:`), else `/run/secrets`."""
    named = environment.get(FOLDERS, "") or _USUAL
    return tuple(Path(folder) for folder in named.split(os.pathsep) if folder)


def _read(file: str, key: str, within: Sequence[Path] | None) -> str:
    path = Path(file)
    if within is not None and not any(path.resolve().is_relative_to(folder.resolve()) for folder in within):
        folders = ", ".join(map(str, within))
        what, hint = f"is not in {folders}", f"put it there, or name its folder in {FOLDERS} of the runner"
        raise ConfigError(Complaint(file=file, key=key, what=what, hint=hint))
    text = read_secret_file(path, key=key)
    if any(ord(character) < 32 for character in text):
        raise ConfigError(Complaint(file=file, key=key, what="holds more than one line"))
    if not text.strip():
        raise ConfigError(Complaint(file=file, key=key, what="is empty", hint="write the secret into it"))
    return text


def _header(file: str, key: str, within: Sequence[Path] | None) -> Secret:
    text = _read(file, key, within)
    if not text.isascii():
        odd = next(character for character in text if not character.isascii())
        hint = "a header holds ASCII alone: encode the value as the site expects it"
        raise ConfigError(Complaint(file=file, key=key, what=f"holds {odd!r}, which no header can carry", hint=hint))
    return Secret(text)
