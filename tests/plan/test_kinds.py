"""The names that each kind of gateway uses, against the specification and the CRDs."""

import pytest

from gateway_components.crds.gateway import GatewaySpec
from gateway_components.crds.kinds import KINDS
from gateway_components.crds.meta import API_VERSION
from gateway_components.plan.kinds import AI_GATEWAY, GATEWAY_KINDS, TOOL_GATEWAY, GatewayKind
from tests.plan.make import gateway, tool_gateway

every_kind = pytest.mark.parametrize("kind", GATEWAY_KINDS.values(), ids=lambda kind: kind.kind)


def test_controllers_are_those_of_the_operator_reference() -> None:
    assert AI_GATEWAY.controller == "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
    assert TOOL_GATEWAY.controller == "litellm.agentic-layer.ai/tool-gateway-litellm-controller"


def test_default_classes_are_marked_as_the_operator_reference_says() -> None:
    assert AI_GATEWAY.default_class_annotation == "aigatewayclass.kubernetes.io/is-default-class"
    assert TOOL_GATEWAY.default_class_annotation == "toolgatewayclass.kubernetes.io/is-default-class"


@every_kind
def test_condition_types_and_the_reason_of_a_ready_gateway_begin_with_its_kind(kind: GatewayKind) -> None:
    assert kind.configured == f"{kind.kind}Configured"
    assert kind.ready == kind.ready_reason == f"{kind.kind}Ready"


@every_kind
def test_kinds_and_fields_are_those_of_the_crds(kind: GatewayKind) -> None:
    assert GATEWAY_KINDS[kind.kind] is kind
    assert KINDS[kind.kind].api_version == API_VERSION
    assert not KINDS[kind.class_kind].namespaced
    assert KINDS[kind.kind].runs_workload
    spec = KINDS[kind.kind].model.model_fields["spec"].annotation
    assert isinstance(spec, type)
    assert issubclass(spec, GatewaySpec)
    assert kind.class_field in {field.alias for field in spec.model_fields.values()}


@every_kind
def test_a_kind_has_a_url_iff_its_status_has_a_field_for_it(kind: GatewayKind) -> None:
    status = KINDS[kind.kind].model.model_fields["status"].annotation
    assert isinstance(status, type)
    assert kind.has_url is ("url" in getattr(status, "model_fields"))  # noqa: B009  (mypy knows no such type)


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
