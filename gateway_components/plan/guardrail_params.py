"""The ``litellm_params`` of a guardrail, and the credentials they need, by type of provider."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway_components.crds.guard import Guard, ModerationGuard, PresidioGuard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.pod import SecretKeySelector
from gateway_components.crds.syntax import key_fault, object_name_fault
from gateway_components.plan.environment import (
    API_KEY_SECRET,
    api_key_variable,
    from_environment,
    secret_variable,
)
from gateway_components.plan.failure import Failure, PlanWarning, Reason, WarningReason, clause
from gateway_components.plan.keys import Reference
from gateway_components.plan.references import credential_reference, reference_to
from gateway_components.plan.snapshot import Gateway
from gateway_components.plan.urls import url_fault

__all__ = ["GuardrailParams", "GuardrailRequest", "guardrail_params"]

T = TypeVar("T")

_ACTIONS = ("MASK", "BLOCK")
_NEWEST_VERSION = "DRAFT"
_AWS_KEYS = {"aws_access_key_id": "aws-access-key-id", "aws_secret_access_key": "aws-secret-access-key"}
"""Parameter of LiteLLM, and key of the Secret (GuardrailProvider, ``bedrock.credentialsSecretRef``)."""


@dataclass(frozen=True, slots=True)
class GuardrailRequest:
    """A Guard that a gateway asks for, and its provider.

    Attributes
    ----------
    gateway, guard, provider
        Resolved from each other.
    where
        Path of the gateway's field that names the guard.
    """

    gateway: Gateway
    guard: Guard
    provider: GuardrailProvider
    where: str

    def failure(self, message: str, cure: str) -> Failure:
        """Return the failure that says `message` of Guard and provider."""
        subject = f"{reference_to(self.guard)} with {reference_to(self.provider)}"
        return Failure(
            Reason.GUARDRAILS_RESOLUTION_FAILED, f"{subject}: {message}", field=self.where, cure=cure
        )

    def block(self, found: T | None, field: str) -> T:
        """Return the settings `found` under `field` of the provider.

        Raises
        ------
        Failure
            There are none.
        """
        if found is None:
            raise self.failure(
                f"the provider has the type {self.provider.spec.type} and no spec.{field}",
                f"add spec.{field} to the provider, or correct its type",
            )
        return found


@dataclass(frozen=True, slots=True)
class GuardrailParams:
    """How LiteLLM applies one Guard.

    Attributes
    ----------
    guardrail
        LiteLLM's name of the kind of guardrail.
    values
        Further parameters.
    tool_calls
        Whether LiteLLM takes the modes of tool calls for it.
    credentials
        Environment variables that the parameters name, in JSON types.
    secret
        The Secret that these come from; None where there are none.
    warnings
        What is not done as asked.
    """

    guardrail: str
    values: Mapping[str, Any]
    tool_calls: bool = True
    credentials: tuple[Mapping[str, Any], ...] = ()
    secret: Reference | None = None
    warnings: tuple[PlanWarning, ...] = ()


def guardrail_params(request: GuardrailRequest) -> GuardrailParams:
    """Return the parameters of a Guard (names and values as LiteLLM 1.83.14 takes them).

    Raises
    ------
    Failure
        ``GuardrailsResolutionFailed``: settings are missing or LiteLLM does not take them, or the credentials are in
        a Secret that the gateway's pods cannot mount.
    """
    match request.provider.spec.type:
        case "presidio-api":
            return _presidio(request)
        case "openai-moderation-api":
            return _moderation(request)
        case "bedrock-api":
            return _bedrock(request)
    raise request.failure("the provider has no type", "set its spec.type")


def _presidio(request: GuardrailRequest) -> GuardrailParams:
    settings = request.guard.spec.presidio or PresidioGuard()
    service = request.block(request.provider.spec.presidio, "presidio")
    url = _base_url(request, service.base_url, "presidio")
    values: dict[str, Any] = {
        "output_parse_pii": True,
        "presidio_analyzer_api_base": url,
        "presidio_anonymizer_api_base": url,
    }
    if settings.language:
        values["presidio_language"] = settings.language
    if settings.score_thresholds:
        values["presidio_score_thresholds"] = {
            entity: _threshold(request, entity, text)
            for entity, text in sorted(settings.score_thresholds.items())
        }
    if settings.entity_actions:
        values["pii_entities_config"] = {
            entity: _action(request, entity, text) for entity, text in sorted(settings.entity_actions.items())
        }
    if service.api_key_secret_ref is None:
        return GuardrailParams("presidio", values)
    ignored = PlanWarning(
        WarningReason.CREDENTIAL_IGNORED,
        f"{reference_to(request.provider)} has an API key, but LiteLLM sends none to Presidio",
        request.where,
        "remove spec.presidio.apiKeySecretRef from the provider",
    )
    return GuardrailParams("presidio", values, warnings=(ignored,))


def _moderation(request: GuardrailRequest) -> GuardrailParams:
    settings = request.guard.spec.openai_moderation or ModerationGuard()
    service = request.provider.spec.openai_moderation
    values: dict[str, Any] = {}
    if settings.model:
        values["model"] = settings.model
    if service and service.base_url:
        # LiteLLM puts /moderations behind it, whatever it ends in.
        values["api_base"] = _base_url(request, service.base_url, "openaiModeration").rstrip("/")
    selector = service.api_key_secret_ref if service else None
    if selector is None:
        # LiteLLM does not start without a key; this one is where the models' key is looked for, too.
        name = api_key_variable("openai")
        credential = secret_variable(name, API_KEY_SECRET, name, optional=True)
        return GuardrailParams(
            "openai_moderation",
            {**values, "api_key": from_environment(name)},
            tool_calls=False,
            credentials=(credential,),
        )
    secret = _mountable(request, "openaiModeration.apiKeySecretRef")
    _check_selector(request, selector)
    name = _variable(request.provider, "api_key")
    credential = secret_variable(name, secret.name, selector.key, optional=selector.optional)
    return GuardrailParams(
        "openai_moderation",
        {**values, "api_key": from_environment(name)},
        tool_calls=False,
        credentials=(credential,),
        secret=secret,
    )


def _bedrock(request: GuardrailRequest) -> GuardrailParams:
    settings = request.guard.spec.bedrock
    if settings is None:
        raise request.failure(
            "the Guard has no spec.bedrock, which names the guardrail to apply",
            "add spec.bedrock.guardrailId",
        )
    service = request.block(request.provider.spec.bedrock, "bedrock")
    if not settings.guardrail_id:
        raise request.failure("the Guard's spec.bedrock.guardrailId is empty", "name the guardrail to apply")
    if not service.region:
        raise request.failure("the provider's spec.bedrock.region is empty", "name the AWS region")
    values: dict[str, Any] = {
        "guardrailIdentifier": settings.guardrail_id,
        "guardrailVersion": settings.guardrail_version or _NEWEST_VERSION,
        "aws_region_name": service.region,
    }
    if service.credentials_secret_ref is None:
        # The pod's own AWS identity counts.
        return GuardrailParams("bedrock", values)
    secret = _mountable(request, "bedrock.credentialsSecretRef")
    names = {parameter: _variable(request.provider, parameter) for parameter in _AWS_KEYS}
    return GuardrailParams(
        "bedrock",
        {**values, **{parameter: from_environment(name) for parameter, name in names.items()}},
        credentials=tuple(
            secret_variable(name, secret.name, _AWS_KEYS[parameter]) for parameter, name in names.items()
        ),
        secret=secret,
    )


def _mountable(request: GuardrailRequest, field: str) -> Reference:
    """Return the Secret that `field` of the provider names, if pods of the gateway can take variables from it."""
    secret = credential_reference(request.provider)
    if secret is None:
        raise request.failure(f"the provider's spec.{field} has no name", "name the Secret there")
    fault = object_name_fault(secret.name)
    if fault:
        raise request.failure(f"the name in the provider's spec.{field} {fault.message}", clause(fault.cure))
    namespace = request.gateway.metadata.namespace or ""
    if secret.namespace != namespace:
        raise request.failure(
            f"{secret} cannot be mounted: a pod takes Secrets from its own "
            f"namespace alone, which is {namespace}",
            f"put the Secret into namespace {namespace}, and let the provider's spec.{field} refer to it there"
            if request.provider.spec.type == "bedrock-api"
            else f"put Secret and provider into namespace {namespace}",
        )
    return secret


def _check_selector(request: GuardrailRequest, selector: SecretKeySelector) -> None:
    fault = key_fault(selector.key)
    if fault:
        where = "the key in the provider's spec.openaiModeration.apiKeySecretRef"
        raise request.failure(f"{where} {fault.message}", clause(fault.cure))


def _base_url(request: GuardrailRequest, url: str, field: str) -> str:
    fault = url_fault(url)
    if fault:
        raise request.failure(f"the provider's spec.{field}.baseUrl {fault.message}", fault.cure)
    return url


def _threshold(request: GuardrailRequest, entity: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0 <= value <= 1:
        return value
    raise request.failure(
        f'the Guard\'s spec.presidio.scoreThresholds has "{text}" for {entity}, which is no score',
        "write a number from 0 to 1",
    )


def _action(request: GuardrailRequest, entity: str, text: str) -> str:
    action = text.upper()
    if action in _ACTIONS:
        return action
    raise request.failure(
        f'the Guard\'s spec.presidio.entityActions has "{text}" for {entity}, which LiteLLM does not know',
        f"write {' or '.join(_ACTIONS)}",
    )


def _variable(provider: GuardrailProvider, parameter: str) -> str:
    """Return the variable for a credential of a provider, unlike those of all other providers."""
    namespace, name = provider.metadata.namespace or "", provider.metadata.name
    # Without the digest, "a-b" and "a.b", and equal names of two namespaces, would share a variable.
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:6]
    readable = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    return f"GUARDRAIL_{readable}_{digest.upper()}_{parameter.upper()}"
