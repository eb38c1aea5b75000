"""The same installation as Pulumi resources, for the stack ``operator``."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Service, ServiceAccount
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from gateway_components.crds.syntax import namespace_fault
from gateway_components.install.manifests import installation_manifests
from gateway_components.install.options import IMAGE, NAMESPACE, Installation, Manifest

__all__ = ["install_daemon", "read_installation"]

_CLASSES: dict[str, Callable[..., pulumi.CustomResource]] = {
    found.__name__: found
    for found in (
        ClusterRole,
        ClusterRoleBinding,
        ConfigMap,
        CustomResourceDefinition,
        Deployment,
        Namespace,
        PodDisruptionBudget,
        Role,
        RoleBinding,
        Service,
        ServiceAccount,
    )
}

_KEPT = frozenset({"CustomResourceDefinition", "Namespace"})
"""What a destroy leaves behind: with the definitions all gateways would go; the namespace has the passphrase."""

_ADOPT = {"pulumi.com/patchForce": "true"}
"""Makes what an earlier installation left behind ours, whoever wrote it last."""

_UPPER = re.compile(r"(?<=[a-z])[A-Z]")


def _name(text: str) -> str:
    fault = namespace_fault(text)
    if fault:
        message = f"{fault.message} ({fault.cure})"
        raise ValueError(message)
    return text


_Name = Annotated[str, AfterValidator(_name)]


class _Options(BaseModel):
    """What the stack's configuration can say of an installation; see `Installation`."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    namespace: _Name = NAMESPACE
    image: str = IMAGE
    replicas: int = Field(default=2, ge=0)
    namespaces: list[_Name] = []
    default_class: bool = False


def install_daemon(config: Any, key: str) -> None:
    """Register an installation of the daemon; exports its namespace, image and the namespaces it looks after.

    Parameters
    ----------
    config
        What the stack's configuration says under `key`, in JSON types.
    key
        The full name of that key, for messages.

    Raises
    ------
    pulumi.RunError
        The configuration is at fault; the text has a line for each mistake.
    """
    installation = read_installation(config, key)
    provider = Provider(
        "kubernetes",
        enable_config_map_mutable=True,
        # Empty, or the SDK would hand over $KUBECONFIG, and the provider leave a copy of it in the temporary folder.
        kubeconfig="",
    )
    made: list[pulumi.Resource] = []
    daemons = []
    for manifest in installation_manifests(installation):
        # It comes last and goes first: a daemon must neither lack a right nor see its classes go, for then it would
        # release all gateways.
        if manifest["kind"] == "Deployment":
            daemons.append(manifest)
        else:
            made.append(_register(manifest, provider, _needed(manifest, made)))
    for manifest in daemons:
        _register(manifest, provider, made)
    pulumi.export("namespace", installation.namespace)
    pulumi.export("image", installation.image)
    pulumi.export("watches", list(installation.namespaces) or "all namespaces")


def read_installation(config: Any, key: str) -> Installation:
    """Return the installation that a configuration asks for; arguments and errors as for `install_daemon`."""
    try:
        options = _Options.model_validate(config)
    except ValidationError as error:
        faults = (".".join(map(str, (key, *fault["loc"]))) + f": {fault['msg']}" for fault in error.errors())
        raise pulumi.RunError("\n".join(["nothing was changed:", *faults])) from None
    return Installation(**{**options.model_dump(), "namespaces": tuple(options.namespaces)})


def _needed(manifest: Manifest, made: list[pulumi.Resource]) -> list[pulumi.Resource]:
    """Return what must exist before an object can: its kind, and its namespace."""
    if manifest["kind"] in _KEPT:
        return []
    return [resource for resource in made if isinstance(resource, (CustomResourceDefinition, Namespace))]


def _register(manifest: Manifest, provider: Provider, needed: list[pulumi.Resource]) -> pulumi.Resource:
    kept = manifest["kind"] in _KEPT
    options = pulumi.ResourceOptions(provider=provider, depends_on=needed, retain_on_delete=kept)
    metadata = manifest["metadata"]
    if kept:
        metadata = {**metadata, "annotations": {**metadata.get("annotations", {}), **_ADOPT}}
    rest = {
        _snake(name): part
        for name, part in manifest.items()
        if name not in {"apiVersion", "kind", "metadata"}
    }
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    known = _CLASSES.get(manifest["kind"])
    if known is None:
        return CustomResource(
            name,
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            metadata=metadata,
            opts=options,
            **rest,
        )
    return known(name, opts=options, metadata=metadata, **rest)


def _snake(name: str) -> str:
    return _UPPER.sub(lambda letter: f"_{letter[0].lower()}", name)
