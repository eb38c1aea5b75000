"""What the gateways of a namespace take together is bounded, and at the cost of nobody else."""

from gateway_components.identity import Identity
from gateway_components.plan.findings import Reason
from gateway_components.plan.plan import Plan, plan
from tests.plan.make import gateway, guard, guardrail_provider, patch_contents, route, snapshot, tool_gateway

LARGE = "environment_variables:\n" + "".join(f"  V{number}: {'x' * 40_000}\n" for number in range(23))
TOOLS = [f"some_tool_{number:05}" for number in range(6_000)]


def created(day: int) -> str:
    return f"2026-01-{day:02}T00:00:00Z"


def served(planned: Plan, namespace: str = "team") -> set[str]:
    return {key.name for key, one in planned.gateways.items() if one.objects and key.namespace == namespace}


def test_one_patch_cannot_fill_the_engine_by_many_gateways() -> None:
    large = [
        gateway(f"g{day}", created=created(day), patch="patch", uid=f"u{day}") for day in range(9, 0, -1)
    ]
    planned = plan(snapshot(*large, gateway("small"), contents=patch_contents(LARGE)))

    assert served(planned) == {"g1", "g2", "g3", "g4", "small"}, "the oldest, and what is small"
    failure = planned.gateways[Identity("AiGateway", "team", "g5")].failure
    assert failure
    assert failure.reason == Reason.CONFIG_GENERATION_FAILED
    assert "all gateways of namespace team" in str(failure)
    assert failure.cure


def test_other_namespaces_have_room_of_their_own() -> None:
    contents = {**patch_contents(LARGE), **patch_contents(LARGE, namespace="other")}
    large = [gateway(f"g{number}", patch="patch", uid=f"u{number}") for number in range(9)]
    planned = plan(snapshot(*large, gateway("theirs", namespace="other", patch="patch"), contents=contents))

    assert served(planned, "other") == {"theirs"}


def test_a_guard_of_a_megabyte_counts_for_each_gateway() -> None:
    texts = {f"ENTITY_{number:0100}": "MASK" for number in range(8_000)}
    large = [gateway(f"g{number}", guardrails=[{"name": "pii"}], uid=f"u{number}") for number in range(9)]
    planned = plan(snapshot(*large, guard(presidio={"entityActions": texts}), guardrail_provider()))

    assert 1 <= len(served(planned)) <= 5


def test_routes_of_guests_take_nothing_of_what_the_gateways_have() -> None:
    hosts = [tool_gateway(f"t{number}", uid=f"u{number}") for number in range(40)]
    guests = [
        route(
            f"r{number}",
            namespace=f"guest-{number % 10}",
            gateway={"name": f"t{number}", "namespace": "team"},
            toolFilter={"allow": TOOLS},
        )
        for number in range(40)
    ]
    planned = plan(snapshot(*hosts, *guests))

    assert len(served(planned)) == 40
    assert not any(one.failure for one in planned.routes.values())


def test_a_namespace_has_a_share_of_all_gateways_of_another_one() -> None:
    hosts = [tool_gateway(f"t{number}", uid=f"u{number}") for number in range(20)]
    guests = [
        route(f"r{number:02}", namespace="guest", gateway={"name": one.metadata.name, "namespace": "team"})
        for number, one in enumerate(hosts)
    ]
    large = [
        route(
            f"s{number:02}",
            namespace="guest",
            gateway={"name": one.metadata.name, "namespace": "team"},
            toolFilter={"allow": TOOLS},
        )
        for number, one in enumerate(hosts)
    ]
    planned = plan(snapshot(*hosts, *guests, *large)).routes

    refused = [key.name for key, one in planned.items() if one.failure]
    assert refused == [f"s{number:02}" for number in range(20 - len(refused), 20)]
    assert 5 < len(refused) < 15
    failure = planned[Identity("ToolRoute", "guest", "s19")].failure
    assert failure
    assert "all gateways of namespace team" in str(failure)
