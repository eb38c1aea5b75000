"""Registering the Kubernetes provider with Pulumi."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gateway_components.engine.programs import PROVIDER_VERSION, pulumi_home
from tools.errors import ToolsError
from tools.location import VENV_BIN
from tools.parts import PROVIDER


def registered_provider() -> Path | None:
    """Return the folder where Pulumi has the provider, or None if it does not have it."""
    folder = pulumi_home() / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}"
    # While Pulumi installs a plugin, and after an interruption, a file marks it as incomplete.
    partial = folder.with_name(f"{folder.name}.partial")
    return folder if os.access(folder / PROVIDER.name, os.X_OK) and not partial.exists() else None


def register_provider(binary: Path) -> None:
    """Have Pulumi copy the provider into its folder of plugins.

    Raises ToolsError: pulumi refused.
    """
    command = [str(VENV_BIN / "pulumi"), "plugin", "install", "resource", "kubernetes", PROVIDER_VERSION]
    result = subprocess.run(
        [*command, "--reinstall", "--file", str(binary)],
        env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ToolsError(f"`{' '.join(command)}` failed:\n{(result.stderr or result.stdout).strip()}")
    if registered_provider() is None:
        raise ToolsError(
            f"`{' '.join(command)}` said nothing, but below {pulumi_home()} there is no such plugin."
        )
