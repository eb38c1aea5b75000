"""Typed arguments of the components, accepting plain values and Outputs alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import EnvFromSourceArgs, EnvVarArgs

from gateway_components.components.errors import ArgsError
from gateway_components.crds.unknown import nearest
from gateway_components.errors import Problem

__all__ = ["AiGatewayArgs", "AiModelArgs", "MetadataArgs", "args_of"]


@dataclass(frozen=True, kw_only=True)
class AiModelArgs:
    """A model that a gateway serves.

    Attributes
    ----------
    name
        Name of the model, for its provider and for clients of the gateway (``gpt-4o``).
    provider
        LiteLLM's name of the provider (``openai``). Its key is ``OPENAI_API_KEY`` in Secret ``api-key-secrets``.
    """

    name: pulumi.Input[str]
    provider: pulumi.Input[str]


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
class AiGatewayArgs:
    """What an `AiGateway` is to serve; the fields of the custom resource of that name.

    Attributes
    ----------
    models
        The models, at least one.
    name
        Name of the gateway and of its Deployment and Service; the component's name where left out.
    namespace
        An existing namespace for every object.
    port
        Port of the container and the Service, 1 to 65535.
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
        values replace, None deletes. It ends up in a ConfigMap: a secret Output in it, as among the models, is
        refused. Write ``os.environ/NAME`` and give the variable by `env`.
    api_keys
        Content of the Secret ``api-key-secrets``, where this program creates it: pods restart when it changes.
        Nothing but a digest of it is stored.
    skip_await
        Whether the update goes on without waiting for the pods to be ready.
    """

    models: pulumi.Input[Sequence[pulumi.Input[AiModelArgs | Mapping[str, Any]]]]
    name: pulumi.Input[str] | None = None
    namespace: pulumi.Input[str] = "default"
    port: pulumi.Input[int] = 80
    env: pulumi.Input[Sequence[pulumi.Input[EnvVarArgs | Mapping[str, Any]]]] | None = None
    env_from: pulumi.Input[Sequence[pulumi.Input[EnvFromSourceArgs | Mapping[str, Any]]]] | None = None
    common_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    pod_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    config_patch: pulumi.Input[Mapping[str, Any]] | None = None
    api_keys: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    skip_await: bool = False


def args_of(component: str, args: AiGatewayArgs | Mapping[str, Any]) -> AiGatewayArgs:
    """Return `args` as the class they stand for.

    Raises
    ------
    ArgsError
        They are something else, lack the models or hold an argument that there is not.
    """
    if isinstance(args, AiGatewayArgs):
        return args
    if not isinstance(args, Mapping):
        message = f"the arguments are a {type(args).__name__}"
        raise ArgsError(component, Problem("", message, "give an AiGatewayArgs or a map"))
    known = {field.name: field for field in fields(AiGatewayArgs)}
    found = [
        Problem(str(name), "is no argument", _cure(str(name), known)) for name in args if name not in known
    ]
    if "models" not in args:
        found.append(Problem("models", "is required but missing", "name at least one"))
    if found:
        raise ArgsError(component, *found)
    return AiGatewayArgs(**args)


def _cure(name: str, known: Mapping[str, object]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
