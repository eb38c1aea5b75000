"""What a namespace can have kept of it is bounded, and nothing of it is at the cost of another."""

from typing import Any

import pytest

from gateway_components.api.guardrails import Guard
from gateway_components.daemon.watch.projections import OUTLINES, PROJECTIONS, GatewayState
from gateway_components.kube.projector import Projector
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.plan.snapshot import Unreadable


def projector(kind: str) -> Projector[Any]:
    return Projector(CUSTOM_RESOURCES[kind], None, PROJECTIONS[kind], OUTLINES[kind])


def gateway(name: str, sources: int, namespace: str = "ns") -> dict[str, Any]:
    models = [{"name": "gpt-4o", "provider": "openai"}]
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": {"aiModels": models, "envFrom": [{} for _ in range(sources)]},
    }


def keep(to: Projector[Any], raw: dict[str, Any]) -> GatewayState:
    kept = to.keep((raw["metadata"]["namespace"], raw["metadata"]["name"]), raw, None)
    assert isinstance(kept, GatewayState)
    return kept


def test_a_list_of_empty_items_does_not_grow_a_hundredfold() -> None:
    kept = keep(projector("AiGateway"), gateway("chat", 400_000))

    assert kept.model is None
    assert kept.fault.startswith("it holds more than 20000 values; shorten its lists")


def test_the_largest_gateway_that_can_be_of_use_is_read() -> None:
    raw = gateway("chat", 0)
    raw["spec"]["aiModels"] = [{"name": f"model-{number}", "provider": "openai"} for number in range(6_000)]

    assert keep(projector("AiGateway"), raw).model


@pytest.mark.parametrize("kind", ["Guard", "GuardrailProvider", "ToolServer"])
def test_what_is_referred_to_is_bounded_as_well(kind: str) -> None:
    raw = gateway("large", 30_000)

    assert isinstance(projector(kind).keep(("ns", "large"), raw, None), Unreadable)


def test_a_guard_with_thousands_of_entities_counts_its_values() -> None:
    raw = gateway("large", 0)
    raw["spec"] = {"mode": ["pre_call"], "providerRef": {"name": "p"}, "presidio": {"entityActions": {}}}
    raw["spec"]["presidio"]["entityActions"] = {f"E{number}": "MASK" for number in range(500)}

    assert isinstance(projector("Guard").keep(("ns", "large"), raw, None), Guard)


def test_namespaces_have_an_allowance_beyond_small_objects() -> None:
    to = projector("AiGateway")
    large = [keep(to, gateway(f"large-{number}", 15_000)) for number in range(8)]

    assert [kept.model is not None for kept in large] == [True] * 6 + [False] * 2
    assert "hold more than 100000 values" in large[-1].fault
    assert keep(to, gateway("small", 5)).model, "in the same namespace"
    assert keep(to, gateway("other", 15_000, namespace="other")).model, "in another one"


def test_what_goes_or_shrinks_gives_its_share_back() -> None:
    to = projector("AiGateway")
    for number in range(6):
        keep(to, gateway(f"large-{number}", 15_000))
    assert keep(to, gateway("next", 15_000)).model is None
    assert keep(to, gateway("large-0", 15_000)).model, "what was read counts once"

    to.forget(("ns", "large-0"))
    assert keep(to, gateway("next", 15_000)).model
    keep(to, gateway("large-1", 1))
    assert keep(to, gateway("large-0", 15_000)).model
