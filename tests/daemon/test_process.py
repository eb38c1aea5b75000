"""The daemon as a process: how it starts, stops and dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_components.daemon.run import Exit
from lab.kubeconfig import write_kubeconfig
from tests.daemon.harness import GATEWAYCTL, Daemon, Namespace, alone, elected, running_engine
from tests.daemon.manifests import gateway
from tests.daemon.starts import start_program

HOME = "--install-namespace", "default"


def test_sigterm_lets_a_running_reconcile_finish(place: Namespace, tmp_path: Path) -> None:
    with Daemon(place.lab, tmp_path, *elected(place)) as daemon:
        daemon.wait_for("watching")
        place.apply(gateway("last-wish"))
        running_engine(daemon)

        code = daemon.stop()

        assert code == Exit.STOPPED
        assert daemon.events("engine ran", namespace=place.name)
        assert place.reason("last-wish") == "ConfigurationApplied", (
            "the status of the finished reconcile is written"
        )
    assert [line["event"] for line in daemon.log()[-2:]] == ["stopped", "lease released"]


def test_sigterm_cuts_a_run_short_when_its_time_is_up(place: Namespace, tmp_path: Path) -> None:
    with Daemon(place.lab, tmp_path, *alone(place), "--stop-seconds", "0") as daemon:
        daemon.wait_for("watching")
        place.apply(gateway("cut-off"))
        engine = running_engine(daemon)

        code = daemon.stop()

        assert code == Exit.INTERRUPTED
        assert not engine.is_running()
        assert daemon.events("interrupting the engine")[0]["namespaces"] == [place.name]
    with Daemon(place.lab, tmp_path, *alone(place)):
        place.wait_ready("cut-off")


def test_a_deleted_namespace_holds_up_neither_worker_nor_stop(place: Namespace, tmp_path: Path) -> None:
    doomed = Namespace(place.lab, f"{place.name}-doomed")
    with Daemon(place.lab, tmp_path, *alone(place, doomed), "--workers", "1") as daemon:
        daemon.wait_for("watching")
        place.lab.kubectl("create", "namespace", doomed.name)
        doomed.apply(gateway("doomed"))
        engine = running_engine(daemon)
        # As the provider does it, which tries for a minute to create what the API server refuses.
        engine.suspend()

        place.lab.kubectl("delete", "namespace", doomed.name, "--wait=false")
        line = daemon.wait_for("interrupting the engine")
        assert line["namespaces"] == [doomed.name]
        place.apply(gateway("next"))
        place.wait_ready("next")

        assert daemon.stop(seconds=10) == Exit.STOPPED
        assert not engine.is_running()
        runs = daemon.events("engine ran", namespace=doomed.name)
        assert not [run for run in runs if run["failed"]], "nothing is known, so nothing failed"
        assert not daemon.events("reconcile failed")


def test_a_daemon_that_cannot_reach_the_cluster_stops_at_once(
    breakable_place: Namespace, tmp_path: Path
) -> None:
    place = breakable_place
    place.lab.stop_api_server()
    try:
        with Daemon(place.lab, tmp_path, *elected(place)) as daemon:
            daemon.wait_for("cannot ask for the lease")
            assert daemon.stop(seconds=10) == Exit.STOPPED
        with Daemon(place.lab, tmp_path, *alone(place)) as daemon:
            daemon.wait_for("watch broken")
            assert daemon.stop(seconds=10) == Exit.STOPPED
    finally:
        place.lab.start_api_server()


@pytest.mark.parametrize("step", ["at once", "engine running", "engine done"])
@pytest.mark.soak
def test_what_a_killed_daemon_left_the_next_one_finishes(place: Namespace, tmp_path: Path, step: str) -> None:
    names = [f"survivor-{number}" for number in range(3)]
    daemon = Daemon(place.lab, tmp_path, *alone(place))
    with daemon:
        daemon.wait_for("watching")
        place.apply(*(gateway(name) for name in names))
        if step == "engine running":
            running_engine(daemon)
        if step == "engine done":
            daemon.wait_for("engine ran", namespace=place.name)
        daemon.stop(signal.SIGKILL)

    with Daemon(place.lab, tmp_path, *alone(place)):
        for name in names:
            place.wait_ready(name)
        deployments = [found["metadata"]["name"] for found in place.list("Deployment")]
        assert sorted(deployments) == names, "nothing is lost and nothing is there twice"


START_FAULTS = [
    ("no credentials", {"KUBECONFIG": "/nonexistent/kubeconfig"}, (), Exit.NO_CREDENTIALS, "no credentials"),
    ("no provider", {"PULUMI_HOME": "/nonexistent/pulumi"}, (), Exit.NO_ENGINE, "make setup"),
    ("bad option value", {}, ("--workers", "0"), Exit.BAD_SETTINGS, "--workers"),
    ("scratch folder unusable", {}, ("--scratch-folder", "/proc/state"), Exit.STATE_IN_USE, "/proc/state"),
]


@pytest.mark.parametrize(
    ("case", "env", "options", "code", "said"), START_FAULTS, ids=[c[0] for c in START_FAULTS]
)
def test_a_daemon_that_cannot_start_says_why_in_one_line(
    tmp_path: Path,
    case: str,
    env: dict[str, str],
    options: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    certificate = tmp_path / "ca.crt"
    certificate.write_text("")
    kubeconfig = write_kubeconfig(
        tmp_path / "kubeconfig", url="https://127.0.0.1:1", certificate=certificate, user="u", token="t"
    )
    log = tmp_path / "log"
    command = [str(GATEWAYCTL), "daemon", "--scratch-folder", str(tmp_path / "state"), *HOME, *options]
    process = start_program(command, {**os.environ, "KUBECONFIG": str(kubeconfig), **env}, log)

    try:
        ended, written = process.wait(60), log.read_text()
    finally:
        process.send_signal(signal.SIGKILL)
    assert (ended, "Traceback" in written) == (code, False), written
    assert said in written


def test_the_engine_is_found_without_path(place: Namespace, tmp_path: Path) -> None:
    bare = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "KUBECONFIG": str(place.lab.kubeconfig)}
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                sys.executable,
                GATEWAYCTL,
                "daemon",
                "--scratch-folder",
                tmp_path / "state",
                *HOME,
                *alone(place),
            ],
            env=bare,
            stderr=stream,
        )
    try:
        place.apply(gateway("pathless"))
        place.wait_ready("pathless")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(45) == Exit.STOPPED, log.read_text()
