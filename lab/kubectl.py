"""Running kubectl."""

import subprocess
from pathlib import Path

import tools
from lab.errors import KubectlError

_SECONDS = 120.0


def run_kubectl(*arguments: str, kubeconfig: Path, cache: Path, stdin: str | None = None) -> str:
    """Run kubectl and return what it prints; `cache` is the folder for what it remembers about API servers.

    Raises
    ------
    KubectlError
        It failed or took too long; the message is what it wrote to stderr.
    tools.MissingToolError
        It is not installed.
    """
    command = [str(tools.locate("kubectl")), f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}", *arguments]
    shown = f"kubectl {' '.join(arguments)}"
    try:
        result = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise KubectlError(f"{shown}: not within {_SECONDS:g} s") from error
    if result.returncode != 0:
        raise KubectlError(f"{shown}: {result.stderr.strip()}")
    return result.stdout
