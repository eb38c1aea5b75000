"""Starts of daemons, which share their imports and what they ask once."""

import functools
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.preloaded import Preloaded, PreloadedProcess

_OF_A_TEST = frozenset({"KUBECONFIG", "PYTEST_CURRENT_TEST"})
_environment: dict[str, str] = {}
_ASK_THE_ENGINE_ONCE = """
from functools import cache
from gateway_components.engine import process, programs
process._version = cache(process._version)
process._version(programs.find_engine())
"""
"""Its version, which takes more processor time than the rest of a start."""


def start_program(
    command: Sequence[str], env: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes] | PreloadedProcess:
    """Start a program, with shared imports where it is ``gatewayctl`` or a module and they serve it."""
    imports = shared_imports()
    if imports.serves(imports.changed(env)):
        match command:
            case [path, *arguments] if Path(path).name == "gatewayctl":
                return imports.start(path, arguments, env, Path.cwd(), log)
            case [sys.executable, "-m", module, *arguments]:
                return imports.start(module, arguments, env, Path.cwd(), log)
    with log.open("ab") as opened:
        return subprocess.Popen(command, env=env, stderr=opened, stdin=subprocess.DEVNULL)


@functools.lru_cache(maxsize=1)
def shared_imports() -> Preloaded:
    """Return the process of this worker that has imported the daemon: its imports take most of its start."""
    module = "gateway_components.cli.daemon"
    return Preloaded(Path(sys.executable), [module], _environment, _ASK_THE_ENGINE_ONCE)


def imports_for(env: Mapping[str, str]) -> Preloaded:
    """Return the shared imports, for a program that runs in another environment than they have seen.

    Raises AssertionError: they have read a variable that differs, so a start of its own would find something else.
    """
    imports = shared_imports()
    assert imports.serves(imports.changed(env))
    return imports


def note_environment() -> None:
    """Take the environment of the run for that of the imports, whichever test then asks for them first."""
    _environment.update({name: value for name, value in os.environ.items() if name not in _OF_A_TEST})
