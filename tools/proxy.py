"""The virtual environment with the real LiteLLM proxy, which cannot share the project's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, content_key, locked
from tools.errors import ToolsError
from tools.location import MODULES, link
from tools.progress import run_with_progress, say

LINK_NAME = "litellm-proxy"
_REQUIREMENTS = MODULES / "litellm" / "requirements.txt"
_CONSTRAINTS = MODULES / "litellm" / "constraints.txt"
_COMPLETE = "complete"


def set_up_proxy() -> None:
    """Install LiteLLM into an environment in the cache folder, and link its command as `litellm-proxy`.

    Raises ToolsError: it cannot be installed.
    """
    root = cache_root()
    recipe = f"{sys.implementation.cache_tag} {sys.platform}"
    folder = root / f"litellm-{content_key(recipe, [_REQUIREMENTS, _CONSTRAINTS])}"

    def waiting() -> None:
        say("      … another run is installing LiteLLM; waiting for that")

    # An environment works only where it was created; so it is marked when complete instead of being moved.
    if not (folder / _COMPLETE).exists():
        with locked(root / "litellm.lock", waiting):
            if not (folder / _COMPLETE).exists():
                _install(folder)
                (folder / _COMPLETE).touch()
    say(f"LiteLLM's proxy: {folder}")
    link(LINK_NAME, folder / "bin" / "litellm")


def _install(folder: Path) -> None:
    say("Installing LiteLLM's proxy into an environment of its own (about 1 min; once per machine) …")
    shutil.rmtree(folder, ignore_errors=True)
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    python = folder / "bin" / "python"
    # The file names all packages, each with its hashes.
    packages = ["--no-deps", "--require-hashes", "-r", str(_CONSTRAINTS)]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--no-input", *packages],
    ):
        run_with_progress(
            command,
            cwd=MODULES,
            environment=environment,
            describe=lambda lines: f"lines printed by pip so far: {lines}",
        )
    binary = folder / "bin" / "litellm"
    result = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ToolsError(f"`{binary} --version` failed:\n{(result.stderr or result.stdout).strip()}")
