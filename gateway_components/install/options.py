"""The options of an installation."""

from dataclasses import KW_ONLY
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from gateway_components.daemon.settings import ImageName, NamespaceName, Upstream
from gateway_components.plan.snapshot import IMAGE as GATEWAY_IMAGE
from gateway_components.plan.snapshot import Policy

Manifest = dict[str, Any]
"""An object in JSON types."""

NAME = "litellm-gateways"
"""Name of all objects of an installation without a name of their own."""

NAMESPACE = "litellm-gateways-system"
IMAGE = "litellm-gateways:0.1.0"
"""Built from the Dockerfile; has no registry, so an overlay or `Installation` names where it was pushed to."""


@dataclass(
    frozen=True,
    config=ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", strict=True
    ),
)
class Installation:
    """One installation; in the configuration of a stack the names are in camel case.

    Attributes
    ----------
    namespace
        Namespace of the daemon, made with it.
    image
        Image of the daemon, with its tag or digest.
    replicas
        Number of daemons: one leads, the others stand by.
    namespaces
        The namespaces to watch, which must exist; empty for all.
    default_class
        Whether to claim gateways without a class: only if nothing else in the cluster runs gateways.
    cross_namespace, allowed_upstreams, gateway_image
        As in `Policy`.
    crds
        Whether to include the CRDs; not if another operator installed them.
    metrics_auth
        Whether metrics require a bearer token that may get ``/metrics``.
    admission_policy
        Whether an admission policy restricts the writes of the daemon's account; requires Kubernetes 1.30.
    """

    namespace: NamespaceName = NAMESPACE
    image: str = IMAGE
    replicas: Annotated[int, Field(ge=0)] = 2
    namespaces: tuple[NamespaceName, ...] = ()
    _: KW_ONLY
    default_class: bool = False
    cross_namespace: bool = True
    allowed_upstreams: tuple[Upstream, ...] = ()
    gateway_image: ImageName = GATEWAY_IMAGE
    crds: bool = True
    metrics_auth: bool = False
    admission_policy: bool = True

    @property
    def policy(self) -> Policy:
        """What holds for the objects of all namespaces."""
        return Policy(self.cross_namespace, self.allowed_upstreams, self.gateway_image)


def selector() -> dict[str, str]:
    """Return the selector labels of the daemon's pods, which never change."""
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "daemon"}


def labels() -> dict[str, str]:
    """Return the labels of all objects of an installation."""
    return {**selector(), "app.kubernetes.io/part-of": NAME}


def manifest(
    kind: str, namespace: str | None = None, name: str = NAME, *, api: str = "v1", **parts: Any
) -> Manifest:
    """Return an object of an installation, with its labels; it is of the cluster where it has no namespace."""
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **place, "labels": labels()}, **parts}
