"""The classes by which gateways are claimed."""

from gateway_components.crds.meta import API_VERSION
from gateway_components.install.options import Installation, Manifest
from gateway_components.plan.kinds import GATEWAY_KINDS

__all__ = ["CLASS", "classes"]

CLASS = "litellm"
"""Name of both classes (operator reference, "Controller names")."""


def classes(installation: Installation) -> list[Manifest]:
    """Return the class of each kind of gateway; marked as the default where the installation says so."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": kind.class_kind,
            "metadata": {
                "name": CLASS,
                **(
                    {"annotations": {kind.default_class_annotation: "true"}}
                    if installation.default_class
                    else {}
                ),
            },
            "spec": {"controller": kind.controller},
        }
        for kind in GATEWAY_KINDS.values()
    ]
