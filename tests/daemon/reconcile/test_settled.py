"""A reconcile that passes over settled gateways does what one does that looks at all of them."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_components.api.meta import API_VERSION
from gateway_components.daemon.reconcile.ledger import Ledger
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.engine.diagnostics import Outcome
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure
from gateway_components.plan.ownership import Applied, Drift, Mark
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.snapshot import ExistingObject
from gateway_components.plan.status import Rollout
from tests.daemon.reconcile.test_ledger import plan_of, planned, run
from tests.daemon.reconcile.world import REFUSED, World, key, reconciler

NAMES = ("a", "b", "c")
SERVICE = Identity("Service", "ns", "a")
WARNED = {"ai-gateway-litellm.agentic-layer.ai/nothing": "x"}


class Watched(World):
    """Says of each gateway what was seen of it last, if it does; `told` is what was reported of each."""

    def __init__(self, *names: str, stamped: bool) -> None:
        super().__init__(*names)
        self.stamped = stamped
        self.told: dict[str, tuple[object, ...]] = {}

    def stamp(self, of: Identity) -> bytes | None:
        seen = self.raw(of), self.rollouts.get(of.name), self.drifted.get(f"uid-{of.name}")
        return repr(seen).encode() if self.stamped else None

    async def outcome(
        self, gateway: GatewayPlan, raw: Mapping[str, Any], failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        digest = gateway.objects and gateway.objects.digest
        self.told[gateway.key.name] = digest, gateway.warnings, str(failure), rollout, repr(raw)
        return True


def edit(world: Watched, name: str, number: int) -> None:
    world.gateways[name] = world.raw_gateway(name, f"model-{number}", "litellm" if number else "other")


def annotate(world: Watched, name: str, number: int) -> None:
    if name in world.gateways:
        metadata = {**world.gateways[name]["metadata"], "annotations": WARNED if number else {}}
        world.gateways[name] = {**world.gateways[name], "metadata": metadata}


def delete(world: Watched, name: str, _: int) -> None:
    world.gateways.pop(name, None)


def serve_tools(world: Watched, name: str, number: int) -> None:
    world.add_tools(f"tools-{name}", "litellm" if number else "other")
    world.add_route(f"route-{name}", f"tools-{name}" if number > 1 else "")


def fail(world: Watched, name: str, number: int) -> None:
    world.failures = {key(name): REFUSED} if number else {}


def hide(world: Watched, name: str, number: int) -> None:
    world.undecided = {key(name)} if number else set()


def take(world: Watched, name: str, _: int) -> None:
    world.drifted[f"uid-{name}"] = [Drift(Identity("Service", "ns", name), ("spec.type",))]


def roll_out(world: Watched, name: str, number: int) -> None:
    world.rollouts[name] = Rollout(number > 0, 1, 1, 1, int(number > 1), uid="uid", generation=1)


def rewrite_state(world: Watched, *_: Any) -> None:
    world.current = False


def wait(world: Watched, _: str, number: int) -> None:
    world.seconds += 10.0**number


HAPPENINGS: tuple[Callable[[Watched, str, int], None], ...] = (
    edit,
    annotate,
    delete,
    serve_tools,
    fail,
    hide,
    take,
    roll_out,
    rewrite_state,
    wait,
)
happenings = st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(NAMES), st.integers(0, 2))


@settings(max_examples=settings().max_examples // 3)
@given(script=st.lists(st.lists(happenings, max_size=3), max_size=12))
async def test_the_settled_are_passed_over_without_a_difference(
    script: list[list[tuple[Callable[[Watched, str, int], None], str, int]]],
) -> None:
    worlds = [Watched(*NAMES, stamped=stamped) for stamped in (True, False)]
    subjects = [reconciler(world) for world in worlds]
    for happening in ([], *script, []):
        for act, name, number in happening:
            for world in worlds:
                act(world, name, number)
        again = []
        for subject in subjects:
            # Back-offs are spread at random.
            random.seed(0)
            again.append(await subject.reconcile("ns"))
        assert again[0] == again[1]
        assert worlds[0].told == worlds[1].told
        assert worlds[0].steps == worlds[1].steps


class Marked(Watched):
    """Counts the looks for drift; what is applied is a Service."""

    looks = 0

    def drifts(self, applied: Applied) -> list[Drift]:
        self.looks += 1
        return super().drifts(applied)

    async def apply(self, namespace: str, batch: Batch) -> Outcome:
        outcome = await super().apply(namespace, batch)
        marks = {SERVICE: Mark("uid", 1, frozenset())}
        held = {key: replace(applied, marks=marks) for key, applied in outcome.held.items() if applied}
        return replace(outcome, held=held)


@pytest.mark.parametrize("seen", [True, False])
async def test_drift_is_looked_for_while_an_object_was_not_seen(seen: bool) -> None:
    world = Marked("a", stamped=True)
    subject = reconciler(world)
    world.parts["existing"] = (
        {SERVICE: ExistingObject((API_VERSION, "AiGateway", "a"), applied=True)} if seen else {}
    )
    for _ in range(3):
        await subject.reconcile("ns")
    world.looks = 0

    await subject.reconcile("ns")

    assert world.looks == (not seen), "an object that is not seen may have been deleted before anybody saw it"


def everything(_: Identity) -> object:
    return "seen"


def test_a_settled_gateway_is_passed_over_until_something_is_new() -> None:
    ledger, plan = Ledger({}), plan_of(planned("a"), planned("b"))
    run(ledger, plan)
    assert ledger.pending(plan, everything) == plan

    ledger.settle(plan.gateways[key("a")], "seen")

    assert list(ledger.pending(plan, everything).gateways) == [key("b")]
    assert ledger.pending(plan, lambda _: "seen anew") == plan
    edited = plan_of(planned("a", "another"), planned("b"))
    assert ledger.pending(edited, everything) == edited


def test_what_is_looked_at_again_is_settled_no_longer() -> None:
    ledger, plan = Ledger({}), plan_of(planned("a"))
    run(ledger, plan)
    ledger.settle(plan.gateways[key("a")], "seen")

    ledger.refresh(key("a"))

    assert ledger.pending(plan, everything) == plan
