"""Fixtures that give tests a control plane."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane

_DEPLOY = Path(__file__).parent.parent / "deploy"


@pytest.fixture(scope="session")
def lab() -> Iterator[ControlPlane]:
    """Return a control plane with the project's CRDs and classes and one node, shared by all tests of a worker.

    It has a user `nobody` without rights and a user `alice` in the group `team`.
    """
    users = {"nobody": [], "alice": ["team"]}
    with ControlPlane.start(crds=[_DEPLOY / "crds"], users=users) as control_plane:
        control_plane.kubectl("apply", "-f", str(_DEPLOY / "classes"))
        yield control_plane


@pytest.fixture
def lab_namespace(lab: ControlPlane) -> Iterator[str]:
    """Return the name of a new namespace, emptied after the test without waiting until it is empty."""
    name = f"test-{secrets.token_hex(4)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    lab.api.create("/api/v1/namespaces", manifest)
    yield name
    lab.empty(name)
