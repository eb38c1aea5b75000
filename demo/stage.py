"""Sets the stage: a control plane, the sample objects and the daemon; and looks how they are."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.daemon import DaemonProcess
from demo.errors import DemoError
from demo.samples import CLASSES, CRDS, GATEWAYS, PROJECT
from gateway_components.cli.report import GatewayRow, RouteRow, StatusReport, status_report
from gateway_components.graph.verdicts import inventory_of_raw
from gateway_components.kube.resources import CUSTOM_RESOURCES
from lab import ControlPlane
from lab.api import Api
from lab.signals import ignore_signals


@dataclass(frozen=True)
class Stage:
    """Everything that runs during the demo."""

    console: Console
    lab: ControlPlane
    daemon: DaemonProcess
    started: float

    def report(self) -> StatusReport:
        """Return how the gateways and routes of the cluster are doing.

        Raises DemoError: the daemon has ended, or the API server gives no answer. LabError: a part of the control plane
        has ended, or the API server refuses.
        """
        self.lab.check()
        code = self.daemon.exit_code()
        if code is not None:
            raise DemoError(f"the daemon ended with code {code}. {self.log_end()}")
        try:
            return read_report(self.lab.api)
        except (OSError, http.client.HTTPException) as error:
            raise DemoError(f"the API server gives no answer: {error}") from error

    def gatewayctl(self, *arguments: str) -> str:
        """Run ``gatewayctl`` on the cluster, as a user would, and return what it prints.

        Raises DemoError: it did not work.
        """
        program = Path(sys.executable).parent / "gatewayctl"
        done = subprocess.run(
            [str(program), *arguments],
            env={**os.environ, "KUBECONFIG": str(self.lab.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemoError(f"gatewayctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def seconds(self) -> float:
        """Return how long the daemon has been running."""
        return time.monotonic() - self.started

    def log_end(self) -> str:
        """Return the end of the daemon's log, introduced."""
        return f"The end of its log:\n{self.daemon.log_end()}"


@contextmanager
def set_up(console: Console) -> Iterator[Stage]:
    """Start everything, saying so; stop it at the end, the daemon first.

    Raises LabError: the control plane did not start, or refused the sample objects.
    """
    console.print(f"Starting a control plane on this machine, with the CRDs of [b]{CRDS}[/b] …")
    began = time.monotonic()
    with _farewell(console), ControlPlane.start(crds=[PROJECT / CRDS]) as lab:
        console.print(f"  ready after {time.monotonic() - began:.1f} s\n", style="dim")
        console.print(f"Applying the classes of [b]{CLASSES}[/b] …")
        lab.kubectl("apply", "-f", str(PROJECT / CLASSES))
        lab.kubectl("apply", "-f", str(PROJECT / GATEWAYS))
        found = read_report(lab.api)
        counts = f"{len(found.gateways)} gateways and {len(found.routes)} routes"
        console.print(f"Applying {counts} of [b]{GATEWAYS}[/b], three of them with a fault …\n")
        console.print("Starting the daemon …")
        # Below the lab's folder, which goes even when this process is killed.
        folder = lab.folder / "demo"
        folder.mkdir(mode=0o700)
        with DaemonProcess(lab.kubeconfig, folder) as daemon:
            try:
                console.print(f"  it writes its log to {daemon.log}\n", style="dim", soft_wrap=True)
                yield Stage(console, lab, daemon, time.monotonic())
            finally:
                ignore_signals()
                console.print("\nStopping the daemon, then the control plane …")


@contextmanager
def _farewell(console: Console) -> Iterator[None]:
    try:
        yield
    finally:
        ignore_signals()
        console.print("Everything that was started is stopped and removed.", style="dim")


ShownRow = GatewayRow | RouteRow

_KINDS = ("AiGateway", "ToolGateway", "ToolRoute")
"""The kinds that have a status; looking at the others several times a second would cost more than it shows."""


def read_report(api: Api) -> StatusReport:
    """Return the gateways and routes of the cluster."""
    report = status_report(inventory_of_raw(_objects(api), dict.fromkeys(_KINDS)))
    return replace(report, guards=())


def is_reported(row: ShownRow) -> bool:
    """Tell whether the daemon has come to it."""
    return row.reason != "NotReported"


def short_name(row: ShownRow) -> str:
    """Return its name, after its namespace if that is not the default one."""
    return row.name if row.namespace == "default" else f"{row.namespace}/{row.name}"


def _objects(api: Api) -> Iterator[dict[str, Any]]:
    for kind in _KINDS:
        listed = api.get(CUSTOM_RESOURCES[kind].collection()) or {}
        yield from ({**item, "kind": kind} for item in listed.get("items", ()))
