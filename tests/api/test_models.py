"""The models as other code uses them."""

import warnings

import pytest
from pydantic import ValidationError

from gateway_components.api.gateways import AiGateway, AiGatewaySpec, AiModel
from gateway_components.api.guardrails import Guard, GuardrailProvider, GuardSpec, PresidioProvider
from gateway_components.api.kinds import KINDS
from gateway_components.api.meta import Condition, ObjectMeta, ObjectReference
from gateway_components.api.parse import parse, parse_as
from gateway_components.api.pod import EnvVar, ResourceFieldSelector
from gateway_components.api.tools import ExternalUpstream, ToolRoute, ToolRouteUpstream, ToolServer
from tests.api.case import Manifest, manifest, without
from tests.api.everything import EVERYTHING

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


@pytest.mark.parametrize("kind", KINDS)
def test_object_without_a_spec_is_usable(kind: str) -> None:
    bare = without(manifest(kind, None), "spec")
    parsed = parse(bare)
    assert parsed == parse(bare)
    assert parsed == parse({**bare, "spec": None})
    with pytest.raises(ValidationError, match="frozen"):
        parsed.spec = None  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parsed.model_dump(by_alias=True, exclude_none=True)["metadata"]["name"] == "example"
        assert f'"kind":"{kind}"' in parsed.model_dump_json(by_alias=True)


def test_spec_that_is_not_there_refers_to_nothing() -> None:
    bare = {"metadata": {"name": "a"}}
    route, guard, provider = (
        parse_as(ToolRoute, bare),
        parse_as(Guard, bare),
        parse_as(GuardrailProvider, bare),
    )
    assert route.spec.upstream == ToolRouteUpstream.model_construct()
    assert (route.spec.upstream.tool_server_ref, route.spec.upstream.external) == (None, None)
    assert (route.spec.tool_gateway_ref, route.spec.tool_filter.allow) == (None, ())
    assert (guard.spec.mode, guard.spec.provider_ref.name) == ((), None)
    assert (provider.spec.type, provider.spec.presidio) == (None, None)
    assert parse_as(ToolServer, bare).spec.transport_type == "http"


@pytest.mark.parametrize("whole", EVERYTHING, ids=lambda whole: str(whole["kind"]))
def test_manifest_with_every_field_comes_back_from_its_model(whole: Manifest) -> None:
    dumped = parse(whole).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert dumped == whole


def test_upstream_is_built_with_exactly_one_of_its_fields() -> None:
    server, external = ObjectReference(name="s"), ExternalUpstream(url="http://h")
    assert ToolRouteUpstream(tool_server_ref=server).external is None
    assert ToolRouteUpstream(external=external).tool_server_ref is None
    with pytest.raises(ValidationError, match="one_of"):
        ToolRouteUpstream()
    with pytest.raises(ValidationError, match="one_of"):
        ToolRouteUpstream(tool_server_ref=server, external=external)


def test_modes_of_a_guard_differ() -> None:
    with pytest.raises(ValidationError, match="pre_call twice"):
        GuardSpec(mode=("pre_call", "pre_call"), provider_ref=ObjectReference(name="p"))


def test_url_is_text_that_the_api_server_takes() -> None:
    assert PresidioProvider(base_url="http://h").base_url == "http://h"
    with pytest.raises(ValidationError, match="uri"):
        PresidioProvider(base_url="presidio")


def test_list_in_place_of_a_url_becomes_text_that_is_no_url() -> None:
    # The API server admits it, so such an object must be readable.
    assert PresidioProvider.model_validate({"baseUrl": ["http://h", None]}).base_url == '["http://h", null]'
