"""The manifests are what Kubernetes takes, and keep to the strictest of its own standards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config import Locations, read_document, validate
from journeys.site import Site

ROOT = Path(__file__).resolve().parent.parent.parent
KUBERNETES = ROOT / "deploy" / "kubernetes"
FOLDERS = sorted(file.parent for file in KUBERNETES.rglob("kustomization.yaml"))
RUNNERS = sorted((KUBERNETES / "locations").iterdir())


def kustomization(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return loaded


def resources(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource that a folder brings, by the file that it stands in."""
    for name in kustomization(folder)["resources"]:
        path = (folder / name).resolve()
        if path.is_dir():
            yield from resources(path)
            continue
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(KUBERNETES)), document


RESOURCES = dict(resources(KUBERNETES))
WORKLOADS = [r for r in RESOURCES.values() if r["kind"] in ("Deployment", "StatefulSet")]
CONTAINERS = [(w["metadata"]["name"], c) for w in WORKLOADS for c in w["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize("file", RESOURCES)
def test_every_resource_is_valid_and_has_no_key_that_is_unknown(file: str) -> None:
    kubernetes_validate.validate(RESOURCES[file], "1.34", strict=True)


def test_every_file_of_the_folder_is_applied() -> None:
    files = {str(f.relative_to(KUBERNETES)) for f in KUBERNETES.rglob("*.yaml")}
    others = {f for f in files if f.endswith("kustomization.yaml") or "/config/" in f}
    assert files - others == set(RESOURCES)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: str(w["metadata"]["name"]))
def test_a_pod_has_no_more_rights_than_it_needs(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert "livenessProbe" in container


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: str(w["metadata"]["name"]))
def test_every_selector_finds_its_pods(workload: dict[str, Any]) -> None:
    labels = workload["spec"]["template"]["metadata"]["labels"].items()
    component = workload["metadata"]["labels"]["app.kubernetes.io/component"]
    policies = [r for f, r in RESOURCES.items() if f.startswith(component) and r["kind"] != workload["kind"]]
    selectors = [workload["spec"]["selector"]["matchLabels"]]
    for spec in (policy.get("spec", {}) for policy in policies):
        found = spec.get("podSelector") or spec.get("selector")
        selectors += [found.get("matchLabels", found)] if found else []
    spreads = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
    selectors += [spread["labelSelector"]["matchLabels"] for spread in spreads]
    assert len(selectors) >= 3
    assert [s for s in selectors if not s.items() <= labels] == []


@pytest.mark.parametrize(("name", "container"), CONTAINERS)
def test_every_mount_has_its_volume_and_whatever_is_written_to_has_one(name: str, container: dict[str, Any]) -> None:
    workload = next(w for w in WORKLOADS if w["metadata"]["name"] == name)
    volumes = {v["name"] for v in workload["spec"]["template"]["spec"]["volumes"]}
    volumes |= {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == volumes
    assert {"/tmp", "/var/lib/sixfb"} <= set(mounts.values())
    secret_files = [e["value"] for e in container["env"] if e["name"].endswith("_FILE")]
    assert secret_files
    assert [f for f in secret_files if not f.startswith(mounts["secrets"] + "/")] == []


@pytest.mark.parametrize("folder", RUNNERS, ids=lambda f: str(f.name))
def test_a_location_s_folder_puts_its_name_where_the_runner_reads_it(folder: Path) -> None:
    told = kustomization(folder)
    (base,) = told["resources"]
    runner = next(r for f, r in resources(folder) if r["kind"] == "StatefulSet")
    assert (folder / base).resolve() == KUBERNETES / "runner"
    operations = yaml.safe_load(told["patches"][0]["patch"])
    replaced = {}
    for operation in operations:
        at: Any = runner
        *parents, last = operation["path"].strip("/").split("/")
        for part in parents:
            at = at[int(part) if part.isdigit() else part]
        assert last in at
        replaced[at.get("name", last)] = operation["value"]
        assert operation["op"] == "replace"
    assert replaced == {"SIXFB_LOCATION": folder.name, "secretName": f"sixfb-runner-{folder.name}"}
    assert told["nameSuffix"] == f"-{folder.name}"


def test_the_folders_are_the_locations_of_the_configuration() -> None:
    config = KUBERNETES / "hub" / "config"
    locations = validate(Locations, read_document(config / "locations.yaml"))
    assert [f.name for f in RUNNERS] == sorted(locations.locations)
    assert validate(Site, read_document(config / "site.yaml")).base_url.startswith("https://")


def test_two_hubs_at_least_and_one_of_them_always() -> None:
    hub = RESOURCES["hub/deployment.yaml"]
    budget = RESOURCES["hub/budget.yaml"]
    assert hub["spec"]["replicas"] >= 2
    assert budget["spec"]["minAvailable"] == 1
    (container,) = hub["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
