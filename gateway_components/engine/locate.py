"""Where the engine is: beside this Python, where set-up puts it, or else on PATH."""

import os
import pwd
import shutil
import sys
from pathlib import Path

from gateway_components.engine.errors import EngineMissingError

__all__ = ["PROVIDER", "PROVIDER_VERSION", "find_engine", "find_provider", "pulumi_home"]

PROVIDER = "pulumi-resource-kubernetes"
PROVIDER_VERSION = "4.25.0"


def find_engine() -> Path:
    """Return the path of the ``pulumi`` program.

    Raises
    ------
    EngineMissingError
        There is none.
    """
    beside = Path(sys.executable).parent / "pulumi"
    if beside.exists():
        return beside
    found = shutil.which("pulumi")
    if found is None:
        message = f"no pulumi program beside {sys.executable} or on PATH: run `make setup`, or install Pulumi"
        raise EngineMissingError(message)
    return Path(found)


def find_provider() -> Path:
    """Return the path of the Kubernetes provider: on PATH, where the engine would look first, or among its plugins.

    Raises
    ------
    EngineMissingError
        The provider of the wanted version is not installed.
    """
    found = shutil.which(PROVIDER)
    if found is not None:
        return Path(found)
    home = pulumi_home()
    installed = home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}" / PROVIDER
    if not installed.is_file():
        message = (
            f"the Kubernetes provider {PROVIDER_VERSION} is not installed below {home}: run `make setup`, or "
            f"`pulumi plugin install resource kubernetes {PROVIDER_VERSION}`"
        )
        raise EngineMissingError(message)
    return installed


def pulumi_home() -> Path:
    """Return the engine's own folder; it asks the user database for it, where other programs ask HOME."""
    if chosen := os.environ.get("PULUMI_HOME"):
        return Path(chosen)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi"
    except KeyError:
        return Path.home() / ".pulumi"
