"""The ``litellm_params`` of a guardrail, and the credentials they need, by type of provider."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway_components.api.guardrails import Guard, GuardrailProvider, ModerationGuard, PresidioGuard
from gateway_components.api.pod import KeySelector
from gateway_components.api.syntax import key_fault, object_name_fault
from gateway_components.errors import Finding, Path, clause
from gateway_components.identity import Identity
from gateway_components.plan.environment import API_KEY_SECRET, api_key_variable, secret_variable
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.references import credential_reference
from gateway_components.plan.snapshot import Gateway
from gateway_components.plan.urls import read_url, url_fault
from gateway_components.plan.variables import REFERENCE, foreign_references, from_environment

ANONYMIZER_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/presidio-anonymizer-url"
"""Annotation of a GuardrailProvider whose anonymizer is not where its ``baseUrl`` leads."""

T = TypeVar("T")

_ACTIONS = ("MASK", "BLOCK")
_NEWEST_VERSION = "DRAFT"
_OPENAI = "api.openai.com"
_HTTPS_PORT = 443
# LiteLLM puts all three into a URL as they are, and signs the request with the pod's AWS identity.
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{1,16}){1,3}-[0-9]{1,2}")
_GUARDRAIL_ID = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}|arn:aws[a-z-]{0,16}:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64}"
)
_VERSION = re.compile(r"DRAFT|[1-9][0-9]{0,7}")
_FIELDS = {
    "presidio_analyzer_api_base": "the provider's spec.presidio.baseUrl",
    "presidio_anonymizer_api_base": f"the provider's metadata.annotations[{ANONYMIZER_ANNOTATION}]",
    "presidio_language": "the Guard's spec.presidio.language",
    "presidio_score_thresholds": "the Guard's spec.presidio.scoreThresholds",
    "pii_entities_config": "the Guard's spec.presidio.entityActions",
    "model": "the Guard's spec.openaiModeration.model",
    "api_base": "the provider's spec.openaiModeration.baseUrl",
    "guardrailIdentifier": "the Guard's spec.bedrock.guardrailId",
    "guardrailVersion": "the Guard's spec.bedrock.guardrailVersion",
    "aws_region_name": "the provider's spec.bedrock.region",
}
"""Where the text of a parameter comes from."""
_AWS_KEYS = {"aws_access_key_id": "aws-access-key-id", "aws_secret_access_key": "aws-secret-access-key"}
"""Parameter of LiteLLM, and key of the Secret (GuardrailProvider, ``bedrock.credentialsSecretRef``)."""


@dataclass(frozen=True, slots=True)
class GuardrailRequest:
    """A Guard that the field `where` of a gateway asks for, and its provider."""

    gateway: Gateway
    guard: Guard
    provider: GuardrailProvider
    where: Path

    def failure(self, message: str, cure: str) -> Failure:
        """Return the failure that says `message` of Guard and provider."""
        subject = f"{self.guard.identity} with {self.provider.identity}"
        return Failure(
            Reason.GUARDRAILS_RESOLUTION_FAILED, f"{subject}: {message}", path=self.where, cure=cure
        )

    def shown(self, owner: Guard | GuardrailProvider, text: str, instead: str) -> str:
        """Return what a message shows of the `text` in `owner`: `instead`, where that is in another namespace."""
        own = owner.metadata.namespace == self.gateway.metadata.namespace
        return text if own else instead

    def block(self, found: T | None, field: str) -> T:
        """Return the settings `found` under `field` of the provider, or raise the Failure that there are none."""
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
    guardrail, values
        LiteLLM's name of the kind of guardrail, and further parameters.
    tool_calls
        Whether LiteLLM takes the modes of tool calls for it.
    credentials, secret
        Environment variables that the parameters name, in JSON types, and the Secret that these come from.
    warnings
        What is not done as asked.
    """

    guardrail: str
    values: Mapping[str, Any]
    tool_calls: bool = True
    credentials: tuple[Mapping[str, Any], ...] = ()
    secret: Identity | None = None
    warnings: tuple[Finding, ...] = ()


def guardrail_params(request: GuardrailRequest) -> GuardrailParams:
    """Return the parameters of a Guard (names and values as LiteLLM 1.83.14 takes them).

    Raises Failure ``GuardrailsResolutionFailed``: settings are missing or invalid, or pods of the gateway cannot mount
    the Secret with the credentials.
    """
    types = {"presidio-api": _presidio, "openai-moderation-api": _moderation, "bedrock-api": _bedrock}
    make = types.get(request.provider.spec.type or "")
    if make is None:
        raise request.failure("the provider has no type", "set its spec.type")
    params = make(request)
    for path in foreign_references(params.values):
        raise request.failure(
            f"{_FIELDS.get(str(path[0]), path[0])} begins with {REFERENCE}, which LiteLLM would replace by a variable "
            "of the gateway's pods",
            "write the value itself; only the gateway's config patch may name a variable",
        )
    return params


def provider_urls(provider: GuardrailProvider) -> tuple[str, ...]:
    """Return the addresses that a provider has a gateway call."""
    presidio, moderation = provider.spec.presidio, provider.spec.openai_moderation
    urls = (
        presidio and presidio.base_url,
        moderation and moderation.base_url,
        provider.metadata.annotations.get(ANONYMIZER_ANNOTATION),
    )
    return tuple(url for url in urls if url)


def _presidio(request: GuardrailRequest) -> GuardrailParams:
    settings = request.guard.spec.presidio or PresidioGuard()
    service = request.block(request.provider.spec.presidio, "presidio")
    url = _base_url(request, service.base_url, "presidio")
    values: dict[str, Any] = {
        "output_parse_pii": True,
        "presidio_analyzer_api_base": url,
        "presidio_anonymizer_api_base": _anonymizer_url(request) or url,
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
    ignored = plan_warning(
        WarningReason.CREDENTIAL_IGNORED,
        f"{request.provider.identity} has an API key, but LiteLLM sends none to Presidio",
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
    is_openai = not values.get("api_base") or _is_openai(values["api_base"])
    selector = service.api_key_secret_ref if service else None
    if selector is None:
        if not is_openai:
            raise request.failure(
                "the provider has a spec.openaiModeration.baseUrl of its own and no key, and OPENAI_API_KEY of Secret "
                f"{API_KEY_SECRET} is sent to OpenAI alone",
                "set its spec.openaiModeration.apiKeySecretRef; where the service checks no key, any text will do",
            )
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
    # Without this key LiteLLM would send OPENAI_API_KEY instead, wherever that leads.
    needed = bool(selector.optional) and not is_openai
    optional = None if needed else selector.optional
    required = plan_warning(
        WarningReason.CREDENTIAL_REQUIRED,
        f"{request.provider.identity} makes its key optional, but pods do not start without it: LiteLLM would "
        "send OPENAI_API_KEY to its baseUrl instead",
        request.where,
        "remove optional from its spec.openaiModeration.apiKeySecretRef",
    )
    return GuardrailParams(
        "openai_moderation",
        {**values, "api_key": from_environment(name)},
        tool_calls=False,
        credentials=(secret_variable(name, secret.name, selector.key, optional=optional),),
        secret=secret,
        warnings=(required,) if needed else (),
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
    for parameter, syntax, owner, what, example in (
        (
            "guardrailIdentifier",
            _GUARDRAIL_ID,
            request.guard,
            "guardrail identifier",
            "abc123def456 or its ARN",
        ),
        ("guardrailVersion", _VERSION, request.guard, "guardrail version", f"1 or {_NEWEST_VERSION}"),
        ("aws_region_name", _REGION, request.provider, "AWS region", "eu-central-1"),
    ):
        text = values[parameter]
        if not syntax.fullmatch(text):
            fault = request.shown(owner, f'is "{text}", which', "")
            raise request.failure(
                f"{_FIELDS[parameter]} {fault} is not a valid {what}".replace("  ", " "),
                f"write one such as {example}",
            )
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


def _mountable(request: GuardrailRequest, field: str) -> Identity:
    """Return the Secret that `field` of the provider names, if pods of the gateway can take variables from it."""
    secret = credential_reference(request.provider)
    if secret is None:
        raise request.failure(f"the provider's spec.{field} has no name", "name the Secret there")
    fault = object_name_fault(secret.name)
    if fault:
        what = request.shown(request.provider, fault.message, "is not a valid object name")
        raise request.failure(f"the name in the provider's spec.{field} {what}", clause(fault.cure))
    namespace = request.gateway.metadata.namespace or ""
    if secret.namespace != namespace:
        what = request.shown(request.provider, str(secret), f"the Secret in the provider's spec.{field}")
        raise request.failure(
            f"{what} cannot be mounted: a pod takes Secrets from its own namespace alone, which is {namespace}",
            f"put the Secret into namespace {namespace}, and let the provider's spec.{field} refer to it there"
            if request.provider.spec.type == "bedrock-api"
            else f"put Secret and provider into namespace {namespace}",
        )
    return secret


def _check_selector(request: GuardrailRequest, selector: KeySelector) -> None:
    fault = key_fault(selector.key)
    if fault:
        where = "the key in the provider's spec.openaiModeration.apiKeySecretRef"
        raise request.failure(f"{where} {fault.message}", clause(fault.cure))


def _base_url(request: GuardrailRequest, url: str, field: str) -> str:
    fault = url_fault(url)
    if fault:
        raise request.failure(f"the provider's spec.{field}.baseUrl {fault.message}", fault.cure)
    return url


def _anonymizer_url(request: GuardrailRequest) -> str | None:
    """Return where the anonymizer is; None where it is beside the analyzer. Presidio's own images are two services."""
    url = request.provider.metadata.annotations.get(ANONYMIZER_ANNOTATION)
    fault = url_fault(url) if url else None
    if fault:
        raise request.failure(f"{_FIELDS['presidio_anonymizer_api_base']} {fault.message}", fault.cure)
    return url or None


def _is_openai(url: str) -> bool:
    found = read_url(url)
    if found is None or found.scheme != "https" or found.port != _HTTPS_PORT:
        return False
    return found.host == _OPENAI or found.host.endswith(f".{_OPENAI}")


def _threshold(request: GuardrailRequest, entity: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if 0 <= value <= 1:
        return value
    what = request.shown(request.guard, f'"{text}" for {entity}', "a value")
    raise request.failure(
        f"the Guard's spec.presidio.scoreThresholds has {what}, which is not a score",
        "write a number from 0 to 1",
    )


def _action(request: GuardrailRequest, entity: str, text: str) -> str:
    action = text.upper()
    if action in _ACTIONS:
        return action
    what = request.shown(request.guard, f'"{text}" for {entity}', "a value")
    raise request.failure(
        f"the Guard's spec.presidio.entityActions has {what}, which LiteLLM does not know",
        f"write {' or '.join(_ACTIONS)}",
    )


def _variable(provider: GuardrailProvider, parameter: str) -> str:
    """Return the variable for a credential of a provider, unlike those of all other providers."""
    namespace, name = provider.metadata.namespace or "", provider.metadata.name
    # Without the digest, "a-b" and "a.b", and equal names of two namespaces, would share a variable.
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:6]
    readable = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    return f"GUARDRAIL_{readable}_{digest.upper()}_{parameter.upper()}"
