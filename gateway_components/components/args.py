"""Typed arguments of the gateways, accepting plain values and Outputs alike.

Each class of guard accepts only the provider and the settings of its own service, so type checkers reject a wrong
combination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.core.v1 import (
    EnvFromSourceArgs,
    EnvVarArgs,
    LocalObjectReferenceArgs,
    SecretKeySelectorArgs,
)

from gateway_components.api.guardrails import GuardMode


@dataclass(frozen=True, kw_only=True)
class PresidioProviderArgs:
    """A Presidio service (GuardrailProvider of type ``presidio-api``).

    Attributes
    ----------
    base_url
        Base URL of the analyzer.
    anonymizer_url
        Base URL of the anonymizer; that of the analyzer by default. Presidio's own images are two services.
    """

    base_url: pulumi.Input[str]
    anonymizer_url: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class ModerationProviderArgs:
    """OpenAI's moderation API, or a compatible one (GuardrailProvider of type ``openai-moderation-api``).

    Attributes
    ----------
    base_url
        Base URL of the API; OpenAI's by default.
    api_key_secret_ref
        Secret in the gateway's namespace, and the key in it that holds the API key: ``SecretKeySelectorArgs`` or a
        map. By default ``OPENAI_API_KEY`` in Secret ``api-key-secrets``.
    """

    base_url: pulumi.Input[str] | None = None
    api_key_secret_ref: pulumi.Input[SecretKeySelectorArgs | Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class BedrockProviderArgs:
    """Amazon Bedrock in one region (GuardrailProvider of type ``bedrock-api``).

    Attributes
    ----------
    region
        AWS region, such as ``eu-central-1``.
    credentials_secret_ref
        Secret in the gateway's namespace with the keys ``aws-access-key-id`` and ``aws-secret-access-key``:
        ``LocalObjectReferenceArgs`` or a map. By default the pod's own AWS identity is used.
    """

    region: pulumi.Input[str]
    credentials_secret_ref: pulumi.Input[LocalObjectReferenceArgs | Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class GuardArgs:
    """What all guards have in common; use one of its subclasses.

    Attributes
    ----------
    name
        Name of the guard, unique within the gateway.
    mode
        When it runs: ``pre_call``, ``during_call``, ``post_call``; at least one. A `ToolGateway` ignores
        ``post_call`` with a warning.
    """

    name: pulumi.Input[str]
    mode: pulumi.Input[Sequence[pulumi.Input[GuardMode]]]


@dataclass(frozen=True, kw_only=True)
class PresidioGuardArgs(GuardArgs):
    """A guard that masks or blocks personal data with Presidio.

    Attributes
    ----------
    provider
        The service.
    language
        Language of the texts, such as ``en``.
    score_thresholds
        Minimum score, from 0 to 1, for each kind of entity; ``ALL`` stands for every kind.
    entity_actions
        Action for each kind of entity, such as ``CREDIT_CARD``: ``MASK`` or ``BLOCK``.
    """

    provider: pulumi.Input[PresidioProviderArgs | Mapping[str, Any]]
    language: pulumi.Input[str] | None = None
    score_thresholds: pulumi.Input[Mapping[str, pulumi.Input[float | str]]] | None = None
    entity_actions: pulumi.Input[Mapping[str, pulumi.Input[Literal["MASK", "BLOCK"]]]] | None = None


@dataclass(frozen=True, kw_only=True)
class ModerationGuardArgs(GuardArgs):
    """A guard that blocks what OpenAI's moderation API flags; for an `AiGateway` only, as LiteLLM applies it to chats.

    Attributes
    ----------
    provider
        The service.
    model
        Moderation model; LiteLLM's default if omitted.
    """

    provider: pulumi.Input[ModerationProviderArgs | Mapping[str, Any]]
    model: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class BedrockGuardArgs(GuardArgs):
    """A guard that applies a guardrail of Amazon Bedrock.

    Attributes
    ----------
    provider
        The service.
    guardrail_id
        Identifier of the Bedrock guardrail.
    guardrail_version
        Its version; ``DRAFT`` by default.
    """

    provider: pulumi.Input[BedrockProviderArgs | Mapping[str, Any]]
    guardrail_id: pulumi.Input[str]
    guardrail_version: pulumi.Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class MetadataArgs:
    """Labels and annotations to add.

    Attributes
    ----------
    labels, annotations
        Keys and values; those that the gateway sets itself take precedence.
    """

    labels: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """How a gateway of either kind runs; the fields that both custom resources share.

    Attributes
    ----------
    name
        Name of the gateway and of its Deployment and Service; the component's name by default.
    namespace
        An existing namespace for all objects. By default the provider's: its ``namespace``, else that of its
        context, else ``default``.
    image
        Image of the container, with its tag or digest; the operator reference's by default.
    guardrails
        Guards that check requests and responses: `PresidioGuardArgs`, `ModerationGuardArgs`, `BedrockGuardArgs`, or
        maps. They are written to a ConfigMap, so a secret Output in them is refused; credentials are references.
    env
        Environment variables: ``EnvVarArgs`` or maps with the keys ``name``, ``value`` and ``value_from``. They take
        precedence over the API keys that the gateway sets itself. Reference secrets with ``value_from``: whoever can
        read Deployments can read a plain value. A secret Output stays encrypted in the state. Pods restart when a
        Secret or ConfigMap changes whose name is given as ``secret.metadata.name``.
    env_from
        Secrets and ConfigMaps, all of whose keys become variables: ``EnvFromSourceArgs`` or maps.
    common_metadata
        Labels and annotations of Deployment, Service and pods; the ConfigMap gets the labels as well.
    pod_metadata
        Labels and annotations of the pods only; they take precedence over `common_metadata`.
    config_patch
        Partial LiteLLM configuration, merged into the generated one by RFC 7396: maps merge, lists and values
        replace, None deletes. It is written to a ConfigMap, so a secret Output in it is refused. Write
        ``os.environ/NAME`` and set the variable with `env`.
    api_keys
        Content of the Secret ``api-key-secrets``, if this program creates it: pods restart when it changes.
        Only a digest of it is stored.
    restart_on
        Anything else whose change restarts the pods, such as the content of a foreign Secret: text, numbers, lists or
        maps. Only a digest of it is stored.
    skip_await
        Whether the update continues without waiting for the pods to be ready.
    """

    name: pulumi.Input[str] | None = None
    namespace: pulumi.Input[str] | None = None
    image: pulumi.Input[str] | None = None
    guardrails: pulumi.Input[Sequence[pulumi.Input[GuardArgs | Mapping[str, Any]]]] | None = None
    env: pulumi.Input[Sequence[pulumi.Input[EnvVarArgs | Mapping[str, Any]]]] | None = None
    env_from: pulumi.Input[Sequence[pulumi.Input[EnvFromSourceArgs | Mapping[str, Any]]]] | None = None
    common_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    pod_metadata: pulumi.Input[MetadataArgs | Mapping[str, Any]] | None = None
    config_patch: pulumi.Input[Mapping[str, Any]] | None = None
    api_keys: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    restart_on: pulumi.Input[Any] | None = None
    skip_await: bool = False


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
class AiGatewayArgs(GatewayArgs):
    """What an `AiGateway` serves, and how it runs (`GatewayArgs`); the fields of that custom resource.

    Attributes
    ----------
    models
        The models, at least one. They are written to a ConfigMap, so a secret Output in them is refused.
    port
        Port of the container and the Service, 1 to 65535.
    """

    models: pulumi.Input[Sequence[pulumi.Input[AiModelArgs | Mapping[str, Any]]]]
    port: pulumi.Input[int] = 80


@dataclass(frozen=True, kw_only=True)
class ToolServerArgs:
    """An MCP server that already runs in the cluster (custom resource ToolServer); it is not deployed here.

    Attributes
    ----------
    name
        Name of the server and its Service.
    namespace
        Where it runs; the gateway's namespace by default.
    port
        Port of its Service; 8080 by default.
    path
        Path of its MCP endpoint; ``/mcp`` by default, ``/sse`` with the transport ``sse``.
    transport_type
        ``http`` for streamable HTTP, ``sse`` for server-sent events.
    """

    name: pulumi.Input[str]
    namespace: pulumi.Input[str] | None = None
    port: pulumi.Input[int] | None = None
    path: pulumi.Input[str] | None = None
    transport_type: pulumi.Input[Literal["http", "sse"]] = "http"


@dataclass(frozen=True, kw_only=True)
class ToolRouteArgs:
    """A route through the gateway to one MCP server; give exactly one of `server` and `url`.

    Attributes
    ----------
    name
        Name of the route, with which its URL ends; plain text, unique within the gateway.
    server
        An MCP server of the cluster.
    url
        URL of an MCP server. If its path ends in ``/sse``, the transport is server-sent events, else streamable
        HTTP.
    allow
        Names of the tools to allow; all if omitted or empty.
    deny
        Names of the tools to deny; takes precedence over `allow`.
    """

    name: str
    server: pulumi.Input[ToolServerArgs | Mapping[str, Any]] | None = None
    url: pulumi.Input[str] | None = None
    allow: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    deny: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None


@dataclass(frozen=True, kw_only=True)
class ToolGatewayArgs(GatewayArgs):
    """What a `ToolGateway` serves, and how it runs (`GatewayArgs`).

    Attributes
    ----------
    routes
        Routes to MCP servers. The list and its names are plain, so that the program can name each route; all else
        may be Outputs. They are written to a ConfigMap, so a secret Output in them is refused.
    allowed_upstreams
        Loopback, link-local or metadata hosts, addresses and networks to allow as upstreams, such as ``localhost`` for
        a sidecar.
    """

    routes: Sequence[ToolRouteArgs | Mapping[str, Any]] = ()
    allowed_upstreams: pulumi.Input[Sequence[pulumi.Input[str]]] = ()
