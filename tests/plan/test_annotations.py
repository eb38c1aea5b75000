"""Annotations of gateways that mean nothing."""

import pytest

from gateway_components.plan.claims import annotation_warnings
from gateway_components.plan.findings import WarningReason
from tests.plan.make import Planned, gateway, tool_gateway

PREFIX = "ai-gateway-litellm.agentic-layer.ai/"
MEANINGLESS = (
    (gateway(), "config-pach", f"did you mean {PREFIX}config-patch?", "a slip"),
    (
        tool_gateway(),
        "allowed-route-namespace",
        f"did you mean {PREFIX}allowed-route-namespaces?",
        "lets all in",
    ),
    (gateway(), "image", "the class of a gateway names the image: annotate that", "one of classes"),
    (gateway(), "allowed-route-namespaces", "remove it: a ToolGateway alone serves routes", "another kind"),
    (gateway(), "qqq", "remove it", "nothing is near"),
)


def _annotated(made: Planned, **annotations: str) -> Planned:
    return made.model_copy(update={"metadata": made.metadata.model_copy(update={"annotations": annotations})})


@pytest.mark.parametrize(("made", "name", "cure", "why"), MEANINGLESS, ids=[case[3] for case in MEANINGLESS])
def test_an_annotation_without_effect_is_reported(made: Planned, name: str, cure: str, why: str) -> None:
    (warning,) = annotation_warnings(_annotated(made, **{PREFIX + name: "x"}))  # type: ignore[arg-type]
    assert warning.reason == WarningReason.ANNOTATION_UNKNOWN, why
    assert (warning.field, warning.cure) == (f"metadata.annotations[{PREFIX}{name}]", cure)


def test_known_annotations_and_those_of_others_are_no_warning() -> None:
    others = {f"{PREFIX}config-patch": "p", "config-pach": "x", "example.com/config-pach": "x"}
    assert not list(annotation_warnings(_annotated(gateway(), **others)))  # type: ignore[arg-type]
    ours = {f"{PREFIX}allowed-route-namespaces": "*"}
    assert not list(annotation_warnings(_annotated(tool_gateway(), **ours)))  # type: ignore[arg-type]
