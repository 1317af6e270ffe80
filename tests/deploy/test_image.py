"""The image, the compose file and their scripts: what a linter and the file itself can tell without building anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from config import Locations, read_document, validate
from journeys.site import Site

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
DOCKERFILES = ("Dockerfile", ".ci/postgres/Dockerfile")
SCRIPTS = sorted(str(f.relative_to(ROOT)) for folder in ("deploy", ".ci") for f in (ROOT / folder).rglob("*.sh"))
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
OURS = [name for name in SERVICES if name != "postgres"]
RUNNERS = [name for name in SERVICES if name.startswith("runner-")]


def with_defaults(text: str) -> str:
    """The file as it is where nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def linted(*command: str) -> str:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", DOCKERFILES)
def test_hadolint_has_nothing_to_say(file: str) -> None:
    assert (
        linted("hadolint", "--failure-threshold", "warning", "--no-color", "--format", "json", file).count("warning")
        == 0
    )


@pytest.mark.parametrize("file", [*SCRIPTS, ".ci/containers", ".ci/run"])
def test_shellcheck_has_nothing_to_say(file: str) -> None:
    assert linted("shellcheck", file) == ""


def test_every_room_of_the_wheel_gets_into_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert [room for room in wheel["packages"] if room not in let_in] == []
    assert {Path(name).suffix for name in wheel["force-include"]} == {".yaml"}
    assert "*.yaml" in let_in


def test_the_image_is_built_with_everything_that_the_build_backend_needs() -> None:
    said = re.search(r"wanted = /\^\(([^)]+)\)==/", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert said is not None
    needed = {
        re.split(r"[^a-z0-9-]", need)[0] for need in requires("hatchling") or [] if "python_version <" not in need
    }
    assert {"hatchling", *needed} == set(said[1].split("|"))


def test_the_compose_file_is_what_the_specification_says() -> None:
    # It knows no anchors and merges, which are YAML's own.
    compose = PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(with_defaults(COMPOSE))))
    compose.validate()
    assert set(compose.service_names()) == set(SERVICES)


def test_no_variable_of_the_compose_file_is_without_a_default() -> None:
    assert "$" not in with_defaults(COMPOSE)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert {"mem_limit", "pids_limit"} <= set(service)
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])
    assert not service.get("privileged")


@pytest.mark.parametrize("name", OURS)
def test_no_secret_is_in_the_environment_of_a_service(name: str) -> None:
    service = SERVICES[name]
    files = {k: v for k, v in service["environment"].items() if k.endswith("_FILE")}
    mounted = {s if isinstance(s, str) else s["target"] for s in service["secrets"]}
    assert {Path(file).name for file in files.values()} <= mounted
    assert not [k for k in service["environment"] if k.endswith(("_KEY", "_TOKEN", "_PASSWORD", "_URL"))
                and k != "SIXFB_HUB_URL"]  # fmt: skip


def test_a_runner_for_each_location_each_with_its_own_token_and_spool() -> None:
    locations = validate(Locations, read_document(ROOT / "locations.yaml")).locations
    assert [SERVICES[name]["command"] for name in RUNNERS] == [["runner", "--location", where] for where in locations]
    tokens = [s["source"] for name in RUNNERS for s in SERVICES[name]["secrets"] if isinstance(s, dict)]
    assert tokens == [f"token_{where.replace('-', '_')}" for where in locations]
    assert len({v for name in RUNNERS for v in SERVICES[name]["volumes"]}) == len(RUNNERS)


def test_the_database_speaks_with_the_hub_alone() -> None:
    assert [name for name, service in SERVICES.items() if "data" in service["networks"]] == ["postgres", "hub"]
    assert yaml.safe_load(COMPOSE)["networks"]["data"]["internal"] is True
    assert "ports" not in SERVICES["postgres"]


def test_the_demo_is_asked_for_and_its_configuration_is_valid() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["shop"]
    demo = ROOT / "deploy" / "demo"
    site, locations = read_document(demo / "site.yaml"), read_document(demo / "locations.yaml")
    assert validate(Site, site).base_url == "http://shop:8700"
    assert {schedule.period_s for schedule in validate(Locations, locations).journeys.values()} == {60}


def test_the_system_calls_that_the_sandbox_is_made_of_are_let_through_and_those_that_reach_the_machine_are_not() -> (
    None
):
    profile = json.loads((ROOT / "deploy" / "seccomp.json").read_text(encoding="utf-8"))
    refused = {name for group in profile["syscalls"] for name in group["names"]}
    assert all(group["action"] == "SCMP_ACT_ERRNO" for group in profile["syscalls"])
    assert not refused & {"clone", "clone3", "unshare", "chroot"}
    assert {"mount", "bpf", "init_module", "kexec_load", "io_uring_setup", "keyctl", "reboot"} <= refused
