"""One control plane, one faulty way to it, and one daemon that knows no other way, for most tests of this folder."""

from collections.abc import Iterator

import pytest

from lab import ControlPlane
from lab.ports import free_port
from tests.daemon.harness import Daemon, Namespace, fresh_namespace
from tests.faults.faulty_api import FaultyApi
from tests.faults.impatient import PROGRAM


@pytest.fixture(scope="package")
def api(breakable_lab: ControlPlane) -> Iterator[FaultyApi]:
    """Return the way to it that can be made worse."""
    with FaultyApi(breakable_lab, free_port()) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def patient(
    breakable_lab: ControlPlane, api: FaultyApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """Return the daemon that has to go that way; it must survive every test."""
    folder = tmp_path_factory.mktemp("patient")
    # One that has rivals would end itself in a long outage, and be started again.
    alone = "--no-leader-election"
    with Daemon(breakable_lab, folder, alone, kubeconfig=api.kubeconfig, program=PROGRAM) as daemon:
        daemon.wait_for("watching")
        yield daemon


@pytest.fixture
def ward(breakable_lab: ControlPlane, patient: Daemon) -> Iterator[Namespace]:
    """Return a fresh namespace which that daemon looks after; nothing may have gone wrong inside it afterwards."""
    with fresh_namespace(breakable_lab) as namespace:
        yield namespace
    assert patient.process.poll() is None, "the daemon lives"
    assert not patient.events("internal error")
    assert "Traceback" not in patient.text()
