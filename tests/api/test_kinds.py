"""The table of kinds, against the operator reference and the models."""

import pytest

from gateway_components.api.gateways import GatewaySpec
from gateway_components.api.kinds import AI_GATEWAY, GATEWAY_KINDS, KINDS, TOOL_GATEWAY, GatewayKind, Kind
from tests.plan.make import gateway, tool_gateway

every_kind = pytest.mark.parametrize("kind", GATEWAY_KINDS.values(), ids=lambda kind: kind.kind)


def test_controllers_are_those_of_the_operator_reference() -> None:
    assert AI_GATEWAY.controller == "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
    assert TOOL_GATEWAY.controller == "litellm.agentic-layer.ai/tool-gateway-litellm-controller"


def test_default_classes_are_marked_as_the_reference_says() -> None:
    assert AI_GATEWAY.default_class_annotation == "aigatewayclass.kubernetes.io/is-default-class"
    assert TOOL_GATEWAY.default_class_annotation == "toolgatewayclass.kubernetes.io/is-default-class"


@every_kind
def test_condition_types_begin_with_the_kind_of_the_gateway(kind: GatewayKind) -> None:
    assert kind.configured == f"{kind.kind}Configured"
    assert kind.ready == f"{kind.kind}Ready"


@every_kind
def test_kinds_and_fields_are_those_of_the_crds(kind: GatewayKind) -> None:
    assert GATEWAY_KINDS[kind.kind] is kind
    assert not KINDS[kind.class_kind].namespaced
    assert KINDS[kind.class_kind].dependents == (kind.kind,)
    spec = KINDS[kind.kind].model.model_fields["spec"].annotation
    assert isinstance(spec, type)
    assert issubclass(spec, GatewaySpec)
    assert kind.class_field in {field.alias for field in spec.model_fields.values()}


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.conditions], ids=lambda kind: kind.kind
)
def test_a_kind_has_a_url_iff_its_status_has_a_field_for_it(kind: Kind) -> None:
    status = kind.model.model_fields["status"].annotation
    assert isinstance(status, type)
    assert kind.has_url is ("url" in getattr(status, "model_fields"))  # noqa: B009  (mypy knows no such type)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
def test_the_table_names_each_kind_as_its_model_does(kind: Kind) -> None:
    assert kind.model.model_fields["kind"].default == kind.kind
    assert set(kind.dependents) <= KINDS.keys()


def test_ranks_grow_from_the_classes_to_what_is_referred_to() -> None:
    ranks = {kind.kind: kind.rank for kind in KINDS.values()}
    assert ranks == {
        "AiGatewayClass": 0,
        "ToolGatewayClass": 0,
        "AiGateway": 1,
        "ToolGateway": 1,
        "Guard": 2,
        "ToolRoute": 2,
        "GuardrailProvider": 3,
        "ToolServer": 3,
    }


def test_the_controller_writes_only_gateway_and_route_status() -> None:
    assert {kind.kind for kind in KINDS.values() if kind.conditions} == {
        "AiGateway",
        "ToolGateway",
        "ToolRoute",
    }


def test_gateways_of_both_kinds_tell_the_name_of_their_class() -> None:
    assert gateway(class_name="a").spec.class_name == "a"
    assert tool_gateway(class_name="b").spec.class_name == "b"


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"toolGatewayClassName": "litellm", "newer": {}}, "litellm"),
        ({"toolGatewayClassName": 5}, None),
        ({}, None),
        (None, None),
        ("text", None),
    ],
)
def test_the_class_of_a_gateway_is_found_though_no_model_fits(spec: object, named: str | None) -> None:
    assert TOOL_GATEWAY.class_of({"spec": spec}) == named
