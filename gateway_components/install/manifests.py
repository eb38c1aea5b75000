"""Everything that an installation consists of, in the order in which it can be created."""

from gateway_components.crds.kinds import KINDS
from gateway_components.crds.manifest import crd
from gateway_components.install import daemon
from gateway_components.install.classes import classes
from gateway_components.install.options import Installation, Manifest
from gateway_components.install.rbac import rbac, service_account

__all__ = ["installation_manifests"]


def installation_manifests(installation: Installation) -> list[Manifest]:
    """Return all objects of an installation, the custom resource definitions first and the classes last."""
    return [
        *(crd(kind) for kind in KINDS.values()),
        daemon.namespace(installation),
        service_account(installation),
        *rbac(installation),
        daemon.settings(installation),
        daemon.service(installation),
        daemon.disruption_budget(installation),
        daemon.deployment(installation),
        *classes(installation),
    ]
