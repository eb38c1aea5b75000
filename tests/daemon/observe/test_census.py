"""Which gateways and routes count, and as what."""

from typing import Any

from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.daemon.observe.metrics import count_conditions
from gateway_components.daemon.watch.projections import PROJECTIONS
from tests.daemon.manifests import API_VERSION, gateway, tool_gateway, tool_route

OURS = "litellm-gateways"


def of_class(kind: str, name: str, controller: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"controller": controller},
    }


def with_status(manifest: dict[str, Any], *manager: str, **conditions: str) -> dict[str, Any]:
    fields = [
        {
            "manager": name,
            "operation": "Update",
            "subresource": "status",
            "fieldsV1": {"f:status": {"f:conditions": {}}},
        }
        for name in manager
    ]
    status = {"conditions": [{"type": type_, "status": value} for type_, value in conditions.items()]}
    metadata = {**manifest["metadata"], "managedFields": fields}
    return {**manifest, "metadata": metadata, "status": status}


def count(*manifests: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    cache: dict[str, dict[tuple[str, str], Any]] = {kind: {} for kind in PROJECTIONS}
    for manifest in manifests:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        metadata = {"namespace": "ns", "uid": name, "resourceVersion": "1", **manifest["metadata"]}
        cache[kind]["ns", name] = PROJECTIONS[kind]({**manifest, "metadata": metadata})
    return dict(count_conditions(cache.__getitem__))


CLASS = of_class("AiGatewayClass", "litellm", AI_GATEWAY.controller)
TOOL_CLASS = of_class(
    "ToolGatewayClass", "litellm", "litellm.agentic-layer.ai/tool-gateway-litellm-controller"
)


def test_gateways_count_by_condition_and_status() -> None:
    counts = count(
        CLASS,
        with_status(gateway("a"), AiGatewayConfigured="True", AiGatewayReady="True"),
        with_status(gateway("b"), AiGatewayConfigured="True", AiGatewayReady="False"),
        gateway("new"),
    )

    assert counts == {
        ("AiGateway", "AiGatewayConfigured", "True"): 2,
        ("AiGateway", "AiGatewayReady", "True"): 1,
        ("AiGateway", "AiGatewayReady", "False"): 1,
        ("AiGateway", "AiGatewayConfigured", "Unknown"): 1,
        ("AiGateway", "AiGatewayReady", "Unknown"): 1,
    }


def test_a_gateway_that_cannot_be_read_counts_too() -> None:
    broken = with_status(gateway("broken", port="eighty"), AiGatewayReady="False")

    assert count(CLASS, broken)["AiGateway", "AiGatewayReady", "False"] == 1


def test_gateways_of_others_do_not_count() -> None:
    other = of_class("AiGatewayClass", "other", "example.com/other")

    assert (
        count(
            CLASS, other, gateway("theirs", aiGatewayClassName="other"), gateway("x", aiGatewayClassName="")
        )
        == {}
    )


def test_routes_count_by_their_gateway_or_our_status() -> None:
    counts = count(
        TOOL_CLASS,
        tool_gateway("tools"),
        with_status(tool_route("served", "tools"), OURS, Ready="True"),
        with_status(tool_route("dangling", "missing"), OURS, Ready="False"),
        with_status(tool_route("theirs", "elsewhere"), "another-controller", Ready="False"),
        tool_route("new", "tools"),
        tool_route("detached"),
    )

    assert {key: number for key, number in counts.items() if key[0] == "ToolRoute"} == {
        ("ToolRoute", "Ready", "True"): 1,
        ("ToolRoute", "Ready", "False"): 1,
        ("ToolRoute", "Ready", "Unknown"): 1,
    }
