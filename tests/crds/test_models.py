"""The models as other code uses them."""

import pytest
from pydantic import ValidationError

from gateway_components.crds.aigateway import AiGateway, AiGatewaySpec, AiModel
from gateway_components.crds.meta import Condition, ObjectMeta
from gateway_components.crds.pod import EnvVar, ResourceFieldSelector

SPEC = AiGatewaySpec(ai_models=(AiModel(name="gpt-4o", provider="openai"),))


def test_models_are_built_by_their_python_names() -> None:
    gateway = AiGateway(metadata=ObjectMeta(name="a", namespace="b"), spec=SPEC)
    assert (gateway.kind, gateway.api_version) == ("AiGateway", "runtime.agentic-layer.ai/v1alpha1")


def test_models_are_dumped_by_the_names_of_the_api() -> None:
    dumped = SPEC.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    assert dumped == {"aiModels": ({"name": "gpt-4o", "provider": "openai"},)}


def test_models_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SPEC.port = 1  # type: ignore[misc]


def test_equal_contents_are_equal() -> None:
    other = AiGatewaySpec(ai_models=(AiModel(name="gpt-4o", provider="openai"),), port=80)
    assert other == SPEC


def test_text_is_not_turned_into_numbers_or_booleans() -> None:
    with pytest.raises(ValidationError):
        AiGatewaySpec(ai_models=SPEC.ai_models, port="80")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        EnvVar(name="A", value=1)  # type: ignore[arg-type]


def test_quantities_are_whole_numbers_or_text() -> None:
    assert ResourceFieldSelector(resource="limits.cpu", divisor=2.0).divisor == 2  # type: ignore[arg-type]
    assert ResourceFieldSelector(resource="limits.cpu", divisor="100m").divisor == "100m"


def test_condition_that_the_crd_refuses_cannot_be_built() -> None:
    good = {
        "type": "Ready",
        "status": "True",
        "reason": "Fine",
        "message": "",
        "lastTransitionTime": "2025-01-31T12:00:00Z",
    }
    assert Condition.model_validate(good).observed_generation is None
    for bad in (
        {"status": "Yes"},
        {"reason": "not fine"},
        {"message": "x" * 32769},
        {"observedGeneration": -1},
    ):
        with pytest.raises(ValidationError):
            Condition.model_validate(good | bad)
