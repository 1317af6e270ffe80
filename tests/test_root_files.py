"""The files at the root that contributors expect agree with the project's own tools."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINT = re.findall(r"\$\(BIN\)/(\w+.*)", MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0])


def workflow() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")))


def test_the_hooks_are_the_checks_of_make_lint_from_the_project_s_environment() -> None:
    told = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (local,) = told["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    entries = [hook["entry"].removeprefix(".venv/bin/").replace(" --force-exclude", "") for hook in local["hooks"]]
    assert entries == [line.removesuffix(" .") for line in LINT]


def test_the_workflow_runs_make_targets_that_exist_on_linux_and_macos() -> None:
    jobs = workflow()["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert {"make lint", "make test", "make drills"} <= set(runs)
    assert [run for run in runs if not re.search(rf"^{run.removeprefix('make ')}:", MAKEFILE, re.MULTILINE)] == []
    assert set(jobs["test"]["strategy"]["matrix"]["os"]) == {"ubuntu-latest", "macos-latest"}
    assert all(job["timeout-minutes"] for job in jobs.values())
    assert workflow()["permissions"] == {"contents": "read"}


def test_the_workflow_tries_the_oldest_python_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=" + workflow()["jobs"]["test"]["strategy"]["matrix"]["python"][0]


def test_editors_are_told_what_the_formatter_does() -> None:
    told = configparser.ConfigParser()
    told.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert int(told["*.py"]["max_line_length"]) == ruff["line-length"]
    assert (told["*.py"]["indent_size"], told["Makefile"]["indent_style"]) == ("4", "tab")


def test_every_file_keeps_to_the_editor_s_rules() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a clone")
    wrong = []
    for name in filter(None, listed.stdout.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" in content or not content:  # a picture
            continue
        if not content.endswith(b"\n") or b"\r\n" in content or re.search(rb"[ \t]+$", content, re.MULTILINE):
            wrong.append(name)
    assert wrong == []


def test_security_says_how_to_report_and_links_to_what_exists() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in text
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
