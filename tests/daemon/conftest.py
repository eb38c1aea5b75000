"""One daemon on one control plane for most tests; a test that kills or cuts off something has its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import ControlPlane
from tests.daemon.harness import Daemon, Namespace

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="session")
def daemon(lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Return a running daemon, shared by all tests."""
    lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
    with Daemon(lab, tmp_path_factory.mktemp("daemon")) as running:
        running.wait_for("watching")
        yield running


@pytest.fixture
def namespace(lab: ControlPlane, lab_namespace: str, daemon: Daemon) -> Namespace:
    """Return a fresh namespace that the shared daemon watches."""
    return Namespace(lab, lab_namespace)


@pytest.fixture
def other(lab: ControlPlane, namespace: Namespace) -> Iterator[Namespace]:
    """Return a second namespace."""
    # The dashes let a route of one namespace and one of the other have the same key.
    name = f"{namespace.name}--other"
    lab.kubectl("create", "namespace", name)
    yield Namespace(lab, name)
    lab.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def own_lab() -> Iterator[ControlPlane]:
    """Return a control plane that the tests of one module may cut off and leave daemons dead on."""
    with ControlPlane.start(crds=[DEPLOY / "crds"]) as control_plane:
        control_plane.kubectl("apply", "-f", str(DEPLOY / "classes"))
        yield control_plane
