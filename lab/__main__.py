"""`python -m lab`: run a control plane in the foreground, until Ctrl-C or the end of a command."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import tools
from lab.control_plane import ControlPlane
from lab.errors import LabError
from lab.signals import Signalled, raise_signals
from lab.supervisor import die_with_parent

DEFAULT_CRDS = Path(__file__).parent.parent / "deploy" / "crds"

_COMMAND_GRACE_SECONDS = 10.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code.

    It is the command's, 0 when Ctrl-C ends a lab without a command, 128 plus the number of another signal,
    or 1 when the lab cannot start.
    """
    options = _parse(arguments)
    raise_signals()
    try:
        return _run(options)
    except Signalled as signalled:
        return 0 if signalled.number == signal.SIGINT and not options.command else 128 + signalled.number
    except (LabError, tools.MissingToolError, FileExistsError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, help="write the kubeconfig here too; removed at the end")
    parser.add_argument(
        "--crds",
        type=Path,
        action="append",
        help="folder or file with CRDs to create; may be repeated (default: deploy/crds)",
    )
    parser.add_argument("--nodes", type=int, default=1, help="number of simulated nodes (default: 1)")
    parser.add_argument(
        "command", nargs="*", metavar="COMMAND", help="after --: run it with KUBECONFIG set, and end with it"
    )
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    with ControlPlane.start(crds=options.crds or [DEFAULT_CRDS], nodes=options.nodes) as lab:
        kubeconfig = lab.kubeconfig
        if options.kubeconfig:
            kubeconfig = options.kubeconfig.absolute()
            lab.copy_kubeconfig(kubeconfig)
        if options.command:
            return _run_command(options.command, kubeconfig)
        print(f"Control plane ready at {lab.url}. In another terminal:\n")
        print(f"    export KUBECONFIG={shlex.quote(str(kubeconfig))}\n")
        print("Ctrl-C stops it and removes everything.", flush=True)
        watch_for_end(lab)
    return 0


def watch_for_end(lab: ControlPlane) -> None:
    """Wait for a signal; look now and then whether all components still run.

    Raises LabError: a component has ended.
    """
    never = threading.Event()
    while not never.wait(1.0):
        lab.check()


def _run_command(command: list[str], kubeconfig: Path) -> int:
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    try:
        # This program has one thread, so preexec_fn is safe.
        process = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent)  # noqa: PLW1509
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from error
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(_COMMAND_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
