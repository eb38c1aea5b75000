"""`python -m bench`: measure the daemon on a lab of its own; there is no pass or fail."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

import tools
from bench.bare import BareEngine, NaiveEngine
from bench.client import Client
from bench.edits import Watches, measure_edits
from bench.machine import machine_facts
from bench.many import measure_many
from bench.report import Results, as_json, print_results
from bench.restart import measure_restart
from bench.usage import measure_idle, resident_mib, wait_until_calm, wait_until_watching
from bench.watch import Watch
from demo.daemon import DaemonProcess
from demo.samples import CLASSES, CRDS, PROJECT
from gateway_components.engine.state import StateFolder
from gateway_components.kube.resources import AI_GATEWAYS, CONFIG_MAPS, DEPLOYMENTS
from lab import ControlPlane, LabError
from lab.signals import Signalled, ignore_signals, raise_signals
from tools.location import VENV_BIN

_NAIVE_RUNS = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when something could not be measured."""
    options = _parse(arguments)
    raise_signals()
    # The Automation API as it comes looks for the engine there.
    os.environ["PATH"] = f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}"
    try:
        results = _measure(options)
    except Signalled as signalled:
        return 128 + signalled.number
    except (LabError, TimeoutError, tools.MissingToolError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print_results(Console(highlight=False), results)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(as_json(results), indent=2) + "\n")
    print(f"\nAs JSON; {options.json} has every sample too:")
    print(json.dumps(as_json(results, samples=False), indent=2))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--edits", type=int, default=20, help="number of edits (default: 20)")
    parser.add_argument("--gateways", type=int, default=50, help="created at once (default: 50)")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of idleness (default: 20)")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    options = parser.parse_args(arguments)
    if options.edits < 1 or options.gateways < 1:
        parser.error("--edits and --gateways must be at least 1")
    return options


def _measure(options: argparse.Namespace) -> Results:
    began = time.monotonic()
    with ExitStack() as stack:
        _say("starting a control plane …")
        lab = stack.enter_context(ControlPlane.start(crds=[PROJECT / CRDS]))
        lab.kubectl("apply", "-f", str(PROJECT / CLASSES))
        # Below the lab's folder, which goes even when this process is killed.
        folder = lab.folder / "bench"
        folder.mkdir(mode=0o700)
        stack.enter_context(_temporary_folder(folder / "temporary"))
        daemon = stack.enter_context(DaemonProcess(lab.kubeconfig, folder))
        wait_until_watching(daemon)
        resident = {"after the start": resident_mib(daemon)}
        client = stack.enter_context(Client(lab))
        machine = machine_facts(client)
        resources = (AI_GATEWAYS, CONFIG_MAPS, DEPLOYMENTS)
        watches = Watches(*(stack.enter_context(Watch(lab, resource.collection())) for resource in resources))
        state = stack.enter_context(StateFolder(folder / "bare"))
        engines = BareEngine(state, lab.kubeconfig), NaiveEngine(folder / "naive", lab.kubeconfig)
        stack.callback(ignore_signals)
        edits = measure_edits(client, watches, engines, (options.edits, _NAIVE_RUNS), _say)
        resident["after the edits"] = resident_mib(daemon)
        _say(f"creating {options.gateways} gateways at once …")
        many = measure_many(client, watches, daemon, options.gateways)
        wait_until_calm(daemon)
        resident[f"with {options.gateways} gateways"] = resident_mib(daemon)
        _say(f"watching the idle daemon for {options.idle:g} s …")
        idle = measure_idle(daemon, options.idle)
        _say("restarting the daemon …")
        restart = measure_restart(daemon, lab.kubeconfig, folder)
    return Results(machine, edits, many, idle, restart, resident, round(time.monotonic() - began, 1))


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


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
