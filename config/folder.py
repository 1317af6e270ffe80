"""Where the four configuration files are: the operator's folder, and what ships with the product for those that are not there."""

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
    """Where the YAML files are looked for first: `SIXFB_CONFIG`, else the current folder.

    Raises:
        ConfigError: `SIXFB_CONFIG` names no folder, or one whose files this user may not see.
    """
    named = environment.get(CONFIG, "").strip()
    if not named:
        return Path()
    folder = Path(named)
    try:
        os.scandir(folder).close()
        # Seeing the names needs another right than reaching the files does.
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
    """A configuration file by name: the operator's where anything stands there, else the one that ships with the product.

    Raises ConfigError.
    """
    folder = config_folder()
    own = folder / name
    if os.path.lexists(own):
        return own
    if os.environ.get(CONFIG, "").strip() and (wrong := misnamed(folder, name)):
        raise ConfigError(wrong)
    return shipped_file(name) or own


def misnamed(folder: Path, name: str) -> Complaint | None:
    """The complaint about a file beside a missing one that was meant to be it (`site.yml`, `Site.yaml`, `sites.yaml`)."""
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
    """Where each configuration file is read from: its path, or `shipped defaults`. Raises ConfigError."""
    found = {name: config_file(name) for name in names or FILES}
    return {
        name: "shipped defaults" if path == shipped_file(name) else str(path.absolute()) for name, path in found.items()
    }


def misnamed_here(*names: str) -> list[Complaint]:
    """The complaints about files of the current folder that were meant to be read, and are not. Raises ConfigError."""
    folder = config_folder()
    missing = [name for name in names or FILES if not os.path.lexists(folder / name)]
    return [wrong for name in missing if (wrong := misnamed(folder, name))]


def shipped_file(name: str) -> Path | None:
    """The configuration file that ships with the product: beside the rooms in a checkout, inside `config` once installed."""
    return next((f for f in (_ROOT / name, _ROOT / "config" / "defaults" / name) if f.is_file()), None)
