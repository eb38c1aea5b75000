"""A reconcile of one namespace, with stand-ins for cluster and engine: what becomes of routes and of what leaves."""

import pytest

from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError
from gateway_components.plan.routes import RoutePlan
from tests.daemon.reconcile.world import REFUSED, Recorder, World, key, reconciler


async def test_conditions_go_before_the_state_forgets_the_gateway() -> None:
    world = World("stays", "leaves")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")

    await subject.reconcile("ns")

    assert world.steps == [
        "released leaves there",
        "status stays fine",
        "apply  release leaves",
        "status stays fine",
    ]


async def test_the_state_remembers_while_conditions_are_there() -> None:
    world = World("leaves", held=[key("leaves")])
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")
    world.settled = False

    assert await reconciler(world).reconcile("ns") is not None
    assert world.steps == ["released leaves there"]


async def test_what_nobody_can_tell_is_kept_and_all_else_continues() -> None:
    world = World("plain", "kept", held=[key("kept"), key("unseen"), key("gone")])
    world.undecided = {key("kept"), key("unseen")}

    await reconciler(world).reconcile("ns")

    assert world.steps == ["released gone gone", "apply plain release gone", "status plain fine"]


async def test_a_state_of_nothing_but_what_nobody_can_tell_is_kept() -> None:
    world = World(held=[key("unseen")])
    world.undecided = {key("unseen")}

    await reconciler(world).reconcile("ns")

    assert world.steps == []


async def test_what_no_run_lets_go_of_is_tried_with_pauses() -> None:
    world = World("leaves", "fails")
    world.failures = {key("fails"): REFUSED}
    subject = reconciler(world)
    world.seconds = await subject.reconcile("ns") or 0.0
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")
    world.kept = {key("leaves")}

    assert await subject.reconcile("ns"), "though a retry is due"


async def test_what_a_run_did_not_let_go_of_is_let_go_of_soon() -> None:
    world = World("stays", "leaves")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")
    world.gateways["stays"] = world.raw_gateway("stays", "other-model")
    world.kept = {key("leaves")}
    world.steps.clear()

    assert (await subject.reconcile("ns") or 9) < 1
    world.kept.clear()
    assert await subject.reconcile("ns") is None

    runs = [step for step in world.steps if step.startswith("apply")]
    assert runs == ["apply stays release leaves", "apply  release leaves"]


async def test_an_empty_namespace_is_forgotten_without_a_run() -> None:
    world = World(held=[key("gone")])

    await reconciler(world).reconcile("ns")

    assert world.steps == ["released gone gone", "forget"]


async def test_a_gateway_comes_back_to_a_forgotten_namespace_as_a_new_one() -> None:
    world = World("a")
    subject = reconciler(world)
    await subject.reconcile("ns")
    gone = world.gateways.pop("a")
    assert await subject.reconcile("ns") is None
    world.gateways["a"] = gone
    world.steps.clear()

    await subject.reconcile("ns")

    assert world.steps == ["apply a", "status a fine"]


async def test_a_refused_status_is_due_again_in_a_namespace_without_gateways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*_: object) -> bool:
        raise ApiError(403, "Forbidden", "no")

    world = World()
    world.add_route("lost", "missing")
    subject = reconciler(world)
    with monkeypatch.context() as refusing:
        refusing.setattr(Recorder, "route", refuse)
        pauses = [await subject.reconcile("ns") or 0.0 for _ in range(3)]

    assert 0 < pauses[0] < pauses[1] < pauses[2] <= 60, "the namespace is remembered for them"
    assert await subject.reconcile("ns") is None


async def test_guests_of_a_gateway_that_does_not_exist_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    world, reported = World(), set[str]()
    for number in range(70):
        world.add_route(f"guest-{number}", "missing")
        raw = world.routes[f"guest-{number}"]
        raw["metadata"]["namespace"], raw["spec"]["toolGatewayRef"]["namespace"] = "guests", "ns"

    async def report(_: Recorder, route: RoutePlan, *__: object) -> bool:
        reported.add(route.key.name)
        world.seconds += 0.05
        return True

    monkeypatch.setattr(Recorder, "route", report)
    subject = reconciler(world)
    for _ in range(4):
        await subject.reconcile("ns")

    assert len(reported) == 70


async def test_routes_are_reported_once_their_gateway_is_applied() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    world.add_route("detached")

    await reconciler(world).reconcile("ns")

    assert world.steps == ["apply tools", "status tools fine", "route served fine"]


async def test_a_failed_gateway_degrades_its_routes_at_once() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    world.add_route("lost", "missing")
    world.failures = {Identity("ToolGateway", "ns", "tools"): REFUSED}

    await reconciler(world).reconcile("ns")

    missing = "route lost GatewayNotFound ToolGateway ns/missing does not exist"
    assert world.steps == [
        missing,
        "apply tools",
        "status tools ServiceFailed",
        missing,
        "route served degraded",
    ]


async def test_a_leaving_gateway_takes_the_status_of_its_routes() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()

    world.add_tools("tools", class_name="foreign")
    assert await subject.reconcile("ns") is None, "no such class: nobody runs it"

    assert world.steps[0] == "released tools there"
    assert "no controller runs" in world.steps[1]


async def test_a_gateway_that_never_ran_loses_its_conditions_as_well() -> None:
    world = World()
    world.add_tools("tools", guardrails=[{"name": "missing"}])
    subject = reconciler(world)
    await subject.reconcile("ns")
    assert world.steps == ["status tools GuardrailsResolutionFailed", "forget"]
    world.steps.clear()

    world.add_tools("tools", class_name="foreign", guardrails=[{"name": "missing"}])
    await subject.reconcile("ns")
    await subject.reconcile("ns")

    assert world.steps == ["released tools there", "forget", "forget"], "once is enough"


async def test_what_an_earlier_daemon_reported_is_taken_off() -> None:
    world = World()
    world.add_tools("tools", class_name="foreign")
    world.add_route("detached")
    world.add_route("untouched")
    world.reported_before = {"tools", "detached"}

    await reconciler(world).reconcile("ns")

    assert world.steps == ["released tools there", "released detached there", "forget"]


async def test_a_detached_route_is_released() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("moving", "tools")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()

    world.add_route("moving")
    await subject.reconcile("ns")

    assert world.steps[0] == "released moving there"


async def test_a_route_that_cannot_be_read_says_why() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("odd", "tools")
    world.routes["odd"]["spec"]["upstream"] = {"toolServerRef": {"name": "missing"}}
    world.faults = {"odd": "spec.upstream: is a list"}

    await reconciler(world).reconcile("ns")

    assert "route odd UpstreamUnresolved spec.upstream: is a list" in world.steps
