"""Reads the evidence files that a page embeds and copies those it links; a missing file never makes a report fail."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from facts import Evidence, Run

_MOST_EMBEDDED = 5_000_000
_MOST_TEXT = 20_000
_ODD = re.compile(r"[^A-Za-z0-9._-]|^[.-]")


class UnusableEvidenceError(Exception):
    """The evidence file cannot be shown; the message is a sentence for the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Holds a piece of evidence and its file.

    `content` is the bytes of a screenshot or page text, `copied_as` the name of the copy beside the page, `problem` why
    neither is available. `is_altered` means that the bytes do not match their hash.
    """

    fact: Evidence
    content: bytes | None = None
    copied_as: str | None = None
    problem: str | None = None
    is_altered: bool = False


def file_name(run_id: str) -> str:
    """Return the run's id as a file name. An id that is not a valid file name gets a digest, so that no two ids share a name."""
    if run_id and len(run_id) <= 120 and not _ODD.search(run_id):
        return run_id
    digest = hashlib.sha256(run_id.encode(errors="replace")).hexdigest()[:12]
    return f"run-{_ODD.sub('-', run_id)[:80]}-{digest}"


def read_artifacts(run: Run, evidence: Path | None) -> tuple[Artifact, ...]:
    """Return every piece of the run's evidence, with the content of those that a page embeds."""
    return tuple(_read(fact, evidence) for fact in run.evidence)


def copy_traces(artifacts: tuple[Artifact, ...], evidence: Path | None, out: Path, name: str) -> tuple[Artifact, ...]:
    """Copy each trace beside the page as `<name>.trace.zip`; names of earlier attempts' traces contain the attempt's number."""
    traces = [a for a in artifacts if a.fact.kind == "trace" and a.problem is None]
    last = max((a.fact.attempt for a in traces), default=0)
    return tuple(_copy(a, evidence, out, name, last) if a in traces else a for a in artifacts)


def _read(fact: Evidence, evidence: Path | None) -> Artifact:
    try:
        path = _locate(fact, evidence)
        altered = fact.sha256 is not None and _digest(path) != fact.sha256
        return Artifact(fact=fact, content=_content(fact, path), is_altered=altered)
    except UnusableEvidenceError as problem:
        return Artifact(fact=fact, problem=str(problem))
    except OSError as error:
        return Artifact(fact=fact, problem=f"the file could not be read ({error.strerror or type(error).__name__})")


def _locate(fact: Evidence, evidence: Path | None) -> Path:
    if fact.path is None:
        raise UnusableEvidenceError("it was not kept")
    if evidence is None:
        raise UnusableEvidenceError("the evidence folder is not at hand")
    path = _inside(evidence, fact.path)
    if not path.is_file():
        raise UnusableEvidenceError("the file is missing from the evidence folder")
    return path


def _inside(folder: Path, name: str) -> Path:
    """Return the path of `name` in `folder`.

    A record comes from elsewhere, and must not make this program publish any file it names.

    Raises:
        UnusableEvidenceError: the path is not valid, or leads out of the folder.
    """
    try:
        path = (folder / name).resolve()
    except (ValueError, RuntimeError):
        raise UnusableEvidenceError("its path is no path") from None
    if not path.is_relative_to(folder.resolve()):
        raise UnusableEvidenceError("its path leads out of the evidence folder")
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(fact: Evidence, path: Path) -> bytes | None:
    if fact.kind == "page_text":
        with path.open("rb") as file:
            return file.read(_MOST_TEXT)
    if fact.kind != "screenshot":
        return None
    if path.stat().st_size > _MOST_EMBEDDED:
        raise UnusableEvidenceError("the picture is larger than 5 MB and was not embedded")
    content = path.read_bytes()
    # Checked by content: a record from elsewhere may name any file as a screenshot.
    if not content.startswith(b"\xff\xd8\xff"):
        raise UnusableEvidenceError("the file is not a JPEG")
    return content


def _copy(artifact: Artifact, evidence: Path | None, out: Path, name: str, last: int) -> Artifact:
    fact = artifact.fact
    copy = f"{name}.trace.zip" if fact.attempt == last else f"{name}.trace-{fact.attempt}.zip"
    try:
        source = _locate(fact, evidence)
        out.mkdir(parents=True, exist_ok=True)
        # Copying a file onto itself would raise.
        if source != (out / copy).resolve():
            shutil.copyfile(source, out / copy)
    except (UnusableEvidenceError, OSError) as problem:
        return replace(artifact, problem=f"it could not be copied beside this page ({problem})")
    return replace(artifact, copied_as=copy)
