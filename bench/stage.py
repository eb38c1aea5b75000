"""A control plane with a daemon on it, and everything that looks at both."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.client import Client
from bench.usage import wait_until_watching
from bench.watch import Watch
from demo.daemon import DaemonProcess
from demo.samples import CLASSES, CRDS, PROJECT
from gateway_components.kube.resources import AI_GATEWAYS, CONFIG_MAPS, CUSTOM_RESOURCES, DEPLOYMENTS
from lab import ControlPlane

_NODES = 8
"""Each has room for 500 pods; crowds and what their rollouts replace stay until the end."""


class Watches:
    """Watches of everything that is waited for, from now on until the end of a `with` block."""

    def __init__(self, lab: ControlPlane, stack: ExitStack) -> None:
        self.gateways, self.routes, self.config_maps, self.deployments = self._all = [
            stack.enter_context(Watch(lab, resource.collection()))
            for resource in (AI_GATEWAYS, CUSTOM_RESOURCES["ToolRoute"], CONFIG_MAPS, DEPLOYMENTS)
        ]

    def forget(self) -> None:
        """Drop what was seen so far."""
        for watch in self._all:
            watch.forget()


class Stage:
    """What a measure works on; use `open_stage`.

    It has a control plane and a folder that goes with it, the daemon that runs now or ran last, and the client and
    watches of an administrator.
    """

    def __init__(self, lab: ControlPlane, stack: ExitStack, members: Path | None) -> None:
        self.lab = lab
        # Below the lab's folder, which goes even when this process is killed.
        self.folder = lab.folder / "bench"
        self.folder.mkdir(mode=0o700)
        stack.enter_context(_temporary_folder(self.folder / "temporary"))
        self.daemon = DaemonProcess(lab.kubeconfig, self.folder)
        if members:
            members.write_text(str(self.daemon.pid))
        self._starts = 1
        stack.callback(self.stop_daemon)
        wait_until_watching(self.daemon)
        self.client = stack.enter_context(Client(lab))
        self.watches = Watches(lab, stack)

    def stop_daemon(self) -> None:
        """Stop the daemon in order; may be called again."""
        self.daemon.stop()

    def start_daemon(self) -> None:
        """Start the daemon again where the last one left off; return at once."""
        self._starts += 1
        self.daemon = DaemonProcess(self.lab.kubeconfig, self.folder, tied=False)

    def wait_until_watching(self) -> None:
        """Wait until the daemon that was started last has its cache of the cluster."""
        wait_until_watching(self.daemon, self._starts)


@contextmanager
def open_stage(*, workloads: bool, members: Path | None = None) -> Iterator[Stage]:
    """Start a control plane and a daemon, and end both at the end of a `with` block.

    Without `workloads`, Deployments get no pods: a crowd of gateways costs the control plane its own objects alone, and
    no gateway becomes ready. `members` is the file of a cgroup that takes the daemon in (`bench.parts`).
    """
    with ExitStack() as stack:
        lab = stack.enter_context(ControlPlane.start(crds=[PROJECT / CRDS], nodes=_NODES))
        lab.kubectl("apply", "-f", str(PROJECT / CLASSES))
        if not workloads:
            lab.stop_workloads()
        yield Stage(lab, stack, members)


@contextmanager
def _temporary_folder(folder: Path) -> Iterator[None]:
    """Have everything that this process runs put its temporary files into `folder`."""
    folder.mkdir()
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = None
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
