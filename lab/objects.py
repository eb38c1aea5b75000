"""What the lab puts into a fresh control plane: simulated nodes and custom resource definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from lab.api import Manifest
from lab.errors import LabError


def simulated_node(name: str) -> Manifest:
    """Return a Node that kwok keeps Ready, with room for many pods."""
    room = {"cpu": "64", "memory": "256Gi", "pods": "500"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": "lab",
            },
        },
        "status": {"capacity": room, "allocatable": room},
    }


def read_crds(paths: Iterable[Path]) -> list[Manifest]:
    """Return the custom resource definitions in files and folders; paths that do not exist are left out.

    Raises LabError: a file holds something else, or is no YAML.
    """
    crds = []
    for file in _yaml_files(paths):
        try:
            documents = [document for document in yaml.safe_load_all(file.read_text()) if document]
        except yaml.YAMLError as error:
            raise LabError(f"{file}: {error}") from error
        for document in documents:
            if document.get("kind") != "CustomResourceDefinition":
                raise LabError(f"{file}: a CustomResourceDefinition is wanted, not {document.get('kind')!r}")
            crds.append(document)
    return crds


def _yaml_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.iterdir() if file.suffix in {".yaml", ".yml"})
        elif path.exists():
            yield path


def has_condition(manifest: Manifest | None, kind: str) -> bool:
    """Return whether an object exists and has a condition of a kind that is true."""
    conditions = ((manifest or {}).get("status") or {}).get("conditions") or []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)
