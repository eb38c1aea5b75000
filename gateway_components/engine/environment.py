"""The environment of an engine run: where its state and the cluster are, and what makes it cheap."""

import os
from pathlib import Path

from gateway_components.engine.backend import Backend

__all__ = ["engine_environment"]


def engine_environment(backend: Backend, kubeconfig: Path | None) -> dict[str, str]:
    """Return the variables of an engine run; `kubeconfig` is None inside a cluster."""
    environment = {
        "PULUMI_BACKEND_URL": backend.url,
        "PULUMI_CONFIG_PASSPHRASE": backend.passphrase,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The provider is the one in the engine's home, which ends with the engine.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # One write of the state at the end; a killed run leaves the old one, and adopting mends the rest.
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        # For that warning each run would look at the states of all namespaces.
        "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
        # What a plan wants wins over other writers of the same field.
        "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
        # The provider's own 50 requests a second would make a run of 200 gateways wait for longer than it works.
        "PULUMI_K8S_CLIENT_QPS": "500",
        "PULUMI_K8S_CLIENT_BURST": "1000",
    }
    if kubeconfig is not None:
        # The engine runs in another folder; several files are merged, as kubectl does.
        files = str(kubeconfig).split(os.pathsep)
        environment["KUBECONFIG"] = os.pathsep.join(str(Path(file).absolute()) for file in files)
    return environment
