"""Guard, a check of a gateway's traffic, and GuardrailProvider, the service that performs it."""

from typing import Literal

from pydantic import Field

from gateway_components.api.base import ApiModel, AtomicModel, DistinctMany, StringMap, Uri
from gateway_components.api.meta import ApiObject, ConditionedStatus, ObjectReference
from gateway_components.api.pod import KeySelector

GuardMode = Literal["pre_call", "post_call", "during_call"]
ProviderType = Literal["openai-moderation-api", "bedrock-api", "presidio-api"]


class BedrockGuard(ApiModel):
    """Settings of a Guard for a provider of type bedrock-api."""

    guardrail_id: str = Field(description="ID of the Bedrock guardrail.")
    guardrail_version: str | None = Field(
        None, description="Version of the Bedrock guardrail. Defaults to DRAFT."
    )


class ModerationGuard(ApiModel):
    """Settings of a Guard for a provider of type openai-moderation-api."""

    model: str | None = Field(None, description="Moderation model. Defaults to LiteLLM's default.")


class PresidioGuard(ApiModel):
    """Settings of a Guard for a provider of type presidio-api."""

    entity_actions: StringMap = Field(
        default_factory=dict,
        description="Action for each type of entity: MASK or BLOCK, such as CREDIT_CARD: MASK.",
    )
    language: str | None = Field(None, description="Language of the text, such as en.")
    score_thresholds: StringMap = Field(
        default_factory=dict,
        description=(
            "Minimum score of a match for each type of entity, from 0 to 1, as a string. ALL applies to every type."
        ),
    )


class GuardSpec(ApiModel):
    """Desired state of a Guard."""

    bedrock: BedrockGuard | None = Field(
        None, description="Settings for a provider of type bedrock-api, which requires them."
    )
    description: str | None = Field(None, description="Human-readable description of the guard.")
    mode: DistinctMany[GuardMode] = Field(
        min_length=1,
        description=(
            "When the guard runs: before the call (pre_call), in parallel with it (during_call) or on the "
            "response (post_call). ToolGateways do not support post_call."
        ),
    )
    openai_moderation: ModerationGuard | None = Field(
        None, description="Settings for a provider of type openai-moderation-api."
    )
    presidio: PresidioGuard | None = Field(None, description="Settings for a provider of type presidio-api.")
    provider_ref: ObjectReference = Field(
        description=(
            "GuardrailProvider that performs the check. Its namespace defaults to the namespace of the Guard."
        )
    )


class Guard(ApiObject):
    """Guard is a check of the traffic of the gateways that refer to it."""

    kind: str = Field("Guard", description="Kind of the object.")
    # The API server admits an object without a spec.
    spec: GuardSpec = Field(
        default_factory=lambda: GuardSpec.model_construct(mode=(), provider_ref=ObjectReference()),
        description="Desired state of the guard.",
    )
    status: ConditionedStatus = Field(
        default_factory=ConditionedStatus,
        description="Observed state of the guard. The LiteLLM controller does not set it.",
    )


class SecretReference(AtomicModel):
    """A Secret, possibly in another namespace."""

    name: str | None = Field(None, description="Name of the Secret.")
    namespace: str | None = Field(
        None, description="Namespace of the Secret. Defaults to the namespace of the provider."
    )


class BedrockProvider(ApiModel):
    """Amazon Bedrock in one region."""

    credentials_secret_ref: SecretReference | None = Field(
        None,
        description=(
            "Secret with the keys aws-access-key-id and aws-secret-access-key, in the namespace of the "
            "gateway. If unset, the gateway uses the AWS identity of its pod."
        ),
    )
    region: str = Field(description="AWS region, such as eu-central-1.")


class ModerationProvider(ApiModel):
    """OpenAI's moderation API, or a compatible one."""

    api_key_secret_ref: KeySelector | None = Field(
        None,
        description="Secret key that holds the API key, in the provider's and each gateway's namespace.",
    )
    base_url: Uri | None = Field(None, description="Base URL of the API. Defaults to OpenAI's.")


class PresidioProvider(ApiModel):
    """A Presidio service with analyzer and anonymizer."""

    api_key_secret_ref: KeySelector | None = Field(
        None, description="Secret key that holds an API key. LiteLLM does not send it to Presidio."
    )
    base_url: Uri = Field(description="Base URL of the analyzer and the anonymizer.")


class GuardrailProviderSpec(ApiModel):
    """Desired state of a GuardrailProvider."""

    bedrock: BedrockProvider | None = Field(None, description="Settings of the type bedrock-api.")
    openai_moderation: ModerationProvider | None = Field(
        None, description="Settings of the type openai-moderation-api."
    )
    presidio: PresidioProvider | None = Field(None, description="Settings of the type presidio-api.")
    # Required; None only in a provider without a spec.
    type: ProviderType | None = Field(
        description="Type of the service. The matching field of the spec holds its settings."
    )


class GuardrailProvider(ApiObject):
    """GuardrailProvider is a service that performs the checks of Guards."""

    kind: str = Field("GuardrailProvider", description="Kind of the object.")
    spec: GuardrailProviderSpec = Field(
        default_factory=lambda: GuardrailProviderSpec.model_construct(type=None),
        description="Desired state of the provider.",
    )
    status: ConditionedStatus = Field(
        default_factory=ConditionedStatus,
        description="Observed state of the provider. The LiteLLM controller does not set it.",
    )
