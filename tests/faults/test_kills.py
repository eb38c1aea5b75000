"""Killed at any moment, the daemon loses nothing, leaves nothing and ends up right."""

import contextlib
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab import ControlPlane, wait_until
from lab.ports import free_port
from tests.daemon.harness import Daemon, Namespace, alone
from tests.daemon.manifests import gateway
from tests.faults.churn import Churn
from tests.faults.crashes import MOMENTS, SECONDS, Lives
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import no_answer, writes_of
from tests.faults.truth import assert_true

KILLS = 50
CHAINS = 3
"""In which the moments are divided among the workers."""


@pytest.fixture(scope="module")
def lives(idle_lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    with contextlib.closing(Lives(idle_lab, tmp_path_factory.mktemp("lives"))) as found:
        yield found


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, marks=pytest.mark.xdist_group(f"kills-{number * CHAINS // len(MOMENTS)}"))
        for number, moment in enumerate(MOMENTS)
    ],
)
def test_killed(moment: str, lives: Lives) -> None:
    lives.kill(moment)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_killed_at_random_under_a_churn_of_edits(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    chance = random.Random(11)
    folder = tmp_path / "0"
    with Churn(place, seed=7):
        for kill in range(KILLS):
            # A number of lines is a moment anywhere in a reconcile, and not the same one twice.
            with Daemon(idle_lab, folder, *alone(place)) as daemon:
                lines = len(daemon.log()) + chance.randrange(1, 20)
                wait_until(lambda d=daemon, n=lines: len(d.log()) >= n, timeout=SECONDS, what="log lines")  # type: ignore[misc]
                daemon.stop(signal.SIGKILL)
            if chance.random() < 0.2:
                folder = tmp_path / str(kill + 1)
    with Daemon(idle_lab, folder, *alone(place)) as daemon:
        assert_true(idle_lab, [place.name], seconds=SECONDS)
        assert not daemon.events("internal error")


def held_engine(api: FaultyApi, daemon: Daemon, place: Namespace, name: str) -> list[psutil.Process]:
    """Create a gateway, and return the engine of its run and its plugins while the API server leaves it waiting."""
    with api.fault(no_answer, writes_of(name)):
        place.apply(gateway(name))
        wait_until(lambda: api.writes(name), timeout=SECONDS, what="the engine writes")
        (engine,) = [
            child
            for child in psutil.Process(daemon.process.pid).children(recursive=True)
            if child.name() == "pulumi"
        ]
        return [engine, *engine.children(recursive=True)]


def test_a_dead_or_hanging_engine_is_replaced_with_children(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    with (
        FaultyApi(idle_lab, free_port()) as api,
        Daemon(
            idle_lab, tmp_path, *alone(place), "--engine-seconds", "10", kubeconfig=api.kubeconfig
        ) as daemon,
    ):
        for number, fault in enumerate((signal.SIGKILL, signal.SIGSTOP)):
            name = f"gateway-{number}"
            engine, *plugins = family = held_engine(api, daemon, place, name)
            assert plugins
            engine.send_signal(fault)
            gone, alive = psutil.wait_procs(family, timeout=SECONDS)
            assert not alive, "its plugins are gone, too"
            assert len(gone) >= 2
            place.wait_ready(name)
            assert_true(idle_lab, [place.name], seconds=SECONDS)
        said = daemon.events("AiGatewayConfigured", reason="WorkloadFailed")
        assert any("did not finish within" in line["message"] for line in said)
        assert not daemon.events("internal error")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_engine_and_provider_end_with_a_killed_daemon(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    with (
        FaultyApi(idle_lab, free_port()) as api,
        Daemon(idle_lab, tmp_path, *alone(place), kubeconfig=api.kubeconfig) as daemon,
    ):
        engine, *plugins = family = held_engine(api, daemon, place, "chat")
        assert plugins
        # Frozen, so that it does not end by itself.
        engine.suspend()
        daemon.stop(signal.SIGKILL)
    try:
        # By the lock in there, another daemon would find and end them.
        shutil.rmtree(daemon.state)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
