"""Typed arguments of guards, accepting plain values and Outputs alike.

Each class of guard takes the provider and the settings of its own service and no other's, so that a wrong combination
does not pass a type checker, nor the program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.core.v1 import LocalObjectReferenceArgs, SecretKeySelectorArgs

from gateway_components.crds.guard import GuardMode

__all__ = [
    "BedrockGuardArgs",
    "BedrockProviderArgs",
    "GuardArgs",
    "ModerationGuardArgs",
    "ModerationProviderArgs",
    "PresidioGuardArgs",
    "PresidioProviderArgs",
]


@dataclass(frozen=True, kw_only=True)
class PresidioProviderArgs:
    """A Presidio service (GuardrailProvider of type ``presidio-api``).

    Attributes
    ----------
    base_url
        Base URL of analyzer and anonymizer.
    """

    base_url: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ModerationProviderArgs:
    """OpenAI's moderation API, or one that speaks like it (GuardrailProvider of type ``openai-moderation-api``).

    Attributes
    ----------
    base_url
        Base URL of the API; that of OpenAI where left out.
    api_key_secret_ref
        Secret of the gateway's namespace, and the key in it that holds the API key: ``SecretKeySelectorArgs`` or a
        map. Left out, it is ``OPENAI_API_KEY`` in Secret ``api-key-secrets``.
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
        Secret of the gateway's namespace with the keys ``aws-access-key-id`` and ``aws-secret-access-key``:
        ``LocalObjectReferenceArgs`` or a map. Left out, the pod's own AWS identity counts.
    """

    region: pulumi.Input[str]
    credentials_secret_ref: pulumi.Input[LocalObjectReferenceArgs | Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class GuardArgs:
    """What every guard has; write one of its subclasses.

    Attributes
    ----------
    name
        Name of the guard, unlike that of any other guard of the gateway.
    mode
        When it looks: ``pre_call``, ``during_call``, ``post_call``; at least one. A `ToolGateway` has no
        ``post_call``: it is left out there, with a warning.
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
        Score from 0 to 1 from which on a kind of entity counts; ``ALL`` stands for every kind.
    entity_actions
        What to do with each kind of entity, such as ``CREDIT_CARD``: ``MASK`` or ``BLOCK``.
    """

    provider: pulumi.Input[PresidioProviderArgs | Mapping[str, Any]]
    language: pulumi.Input[str] | None = None
    score_thresholds: pulumi.Input[Mapping[str, pulumi.Input[float | str]]] | None = None
    entity_actions: pulumi.Input[Mapping[str, pulumi.Input[Literal["MASK", "BLOCK"]]]] | None = None


@dataclass(frozen=True, kw_only=True)
class ModerationGuardArgs(GuardArgs):
    """A guard that blocks what OpenAI's moderation API flags; only for an `AiGateway`, LiteLLM has it for chats alone.

    Attributes
    ----------
    provider
        The service.
    model
        Moderation model; that of LiteLLM where left out.
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
        Its version; ``DRAFT`` where left out.
    """

    provider: pulumi.Input[BedrockProviderArgs | Mapping[str, Any]]
    guardrail_id: pulumi.Input[str]
    guardrail_version: pulumi.Input[str] | None = None
