"""Finds the four configuration files: in the operator's folder, or the shipped ones for those that are missing there."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Mapping
from pathlib import Path

from config.complaints import Complaint, ConfigError

FILES = ("site.yaml", "locations.yaml", "sla.yaml", "alerts.yaml")
CONFIG = "SIXFB_CONFIG"
_ROOT = Path(__file__).resolve().parent.parent


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the operator's YAML files: `SIXFB_CONFIG`, else the current folder.

    Raises:
        ConfigError: `SIXFB_CONFIG` is not a folder, or this user may not access its files.
    """
    named = environment.get(CONFIG, "").strip()
    if not named:
        return Path()
    folder = Path(named)
    try:
        os.scandir(folder).close()
        # Listing the names needs another permission than accessing the files.
        (folder / ".").stat()
    except (OSError, ValueError) as error:
        reasons = {
            errno.ENOENT: "there is no such folder",
            errno.ENOTDIR: "it is no folder",
            errno.EACCES: "this user may not read that folder",
            errno.ELOOP: "it is a loop of symbolic links",
        }
        reason = reasons.get(getattr(error, "errno", None) or 0, str(getattr(error, "strerror", None) or error))
        hint = f"name the folder of {', '.join(FILES)}, or unset it to use the current folder"
        raise ConfigError(Complaint(file="environment", key=CONFIG, what=f"{named}: {reason}", hint=hint)) from None
    return folder


def config_file(name: str) -> Path:
    """Return the path of a configuration file: the operator's if it exists, else the shipped one.

    Raises:
        ConfigError: `SIXFB_CONFIG` is wrong, or its folder has a misnamed file instead.
    """
    folder = config_folder()
    own = folder / name
    if os.path.lexists(own):
        return own
    # In a folder chosen for the configuration a misnamed file is an error; the current folder may hold unrelated files.
    if os.environ.get(CONFIG, "").strip() and (wrong := misnamed(folder, name)):
        raise ConfigError(wrong)
    return shipped_file(name) or own


def misnamed(folder: Path, name: str) -> Complaint | None:
    """Return a complaint about a misnamed file beside a missing one; None if there is no such file.

    Examples of misnamed files are `site.yml`, `Site.yaml` and `sites.yaml`.
    """
    try:
        beside = sorted(path.name for path in folder.iterdir())
    except OSError:
        return None
    shapes = [(re.fullmatch(r"(.+?)\.ya?ml(\.txt)?", other.lower()), other) for other in beside if other not in FILES]
    stems = {match[1]: other for match, other in reversed(shapes) if match}
    close = difflib.get_close_matches(name.partition(".")[0], stems, n=1, cutoff=0.8)
    if not close:
        return None
    what, hint = f"is not read: the name is {name}", f"rename it to {name}, or remove it"
    return Complaint(file=str(folder / stems[close[0]]), what=what, hint=hint)


def sources(*names: str) -> dict[str, str]:
    """Return the source of each configuration file: its path, or `shipped defaults`. Raises ConfigError."""
    found = {name: config_file(name) for name in names or FILES}
    return {
        name: "shipped defaults" if path == shipped_file(name) else str(path.absolute()) for name, path in found.items()
    }


def misnamed_here(*names: str) -> list[Complaint]:
    """Return complaints about misnamed files in the operator's folder, which are not read. Raises ConfigError."""
    folder = config_folder()
    missing = [name for name in names or FILES if not os.path.lexists(folder / name)]
    return [wrong for name in missing if (wrong := misnamed(folder, name))]


def shipped_file(name: str) -> Path | None:
    """Return the configuration file that ships with the product, in a checkout or in the installed package; None if there is none."""
    return next((f for f in (_ROOT / name, _ROOT / "config" / "defaults" / name) if f.is_file()), None)
