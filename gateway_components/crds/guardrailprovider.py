"""GuardrailProvider: a service that Guards check with."""

from typing import Literal

from pydantic import Field

from gateway_components.crds.base import ApiModel, AtomicModel, Uri
from gateway_components.crds.meta import ApiObject, ConditionedStatus
from gateway_components.crds.pod import SecretKeySelector

__all__ = [
    "BedrockProvider",
    "GuardrailProvider",
    "GuardrailProviderSpec",
    "ModerationProvider",
    "PresidioProvider",
    "ProviderType",
    "SecretReference",
]

ProviderType = Literal["openai-moderation-api", "bedrock-api", "presidio-api"]
"""The services that a provider may stand for."""


class SecretReference(AtomicModel):
    """A Secret, perhaps of another namespace."""

    name: str | None = Field(None, description="Name of the Secret.")
    namespace: str | None = Field(
        None, description="Namespace of the Secret; the namespace of the provider where left out."
    )


class BedrockProvider(ApiModel):
    """Amazon Bedrock in one region."""

    credentials_secret_ref: SecretReference | None = Field(
        None,
        description=(
            "Secret with the keys aws-access-key-id and aws-secret-access-key, in the namespace of the "
            "gateway. Left out, the pod's own AWS identity counts."
        ),
    )
    region: str = Field(description="AWS region, such as eu-central-1.")


class ModerationProvider(ApiModel):
    """OpenAI's moderation API, or one that speaks like it."""

    api_key_secret_ref: SecretKeySelector | None = Field(
        None, description="Key of a Secret with the API key, in the namespaces of provider and gateway alike."
    )
    base_url: Uri | None = Field(None, description="Base URL of the API; that of OpenAI where left out.")


class PresidioProvider(ApiModel):
    """A Presidio service that analyzes and anonymizes."""

    api_key_secret_ref: SecretKeySelector | None = Field(
        None, description="Key of a Secret with an API key; LiteLLM sends none to Presidio."
    )
    base_url: Uri = Field(description="Base URL of analyzer and anonymizer.")


class GuardrailProviderSpec(ApiModel):
    """Which service a provider stands for, and how it is reached."""

    bedrock: BedrockProvider | None = Field(None, description="The service, for the type bedrock-api.")
    openai_moderation: ModerationProvider | None = Field(
        None, description="The service, for the type openai-moderation-api."
    )
    presidio: PresidioProvider | None = Field(None, description="The service, for the type presidio-api.")
    # Required, and None all the same in a provider without a spec.
    type: ProviderType | None = Field(
        description="Kind of service; the block of the same name holds its settings."
    )


class GuardrailProviderStatus(ConditionedStatus):
    """The conditions of a GuardrailProvider; no controller of ours writes any."""


def _no_spec() -> GuardrailProviderSpec:
    """Return the spec of a provider without one, which the API server admits: it has no service."""
    return GuardrailProviderSpec.model_construct(type=None)


class GuardrailProvider(ApiObject):
    """A service that Guards check with."""

    kind: str = Field("GuardrailProvider", description="Kind of the object.")
    spec: GuardrailProviderSpec = Field(
        default_factory=_no_spec, description="Which service it is, and how it is reached."
    )
    status: GuardrailProviderStatus = Field(
        default_factory=GuardrailProviderStatus,
        description="Conditions of the provider; none are written at present.",
    )
