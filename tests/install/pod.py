"""Runs the container of the daemon's Deployment as a process: with its arguments, its files and its account."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lab import ControlPlane, wait_until
from lab.ports import free_port
from tests.daemon.harness import GATEWAYCTL, SECONDS
from tests.daemon.starts import start_program

ENTRYPOINT = ("daemon",)
"""What the image's entrypoint adds to the program; `test_dockerfile` holds it to that."""


def container(lab: ControlPlane, namespace: str) -> dict[str, Any]:
    """Return the pod template's only container, as it is stored."""
    pod = _get(lab, namespace, "deployment", "litellm-gateways")["spec"]["template"]["spec"]
    (found,) = pod["containers"]
    return {**found, "volumes": pod["volumes"], "account": pod["serviceAccountName"]}


class Pod:
    """The daemon as its Deployment starts it, on the cluster of a lab on which it is installed in `namespace`.

    The folder, new for each pod, holds its log and its volumes.

    Attributes
    ----------
    volumes
        Folder with a folder for each volume, by its name.
    port
        Where health and metrics are.
    kubeconfig
        Credentials of the daemon's account.
    """

    def __init__(self, lab: ControlPlane, folder: Path, namespace: str, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "daemon.log"
        self.volumes = folder / "volumes"
        self.port = free_port()
        found = container(lab, namespace)
        self.lab = lab
        self.kubeconfig = lab.service_account_kubeconfig(namespace, found["account"])
        mounts = self._mounts(lab, namespace, found)
        command = self.command(found, mounts, namespace, options)
        self.process = start_program(command, self.environment(found, namespace), self._log)

    def command(
        self, found: Mapping[str, Any], mounts: Mapping[str, Path], _: str, options: tuple[str, ...]
    ) -> list[str]:
        """Return the command line, with the paths and the port of this machine."""
        arguments = []
        for argument in found["args"]:
            name, _, value = argument.partition("=")
            path = next((path for path in mounts if value.startswith(path)), "")
            place = (
                str(mounts[path]) + value.removeprefix(path)
                if path
                else value.replace("8080", str(self.port))
            )
            arguments.append(f"{name}={place}")
        return [str(GATEWAYCTL), *ENTRYPOINT, *arguments, *options]

    def environment(self, found: Mapping[str, Any], namespace: str) -> dict[str, str]:
        """Return the environment of the process."""
        return {
            **os.environ,
            **variables(found, namespace),
            "KUBECONFIG": str(self.kubeconfig),
            "TMPDIR": str(self.volumes / "tmp"),
        }

    def _mounts(self, lab: ControlPlane, namespace: str, found: Mapping[str, Any]) -> dict[str, Path]:
        sources = {volume["name"]: volume for volume in found["volumes"]}
        mounts = {}
        for mount in found["volumeMounts"]:
            place = self.volumes / mount["name"]
            place.mkdir(parents=True, exist_ok=True)
            mounts[mount["mountPath"]] = place
            if "configMap" in sources[mount["name"]]:
                name = sources[mount["name"]]["configMap"]["name"]
                for file, text in _get(lab, namespace, "configmap", name)["data"].items():
                    (place / file).write_text(text)
        return mounts

    def text(self) -> str:
        """Return everything it has written."""
        return self._log.read_text()

    def lines(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Return the logged lines of one event with the given fields."""
        logged = (json.loads(line) for line in self.text().splitlines() if line.startswith("{"))
        return [
            line
            for line in logged
            if line["event"] == event and all(line.get(key) == value for key, value in fields.items())
        ]

    def wait_for(self, event: str, **fields: Any) -> dict[str, Any]:
        """Wait until it has logged an event with the given fields."""

        def logged() -> list[dict[str, Any]]:
            assert self.process.poll() is None, f"it has ended: {self.text()[-3000:]}"
            return self.lines(event, **fields)

        return wait_until(logged, timeout=SECONDS, what=f"log line {event} {fields}")[-1]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(45)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self.process.poll() is None:
            self.stop()
        if error is not None:
            print(f"--- daemon log ---\n{self.text()[-6000:]}")  # noqa: T201


def variables(found: Mapping[str, Any], namespace: str) -> dict[str, str]:
    """Return the environment that a container asks for."""
    variables = {}
    for entry in found.get("env", ()):
        source = entry.get("valueFrom")
        if source:
            assert source == {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        variables[entry["name"]] = namespace if source else entry["value"]
    return variables


def _get(lab: ControlPlane, namespace: str, *what: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(lab.kubectl("-n", namespace, "get", "-o", "json", *what))
    return answer
