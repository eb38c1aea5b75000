"""Runs of gatewayctl that share the imports of the daemons; `tests/cli/test_process.py` starts it as users do."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.daemon.harness import GATEWAYCTL
from tests.daemon.starts import imports_for


def gatewayctl(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    input: str = "",  # noqa: A002
) -> subprocess.CompletedProcess[str]:
    """Run ``gatewayctl ARGUMENTS`` and return how it ended.

    Parameters
    ----------
    arguments
        Words of the command.
    env
        Its whole environment; by default, that of this process.
    folder
        Where it runs; by default, where this process does.
    input
        What it reads from stdin.
    """
    variables = dict(os.environ if env is None else env)
    words = [str(argument) for argument in arguments]
    return imports_for(variables).run(str(GATEWAYCTL), words, variables, folder or Path.cwd(), input)
