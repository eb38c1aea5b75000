"""A Guard of each kind and its provider, as users write them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway_components.plan.guardrail_params import ANONYMIZER_ANNOTATION
from tests.litellm_proxy.guards import FakeModeration, FakePresidio
from tests.litellm_proxy.planned import manifest

SECRETS: Final = {
    ("moderation", "token"): "sk-moderation-secret",
    ("aws", "aws-access-key-id"): "AKIAEXAMPLE",
    ("aws", "aws-secret-access-key"): "aws-secret-value",
    ("api-key-secrets", "OPENAI_API_KEY"): "sk-model-secret",
}
"""The Secrets that the providers refer to, and the one of the models; see `planned_gateway`."""

NAMES: Final = {"presidio": "personal-data", "moderation": "moderation", "bedrock": "topics"}
"""What LiteLLM calls each of `guards` at a gateway of the namespace ``default``."""


def guards(
    presidio: FakePresidio,
    moderation: FakeModeration,
    modes: Mapping[str, Sequence[str]],
    anonymizer: FakePresidio | None = None,
) -> list[dict[str, Any]]:
    """Return three Guards and their providers: of Presidio, of moderation and of Bedrock.

    The Guard of Presidio is in the namespace ``guards`` and its provider in ``providers``, the others in the gateway's.
    Bedrock has no address of its own; its clients take ``AWS_BEDROCK_RUNTIME_ENDPOINT``. An `anonymizer` is a second
    service for Presidio; the first does both without it. `modes` are those of the three Guards.
    """
    return [
        manifest(
            "GuardrailProvider",
            "presidio",
            {"type": "presidio-api", "presidio": {"baseUrl": presidio.url}},
            namespace="providers",
            annotations={ANONYMIZER_ANNOTATION: anonymizer.url} if anonymizer else {},
        ),
        manifest(
            "Guard",
            "personal-data",
            {
                "mode": list(modes["presidio"]),
                "providerRef": {"name": "presidio", "namespace": "providers"},
                "presidio": {
                    "language": "de",
                    "scoreThresholds": {"ALL": "0.5", "PHONE_NUMBER": "0.3"},
                    "entityActions": {
                        "EMAIL_ADDRESS": "MASK",
                        "PHONE_NUMBER": "BLOCK",
                        "IP_ADDRESS": "BLOCK",
                    },
                },
            },
            namespace="guards",
        ),
        manifest(
            "GuardrailProvider",
            "openai",
            {
                "type": "openai-moderation-api",
                "openaiModeration": {
                    "baseUrl": moderation.base_url,
                    "apiKeySecretRef": {"name": "moderation", "key": "token"},
                },
            },
        ),
        manifest(
            "Guard",
            "moderation",
            {
                "mode": list(modes["moderation"]),
                "providerRef": {"name": "openai"},
                "openaiModeration": {"model": "omni-moderation-2024-09-26"},
            },
        ),
        manifest(
            "GuardrailProvider",
            "bedrock",
            {
                "type": "bedrock-api",
                "bedrock": {"region": "eu-central-1", "credentialsSecretRef": {"name": "aws"}},
            },
        ),
        manifest(
            "Guard",
            "topics",
            {
                "mode": list(modes["bedrock"]),
                "providerRef": {"name": "bedrock"},
                "bedrock": {"guardrailId": "gr123", "guardrailVersion": "7"},
            },
        ),
    ]
