"""Finds the engine and its Kubernetes provider.

For the standard library alone: the image builds both before it has any package.
"""

import os
import pwd
import shutil
import sys
from pathlib import Path

from gateway_components.engine.errors import EngineMissingError

PROVIDER = "pulumi-resource-kubernetes"
PROVIDER_VERSION = "4.25.0"


def find_engine() -> Path:
    """Return the path of the ``pulumi`` program: beside this Python, where set-up installs it, or on PATH.

    An EngineMissingError where it is not installed.
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
    """Return the path of the Kubernetes provider: on PATH, where the engine looks first, or among its plugins.

    An EngineMissingError where it is not installed in the required version.
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
    """Return the engine's home, which it looks up in the user database and not in HOME."""
    if chosen := os.environ.get("PULUMI_HOME"):
        return Path(chosen)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi"
    except KeyError:
        return Path.home() / ".pulumi"
