"""One control plane, one faulty way to it, and one daemon that knows no other way, for most tests of this folder."""

import secrets
from collections.abc import Iterator

import pytest

from lab import ControlPlane
from lab.ports import free_port
from tests.daemon.conftest import DEPLOY
from tests.daemon.harness import Daemon, Namespace
from tests.faults.faulty_api import FaultyApi
from tests.faults.impatient import PROGRAM


@pytest.fixture(scope="package")
def ill_lab() -> Iterator[ControlPlane]:
    """Return a control plane whose parts may be stopped."""
    with ControlPlane.start(crds=[DEPLOY / "crds"]) as lab:
        lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
        yield lab


@pytest.fixture(scope="package")
def spare_lab() -> Iterator[ControlPlane]:
    """Return a control plane on which each test, or each module, has a daemon of its own."""
    with ControlPlane.start(crds=[DEPLOY / "crds"]) as lab:
        lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
        yield lab


@pytest.fixture
def place(spare_lab: ControlPlane) -> Iterator[Namespace]:
    """Return a fresh namespace of that control plane."""
    name = f"test-{secrets.token_hex(4)}"
    spare_lab.kubectl("create", "namespace", name)
    yield Namespace(spare_lab, name)
    spare_lab.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="package")
def api(ill_lab: ControlPlane) -> Iterator[FaultyApi]:
    """Return the way to it that can be made worse."""
    with FaultyApi(ill_lab, free_port()) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def patient(
    ill_lab: ControlPlane, api: FaultyApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """Return the daemon that has to go that way; it must survive every test."""
    folder = tmp_path_factory.mktemp("patient")
    # One that has rivals would end itself in a long outage, and be started again.
    alone = "--no-leader-election"
    with Daemon(ill_lab, folder, alone, kubeconfig=api.kubeconfig, program=PROGRAM) as daemon:
        daemon.wait_for("watching")
        yield daemon


@pytest.fixture
def ward(ill_lab: ControlPlane, patient: Daemon) -> Iterator[Namespace]:
    """Return a fresh namespace which that daemon looks after; nothing may have gone wrong inside it afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    ill_lab.kubectl("create", "namespace", name)
    yield Namespace(ill_lab, name)
    assert patient.process.poll() is None, "the daemon lives"
    assert not patient.events("internal error")
    assert "Traceback" not in patient.text()
    ill_lab.kubectl("delete", "namespace", name, "--wait=false")
