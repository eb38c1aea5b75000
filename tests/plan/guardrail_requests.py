"""Guards and providers of each type, and the parameters that they become."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.guardrail_params import (
    GuardrailParams,
    GuardrailRequest,
    guardrail_params,
)
from tests.plan.make import gateway, guard, guardrail_provider

URL = "http://presidio:3000"
SELECTOR = {"name": "moderation", "key": "token"}
BEDROCK = {"guardrailId": "abc"}


def params_of(
    provider: Mapping[str, Any], *, type_: str = "presidio-api", namespace: str = "team", **checks: Any
) -> GuardrailParams:
    found = guardrail_provider(type_=type_, namespace=namespace, **provider)
    return guardrail_params(GuardrailRequest(gateway(), guard(**checks), found, ("spec", "guardrails", 0)))


def foreign(provider: Mapping[str, Any], *, type_: str = "presidio-api", **checks: Any) -> GuardrailParams:
    """Return the parameters of a Guard and a provider in a namespace that is not that of the gateway."""
    found = guardrail_provider(type_=type_, namespace="theirs", **provider)
    asked = GuardrailRequest(gateway(), guard(namespace="theirs", **checks), found, ("spec", "guardrails", 0))
    return guardrail_params(asked)


def presidio(**checks: Any) -> GuardrailParams:
    return params_of({"presidio": {"baseUrl": URL}}, presidio=checks)


def moderation(service: Mapping[str, Any] | None, **checks: Any) -> GuardrailParams:
    # A null counts as absent: the provider has no block at all.
    block = {} if service is None else {"openaiModeration": service}
    return params_of({**block, "bedrock": None}, type_="openai-moderation-api", **checks)


def bedrock(
    credentials: Mapping[str, str] | None = None, namespace: str = "team", **checks: Any
) -> GuardrailParams:
    reference = {} if credentials is None else {"credentialsSecretRef": credentials}
    block = {"region": "eu-central-1", **reference}
    return params_of(
        {"bedrock": block}, type_="bedrock-api", namespace=namespace, bedrock={**BEDROCK, **checks}
    )


def refused(make: Any, *arguments: Any, **named: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        make(*arguments, **named)
    assert caught.value.reason == Reason.GUARDRAILS_RESOLUTION_FAILED
    assert caught.value.field == "spec.guardrails[0]"
    assert caught.value.message.startswith("Guard team/pii with GuardrailProvider ")
    assert caught.value.cure
    return caught.value
