"""Killed at any moment, the daemon loses nothing, leaves nothing and ends up right."""

import contextlib
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from lab import ControlPlane, wait_until
from lab.ports import free_port
from tests.daemon.harness import Daemon, Namespace, alone
from tests.daemon.manifests import gateway, tool_gateway, tool_route
from tests.faults.churn import Churn
from tests.faults.fatal import PROGRAM
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import no_answer, writes_of
from tests.faults.truth import assert_true

KILLS = 50
SECONDS = 120.0
SMALL_PARTS = {"PART_BYTES": "1500"}
PIECES = {"GROUP": "1"}
"""Each gateway has a Secret of its own."""

STORED = "gateway_components.kube.state_secrets:StateSecrets"
STACKS = "gateway_components.engine.stacks:Stacks"
STATES = "gateway_components.engine.states:States"
ENTRIES = "gateway_components.engine.entries:StateEntries"
ENGINE = "gateway_components.engine.diagnostics:Diagnostics.on_event"
ENGINE_ENDS = "gateway_components.engine.process:EngineCommand.execute"
STATUS = "gateway_components.daemon.reconcile.report:write_status"
RECORDER = "gateway_components.daemon.reconcile.events:EventRecorder"
REPORTER = "gateway_components.daemon.reconcile.report:Reporter"


def create(place: Namespace) -> None:
    place.apply(gateway("chat"), tool_gateway("tools"), tool_route("route", "tools"))


def edit(place: Namespace) -> None:
    place.apply(gateway("chat", "edited"), tool_gateway("more"), tool_route("route", "more"))


def edit_one(place: Namespace) -> None:
    place.apply(gateway("chat", "edited"))


def drift(place: Namespace) -> None:
    port = '[{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]'
    place.kubectl("patch", "service", "chat", "--type=json", "-p", port)


def leave(place: Namespace) -> None:
    place.patch("AiGateway", "chat", {"spec": {"aiGatewayClassName": "another"}})


def delete_all(place: Namespace) -> None:
    place.kubectl("delete", "aigateway,toolgateway,toolroute", "--all")


MOMENTS: Mapping[str, tuple[str, Callable[[Namespace], None], Mapping[str, str]]] = {
    "before the passphrase": ("gateway_components.daemon.state:install_passphrase:before:1", create, {}),
    "before the intent": (f"{STORED}.intend:before:1", create, {}),
    "after the intent": (f"{STORED}.intend:after:1", create, {}),
    "while the engine starts": (f"{ENGINE}:before:3", create, {}),
    "while the engine makes objects": (f"{ENGINE}:before:12", create, {}),
    "while the engine goes on": (f"{ENGINE}:before:16", create, {}),
    "between the run of a slice and its merge": (f"{ENGINE_ENDS}:after:1", edit, {}),
    "in the middle of a merge": (f"{ENTRIES}._remove:before:1", edit, {}),
    "between the run and the state": (f"{STACKS}.apply:after:1", create, {}),
    "between the run of an edit and the state": (f"{STACKS}.apply:after:1", edit, {}),
    "between the parts of a state": (f"{STORED}._create_part:after:1", create, SMALL_PARTS),
    "between the parts and the head": (f"{STORED}._write:before:2", create, SMALL_PARTS),
    "between the parts and the head of an edit": (f"{STORED}._write:before:2", edit, SMALL_PARTS),
    "between the head and the removal of old parts": (f"{STORED}._delete_part:before:1", edit, SMALL_PARTS),
    "between two of the old parts": (f"{STORED}._delete_part:after:1", edit, SMALL_PARTS),
    "between the piece of a gateway and the head": (f"{STORED}._create_part:after:1", edit_one, PIECES),
    "between the head and the piece of before": (f"{STORED}._delete_part:before:1", edit_one, PIECES),
    "after the piece of before": (f"{STORED}._delete_part:after:1", edit_one, PIECES),
    "between the state and the statuses": (f"{STORED}.save:after:1", create, {}),
    "between two statuses": (f"{STATUS}:after:1", create, {}),
    "between a status and its event": (f"{RECORDER}.condition:before:1", create, {}),
    "during a correction": (f"{STACKS}.apply:before:1", drift, {}),
    "between a correction and its event": (f"{RECORDER}.drift_corrected:before:1", drift, {}),
    "before a release": (f"{REPORTER}.released:before:1", leave, {}),
    "between a release and the state": (f"{REPORTER}.released:after:1", leave, {}),
    "between the release of the folder and of the state": (f"{STATES}.release:after:1", leave, {}),
    "before the state is removed": (f"{STATES}.forget:before:1", delete_all, {}),
    "between the folder and the state": (f"{STATES}.forget:after:1", delete_all, {}),
    "before the parts are removed": (f"{STORED}._remove_parts:before:1", delete_all, SMALL_PARTS),
    "between the parts and the removal of the head": (
        f"{STORED}._remove_parts:after:1",
        delete_all,
        SMALL_PARTS,
    ),
}


@pytest.mark.spread
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(moment: str, idle_lab: ControlPlane, place: Namespace, tmp_path: Path) -> None:
    fatal, act, options = MOMENTS[moment]
    scope = alone(place)
    armed = tmp_path / "armed"
    if act is create:
        armed.touch()
    with started(idle_lab, tmp_path, scope, {**options, "FATAL": fatal, "ARMED": str(armed)}) as daemon:
        if act is not create:
            create(place)
            place.wait_ready("chat")
            place.wait_route("route", "Reconciled")
            assert_true(idle_lab, [place.name], seconds=SECONDS)
            armed.touch()
        act(place)
        assert daemon.process.wait(SECONDS) == -signal.SIGKILL
    # Every other one goes on elsewhere, as a pod on another node.
    folder = tmp_path / "elsewhere" if list(MOMENTS).index(moment) % 2 else tmp_path
    with started(idle_lab, folder, scope, options) as daemon:
        assert_true(idle_lab, [place.name], seconds=SECONDS)
        assert not daemon.events("internal error")


def started(lab: ControlPlane, folder: Path, scope: tuple[str, ...], options: Mapping[str, str]) -> Daemon:
    os.environ.update(options)
    try:
        return Daemon(lab, folder, *scope, program=PROGRAM)
    finally:
        for name in options:
            del os.environ[name]


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
