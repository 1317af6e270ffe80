"""What a build needs of this machine to reach the package index as pip does here: a pip.conf, and the folders it speaks of.

    python3 .ci/build_mounts.py PIP_CONF

writes the configuration to PIP_CONF, and prints the `-v` options of `buildah bud` one a line. Nothing of it gets into the image.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

KEYS = ("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "cert", "timeout")
CERTIFICATES = "/etc/pip-certificates.pem"
"""Where the authorities that pip trusts here are in the build: not in their own place, which packages write to."""


def pip_settings() -> dict[str, str]:
    """pip's settings on this machine, from its files and the environment, the environment last."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    found: dict[str, str] = {}
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2].replace("_", "-")
        if key in KEYS:
            found[key] = str(ast.literal_eval(value))
    return found


def folders_of(settings: dict[str, str]) -> set[Path]:
    """Every path on this disk that the settings name; of an index (`.../simple`) the folder above, where its files lie."""
    found = set()
    for word in " ".join(settings.values()).split():
        url = urlsplit(word)
        path = Path(url2pathname(url.path)) if url.scheme == "file" else Path(word)
        if path.is_absolute() and path.exists():
            found.add(path.parent if path.name == "simple" else path)
    return {path for path in found if not any(other in path.parents for other in found)}


def main() -> None:
    """Write the file, print the options."""
    settings = pip_settings()
    conf, mounted = Path(sys.argv[1]), []
    if "cert" in settings:
        mounted.append((Path(settings["cert"]), Path(CERTIFICATES)))
        settings["cert"] = CERTIFICATES
    mounted += [(path, path) for path in folders_of(settings)]
    conf.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()), encoding="utf-8")
    for source, target in [(conf.resolve(), Path("/etc/pip.conf")), *mounted]:
        print(f"-v\n{source}:{target}:ro")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
