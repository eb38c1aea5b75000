"""Typed arguments that both kinds of gateway have, accepting plain values and Outputs alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import EnvFromSourceArgs, EnvVarArgs

from gateway_components.components.guard_args import GuardArgs

__all__ = ["GatewayArgs", "MetadataArgs"]


@dataclass(frozen=True, kw_only=True)
class MetadataArgs:
    """Labels and annotations to add.

    Attributes
    ----------
    labels, annotations
        Keys and values; those the gateway sets by itself win.
    """

    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """How a gateway of either kind is to run; the fields that both custom resources share.

    Attributes
    ----------
    name
        Name of the gateway and of its Deployment and Service; the component's name where left out.
    namespace
        An existing namespace for every object.
    guardrails
        Guards that check what passes through: `PresidioGuardArgs`, `ModerationGuardArgs`, `BedrockGuardArgs`, or maps.
        They stand in a ConfigMap: a secret Output among them is refused. Their credentials are named, never given.
    env
        Environment variables: ``EnvVarArgs`` or maps with the keys ``name``, ``value`` and ``value_from``. They
        win over the API keys that the gateway sets by itself. Take secrets from a Secret by ``value_from``: a
        plain value can be read by everyone who may read Deployments. In the state a secret Output stays encrypted.
    env_from
        Secrets and ConfigMaps whose keys all become variables: ``EnvFromSourceArgs`` or maps.
    common_metadata
        Labels and annotations of Deployment, Service and pods.
    pod_metadata
        Labels and annotations of the pods alone; they win over `common_metadata`.
    config_patch
        Partial LiteLLM configuration, merged onto the generated one after RFC 7396: maps merge, lists and
        values replace, None deletes. It ends up in a ConfigMap: a secret Output in it is refused. Write
        ``os.environ/NAME`` and give the variable by `env`.
    api_keys
        Content of the Secret ``api-key-secrets``, where this program creates it: pods restart when it changes.
        Nothing but a digest of it is stored.
    skip_await
        Whether the update goes on without waiting for the pods to be ready.
    """

    name: pulumi.Input[str] | None = None
    namespace: pulumi.Input[str] = "default"
    guardrails: pulumi.Input[Sequence[pulumi.Input[GuardArgs | Mapping[str, Any]]]] | None = None
    env: pulumi.Input[Sequence[pulumi.Input[EnvVarArgs | Mapping[str, Any]]]] | None = None
    env_from: pulumi.Input[Sequence[pulumi.Input[EnvFromSourceArgs | Mapping[str, Any]]]] | None = None
    common_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    pod_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    config_patch: pulumi.Input[Mapping[str, Any]] | None = None
    api_keys: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    skip_await: bool = False
