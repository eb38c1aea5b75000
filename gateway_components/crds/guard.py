"""Guard: a check of what passes through a gateway."""

from typing import Literal

from pydantic import Field

from gateway_components.crds.base import ApiModel, DistinctMany, StringMap
from gateway_components.crds.meta import ApiObject, ConditionedStatus, ObjectReference

__all__ = ["BedrockGuard", "Guard", "GuardMode", "GuardSpec", "ModerationGuard", "PresidioGuard"]

GuardMode = Literal["pre_call", "post_call", "during_call"]
"""When a guard looks: before the call, at its answer, or beside it."""


class BedrockGuard(ApiModel):
    """What a provider of type bedrock-api is asked to apply."""

    guardrail_id: str = Field(description="Identifier of the Bedrock guardrail.")
    guardrail_version: str | None = Field(
        None, description="Version of the Bedrock guardrail; DRAFT where left out."
    )


class ModerationGuard(ApiModel):
    """What a provider of type openai-moderation-api is asked to apply."""

    model: str | None = Field(None, description="Moderation model; that of LiteLLM where left out.")


class PresidioGuard(ApiModel):
    """What a provider of type presidio-api is asked to apply."""

    entity_actions: StringMap = Field(
        default_factory=dict,
        description="What to do with each kind of entity, such as CREDIT_CARD: MASK, or BLOCK.",
    )
    language: str | None = Field(None, description="Language of the texts, such as en.")
    score_thresholds: StringMap = Field(
        default_factory=dict,
        description="Score from 0 to 1, as text, from which on an entity counts; ALL stands for every kind.",
    )


class GuardSpec(ApiModel):
    """What a Guard checks, when, and by which provider."""

    bedrock: BedrockGuard | None = Field(
        None, description="Settings for a provider of type bedrock-api, which needs them."
    )
    description: str | None = Field(None, description="What the guard is for, in words.")
    mode: DistinctMany[GuardMode] = Field(
        min_length=1, description="When the guard looks; a ToolGateway has no post_call."
    )
    openai_moderation: ModerationGuard | None = Field(
        None, description="Settings for a provider of type openai-moderation-api."
    )
    presidio: PresidioGuard | None = Field(None, description="Settings for a provider of type presidio-api.")
    provider_ref: ObjectReference = Field(
        description=(
            "The GuardrailProvider that does the checking; one without a namespace is looked for in the "
            "namespace of the Guard."
        )
    )


class GuardStatus(ConditionedStatus):
    """The conditions of a Guard; no controller of ours writes any."""


def _no_spec() -> GuardSpec:
    """Return the spec of a Guard without one, which the API server admits: it has no mode and no provider."""
    return GuardSpec.model_construct(mode=(), provider_ref=ObjectReference())


class Guard(ApiObject):
    """A check of what passes through the gateways that refer to it."""

    kind: str = Field("Guard", description="Kind of the object.")
    spec: GuardSpec = Field(
        default_factory=_no_spec, description="What is checked, when, and by which provider."
    )
    status: GuardStatus = Field(
        default_factory=GuardStatus, description="Conditions of the guard; none are written at present."
    )
