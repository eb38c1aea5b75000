"""Plans beside the event loop: large ones in a process of their own, within bounds, and none twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gateway_components.api.meta import API_VERSION
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile import planner as planner_module
from gateway_components.daemon.reconcile.plan_worker import PlanWorker
from gateway_components.daemon.reconcile.planner import Planner
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.generate import Generated, generate
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import ExistingObject, Snapshot
from tests.plan.make import (
    gateway,
    guard,
    guardrail_provider,
    key,
    patch_contents,
    snapshot,
    tool_gateway,
    tool_key,
)

NAMESPACE = key().namespace
LARGE = "general_settings:\n" + "".join(f"  unheard_of_{number}: 1\n" for number in range(3_000))


class CountingWorker(PlanWorker):
    """Plans in this process, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.planned: list[str] = []

    async def generate(self, inputs: Any) -> Generated:
        self.planned.append(inputs[0].metadata.name)
        return generate(*inputs)


@pytest.fixture
def clock() -> Iterator[Clock]:
    with ThreadPoolExecutor(2) as executor:
        yield Clock(executor)


@pytest.fixture
async def worker() -> AsyncIterator[PlanWorker]:
    made = PlanWorker()
    yield made
    await made.aclose()


def patched(text: str = LARGE, **kwargs: Any) -> Snapshot:
    return snapshot(gateway(patch="patch", **kwargs), contents=patch_contents(text))


def same(one: Plan, other: Plan) -> bool:
    return (one.gateways, one.routes) == (other.gateways, other.routes)


async def test_a_large_plan_of_the_process_is_the_plan(clock: Clock, worker: PlanWorker) -> None:
    wanted = patched()
    planned = await Planner(clock, worker).plan(NAMESPACE, wanted)

    assert same(planned, plan(wanted))
    assert planned.gateways[key()].objects is not None
    assert not planned.unfinished


async def test_what_was_applied_is_not_planned_again(
    clock: Clock, worker: PlanWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(*inputs: Any) -> Generated:
        made.append(inputs[0].metadata.name)
        return generate(*inputs)

    monkeypatch.setattr(planner_module, "generate", counted)
    planner, wanted = Planner(clock, worker), snapshot(gateway())
    before = await planner.plan(NAMESPACE, wanted)
    ours = ExistingObject((API_VERSION, key().kind, key().name), applied=True)
    hashes = before.gateways[key()].objects.hashes  # type: ignore[union-attr]  # it has no failure

    existing = dict.fromkeys(wanted_objects(key()), ours)
    applied = replace(wanted, existing=existing, running={key(): hashes})

    assert same(await planner.plan(NAMESPACE, applied), before)
    assert made == [key().name]


async def test_a_failure_of_the_process_is_the_failure(clock: Clock, worker: PlanWorker) -> None:
    wanted = patched(f"{LARGE}  unheard_of_7: 2\n")
    planned = await Planner(clock, worker).plan(NAMESPACE, wanted)

    assert same(planned, plan(wanted))
    failure = planned.gateways[key()].failure
    assert failure is not None
    assert (failure.reason, "duplicate key" in failure.message) == (Reason.CONFIG_PATCH_INVALID, True)


async def test_nothing_is_planned_twice(clock: Clock) -> None:
    worker = CountingWorker()
    planner = Planner(clock, worker)
    first = await planner.plan(NAMESPACE, patched())
    assert same(await planner.plan(NAMESPACE, patched()), first)
    assert worker.planned == [key().name]

    await planner.plan(NAMESPACE, patched(f"{LARGE}  another: 1\n"))
    assert len(worker.planned) == 2, "what it refers to has changed"
    planner.forget(key())
    await planner.plan(NAMESPACE, patched(f"{LARGE}  another: 1\n"))
    assert len(worker.planned) == 3, "it was gone"


async def test_a_small_plan_is_kept_too(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(*inputs: Any) -> Generated:
        made.append(inputs[0].metadata.name)
        return generate(*inputs)

    monkeypatch.setattr(planner_module, "generate", counted)
    planner, worker = Planner(clock, CountingWorker()), CountingWorker()
    first = await planner.plan(NAMESPACE, snapshot(gateway(), tool_gateway()))
    changed = snapshot(gateway(), tool_gateway(env=[{"name": "A", "value": "b"}]))
    assert (await planner.plan(NAMESPACE, changed)).gateways[key()] == first.gateways[key()]

    assert sorted(made) == sorted([key().name, tool_key().name, tool_key().name])
    assert worker.planned == []


async def test_findings_of_a_large_plan_are_reported_in_full(clock: Clock, worker: PlanWorker) -> None:
    models = [{"name": "m", "provider": "os.environ/A"}, {"name": "os.environ/B", "provider": "openai"}]
    wanted = snapshot(gateway(aiModels=models, env=[{"name": f"V{number}"} for number in range(1_000)]))

    found = (await Planner(clock, worker).plan(NAMESPACE, wanted)).gateways[key()].failure

    assert found
    assert len(found.findings) > 1
    assert found == plan(wanted).gateways[key()].failure


@pytest.mark.parametrize("part", ["commonMetadata", "env", "guard"])
async def test_texts_of_any_field_make_a_plan_a_large_one(clock: Clock, part: str) -> None:
    texts = {f"ENTITY_{number}": "MASK" for number in range(2_000)}
    fields: dict[str, dict[str, Any]] = {
        "commonMetadata": {"commonMetadata": {"annotations": texts}},
        "env": {"env": [{"name": "LARGE", "value": "x" * 30_000}]},
        "guard": {"guardrails": [{"name": "guard"}]},
    }
    objects = gateway(**fields[part]), guard("guard", presidio={"entityActions": texts}), guardrail_provider()
    counting = CountingWorker()

    await Planner(clock, counting).plan(NAMESPACE, snapshot(*objects))

    assert counting.planned


async def test_a_namespace_makes_only_so_many_large_plans(clock: Clock) -> None:
    text = "environment_variables:\n" + "".join(f"  V{number}: {'x' * 40_000}\n" for number in range(23))
    many = [gateway(f"g{number}", patch="patch", uid=f"u{number}") for number in range(50)]
    counting = CountingWorker()

    planned = await Planner(clock, counting).plan(NAMESPACE, snapshot(*many, contents=patch_contents(text)))

    assert len(counting.planned) == 4
    assert sum(1 for one in planned.gateways.values() if one.objects) == 4


async def test_large_plans_without_end_wait_for_the_next_pass(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner_module, "_NAMESPACE_SECONDS", -1.0)
    worker = CountingWorker()
    planner = Planner(clock, worker)
    wanted = patched()
    planned = await planner.plan(NAMESPACE, wanted)

    failure = planned.gateways[key()].failure
    assert planned.unfinished
    assert failure is not None
    assert "is made in a later reconcile" in str(failure)
    assert "smaller" in failure.cure

    monkeypatch.undo()
    assert same(await planner.plan(NAMESPACE, wanted), plan(wanted))


async def test_a_namespace_without_gateways_takes_no_memory(clock: Clock) -> None:
    planner = Planner(clock, CountingWorker())
    await planner.plan(NAMESPACE, snapshot(gateway()))
    assert planner._memos
    planner.forget(key())
    await planner.plan(NAMESPACE, snapshot())
    assert not planner._memos


async def test_what_is_kept_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner_module, "_MOST_BYTES", 10)
    worker = CountingWorker()
    planner = Planner(clock, worker)
    wanted = patched()
    assert same(await planner.plan(NAMESPACE, wanted), plan(wanted))
    assert same(await planner.plan(NAMESPACE, wanted), plan(wanted))
    assert len(worker.planned) == 2, "it was not kept"


def inputs(text: str) -> tuple[Any, ...]:
    """Return what a plan hands on about a gateway with a patch."""
    found: list[tuple[Any, ...]] = []

    def note(*given: Any) -> Generated:
        found.append(given)
        return generate(*given)

    plan(patched(text), note)
    return found[0]


async def test_a_large_plan_is_packed_in_its_process(worker: PlanWorker) -> None:
    made = await worker.generate(inputs(LARGE))

    assert made.objects.packed_bytes, "the event loop would pack it"
    assert made == generate(*inputs(LARGE))


async def test_a_plan_beyond_its_time_is_a_failure_with_a_cure() -> None:
    worker = PlanWorker(cpu_seconds=0.05)
    try:
        with pytest.raises(Failure, match=r"planning it takes more than 0.05 s of processor time") as caught:
            await worker.generate(inputs(LARGE))
        assert "smaller" in caught.value.cure
        assert (await worker.generate(inputs("a: 1\n"))).objects, "the process lives on"
    finally:
        await worker.aclose()


async def test_a_process_that_was_ended_is_started_again(worker: PlanWorker) -> None:
    assert (await worker.generate(inputs(LARGE))).objects
    process = worker._process
    assert process is not None
    process.kill()
    await process.wait()
    assert (await worker.generate(inputs(LARGE))).objects


async def test_who_is_cancelled_leaves_no_answer_to_the_next(worker: PlanWorker) -> None:
    await worker.generate(inputs("a: 1\n"))
    asking = asyncio.create_task(worker.generate(inputs(LARGE)))
    while not worker._turn.locked():  # noqa: ASYNC110
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    small = await worker.generate(inputs("a: 1\n"))
    assert small == generate(*inputs("a: 1\n"))


async def test_the_loop_goes_on_beside_a_large_plan(clock: Clock, worker: PlanWorker) -> None:
    planning = asyncio.create_task(Planner(clock, worker).plan(NAMESPACE, patched()))
    steps = 0
    while not planning.done():
        await asyncio.sleep(0)
        steps += 1
    assert steps > 100
    assert (await planning).gateways[key()].objects


def test_a_gateway_is_given_what_it_refers_to_alone() -> None:
    wanted = patched("a: 1\n")
    (reference,) = wanted.contents
    other = reference._replace(name="of-somebody-else")
    crowd = replace(
        wanted, contents={**wanted.contents, other: wanted.contents[reference]}, absent=frozenset({other})
    )
    given: list[Any] = []

    def note(*args: Any) -> Generated:
        given.extend(args)
        return generate(*args)

    plan(crowd, note)
    assert given[1].keys() == {reference}
    assert other not in given[4].absent


async def test_unchanged_gateways_are_not_unpacked(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[str] = []
    unpack = GatewayObjects._unpacked

    def counted(self: GatewayObjects) -> list[Any]:
        unpacked.append(self.url)
        return unpack(self)

    monkeypatch.setattr(GatewayObjects, "_unpacked", counted)
    planner, many = Planner(clock, CountingWorker()), [gateway(f"g{number}") for number in range(20)]
    await planner.plan(NAMESPACE, snapshot(*many))
    changed = snapshot(*many[1:], gateway("g0", port=4000))
    planned = (await planner.plan(NAMESPACE, changed)).gateways

    # All that a reconcile asks of a gateway that it does not apply.
    asked = [
        (one.digest, one.size, one.url, one.hashes) for found in planned.values() if (one := found.objects)
    ]
    assert (len(asked), unpacked) == (20, [])

    made = plan(changed).gateways
    assert {key: found.objects for key, found in planned.items()} == {
        key: found.objects for key, found in made.items()
    }
    assert [one.objects and one.objects.manifests for one in planned.values()] == [
        one.objects and one.objects.manifests for one in made.values()
    ]
    assert [one.objects and one.objects.hashes for one in planned.values()] == [
        one.objects and one.objects.hashes for one in made.values()
    ]
