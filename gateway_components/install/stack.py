"""The same installation as Pulumi resources, for the stack ``operator``."""

import json
import re
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi_kubernetes import Provider
from pulumi_kubernetes.admissionregistration.v1 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apiextensions.v1 import CustomResourceDefinition
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Service, ServiceAccount
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from pydantic import TypeAdapter, ValidationError

from gateway_components.install.manifests import installation_manifests
from gateway_components.install.options import Installation, Manifest

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
        ValidatingAdmissionPolicy,
        ValidatingAdmissionPolicyBinding,
    )
}

_KEPT = frozenset({"CustomResourceDefinition", "Namespace"})
"""Retained by a destroy: all gateways would go with the CRDs, and the passphrase with the namespace."""

_ADOPT = {"pulumi.com/patchForce": "true"}
"""Adopts what an earlier installation retained, whoever wrote it last."""

_UPPER = re.compile(r"(?<=[a-z])[A-Z]")


def install_daemon(installation: Installation, provider: Provider) -> None:
    """Register an installation of the daemon; export its namespace, image and watched namespaces."""
    made: list[pulumi.Resource] = []
    daemons = []
    for manifest in installation_manifests(installation):
        # Created last and deleted first: without a right or a class, the daemon would fail or release all gateways.
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
    """Return the installation that a stack's configuration asks for under `key`, its full name.

    Raises pulumi.RunError: the configuration is at fault; the text has a line for each mistake.
    """
    try:
        # From JSON, where a strict tuple may be a list.
        return TypeAdapter(Installation).validate_json(json.dumps(config))
    except ValidationError as error:
        faults = (".".join(map(str, (key, *fault["loc"]))) + f": {fault['msg']}" for fault in error.errors())
        raise pulumi.RunError("\n".join(["nothing was changed:", *faults])) from None


def _needed(manifest: Manifest, made: list[pulumi.Resource]) -> list[pulumi.Resource]:
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
