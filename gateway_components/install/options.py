"""What an installation of the daemon can be given."""

from dataclasses import dataclass
from typing import Any

__all__ = ["IMAGE", "NAME", "NAMESPACE", "Installation", "Manifest", "labels", "selector"]

Manifest = dict[str, Any]
"""An object as YAML has it."""

NAME = "litellm-gateways"
"""Name of all objects of an installation that need none of their own."""

NAMESPACE = "litellm-gateways-system"
IMAGE = "litellm-gateways:0.1.0"
"""Built from the Dockerfile; has no registry, so an overlay or `Installation` names where it was pushed to."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation.

    Attributes
    ----------
    namespace
        Namespace of the daemon, made with it.
    image
        Image of the daemon, with its tag or digest.
    replicas
        How many run: one acts, the others stand by.
    namespaces
        The namespaces that are looked after, which must exist; all where there are none.
    default_class
        Whether gateways that name no class are ours, too.
    """

    namespace: str = NAMESPACE
    image: str = IMAGE
    replicas: int = 2
    namespaces: tuple[str, ...] = ()
    default_class: bool = False


def selector() -> dict[str, str]:
    """Return the labels by which the daemon's pods are found; they never change."""
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "daemon"}


def labels() -> dict[str, str]:
    """Return the labels of all objects of an installation."""
    return {**selector(), "app.kubernetes.io/part-of": NAME}
