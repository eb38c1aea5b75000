"""One namespace with stand-ins for cluster and engine, which tell what a reconcile of it did in which order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from gateway_components.api.gateways import (
    AiGateway,
    AiGatewayClass,
    AiGatewayClassSpec,
    ToolGateway,
    ToolGatewayClass,
    ToolGatewayClassSpec,
)
from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.api.meta import ObjectMeta
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import MOST_AT_ONCE, Batch
from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.daemon.reconcile.report import Reporter
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout

T = TypeVar("T")

REFUSED = Failure(Reason.SERVICE_FAILED, "refused")
CLASS = AiGatewayClass(
    metadata=ObjectMeta(name="litellm"), spec=AiGatewayClassSpec(controller=AI_GATEWAY.controller)
)
TOOL_CLASS = ToolGatewayClass(
    metadata=ObjectMeta(name="litellm"), spec=ToolGatewayClassSpec(controller=TOOL_GATEWAY.controller)
)


def key(name: str) -> Identity:
    return Identity("AiGateway", "ns", name)


class World(Clock):
    """View, engine, reporter and clock in one; `steps` tells what was done.

    Attributes
    ----------
    hanging
        Gateways on whose account a run goes on until it is interrupted.
    running, changes
        Set while a run goes on; filled with each change that is to be seen beside it.
    stamps
        What stands for gateways as they were last seen, by name.
    most, on_room
        Gateways of a run; called with their number before it finds room.
    """

    def __init__(self, *names: str, held: Iterable[Identity] = ()) -> None:
        self.most = MOST_AT_ONCE
        self.stamps: dict[str, bytes] = {}
        self.on_room: Callable[[int], object] = lambda _: None
        self.gateways = {name: self.raw_gateway(name) for name in names}
        self.tools: dict[str, dict[str, Any]] = {}
        self.routes: dict[str, dict[str, Any]] = {}
        self.state: dict[Identity, Applied | None] = dict.fromkeys(held)
        self.current = True
        self.drifted: dict[str, list[Drift]] = {}
        self.failures: dict[Identity, Failure] = {}
        self.broken: list[Exception] = []
        self.kept: set[Identity] = set()
        self.reported_before: set[str] = set()
        self.faults: dict[str, str] = {}
        self.rollouts: dict[str, Rollout] = {}
        self.parts: dict[str, Any] = {}
        self.going = False
        self.undecided: set[Identity] = set()
        self.settled = True
        self.hanging: set[str] = set()
        self.running = asyncio.Event()
        self.changes: asyncio.Queue[None] = asyncio.Queue()
        self._interrupted = asyncio.Event()
        self.seconds = 0.0
        self.steps: list[str] = []

    @asynccontextmanager
    async def room(self, gateways: int) -> AsyncIterator[None]:
        self.on_room(gateways)
        yield

    @staticmethod
    def raw_gateway(name: str, model: str = "gpt-4o", class_name: str = "litellm") -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "generation": 1},
            "spec": {"aiGatewayClassName": class_name, "aiModels": [{"name": model, "provider": "openai"}]},
        }

    def add_tools(self, name: str, class_name: str = "litellm", **spec: Any) -> None:
        self.tools[name] = {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "generation": 1},
            "spec": {"toolGatewayClassName": class_name, **spec},
        }

    def add_route(self, name: str, gateway: str = "") -> None:
        upstream = {"upstream": {"external": {"url": "https://example.com/mcp"}}}
        reference = {"toolGatewayRef": {"name": gateway}} if gateway else {}
        self.routes[name] = {
            "metadata": {"name": name, "namespace": "ns", "generation": 1},
            "spec": {**upstream, **reference},
        }

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        # Time passes only where nothing else is left to do.
        for _ in range(20):
            await asyncio.sleep(0)
        self.seconds += seconds

    async def changed(self, namespace: str) -> None:
        await self.changes.get()
        self.changes.task_done()

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        return work(*args)

    async def snapshot(self, namespace: str, held: Collection[Identity] = ()) -> Snapshot:
        known = {name: raw for name, raw in self.gateways.items() if key(name) not in self.undecided}
        gateways = [parse_as(AiGateway, raw) for raw in known.values()]
        tools = [parse_as(ToolGateway, raw) for raw in self.tools.values()]
        routes = tuple(parse_as(ToolRoute, raw) for raw in self.routes.values())
        return Snapshot(
            gateways=(*gateways, *tools),
            classes=(CLASS, TOOL_CLASS),
            routes=routes,
            undecided=frozenset(self.undecided),
            **self.parts,
        )

    def leaves(self, namespace: str) -> bool:
        return self.going

    def raw(self, of: Identity) -> Mapping[str, Any] | None:
        return {**self.gateways, **self.tools, **self.routes}.get(of.name)

    def stamp(self, of: Identity) -> bytes | None:
        return self.stamps.get(of.name)

    def reported(self, of: Identity) -> bool:
        return of.name in self.reported_before

    def route(self, planned: RoutePlan) -> Mapping[str, Any] | None:
        return self.routes.get(planned.key.name)

    def fault(self, route: Identity) -> str:
        return self.faults.get(route.name, "")

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        return self.rollouts.get(gateway.key.name)

    def version(self, namespace: str) -> int | None:
        return None

    def is_state_current(self, namespace: str, version: int | None) -> bool:
        return self.current

    def drifts(self, applied: Applied) -> list[Drift]:
        return self.drifted.get(applied.uid or "", [])

    async def held(self, namespace: str) -> Mapping[Identity, Applied | None]:
        self.current = True
        return dict(self.state)

    async def apply(self, namespace: str, batch: Batch) -> Outcome:
        wanted, release = batch.wanted, batch.release
        names = ",".join(sorted(known.name for known in wanted))
        freed = ",".join(sorted(known.name for known in release))
        self.steps.append(
            f"apply {names}" + (f" release {freed}" if freed else "") + (" refresh" if batch.refresh else "")
        )
        if self.broken:
            raise self.broken.pop()
        if self.hanging & {known.name for known in wanted}:
            self.running.set()
            await self._interrupted.wait()
            self._interrupted.clear()
            self.running.clear()
            raise EngineInterruptedError("the engine was interrupted")
        self.drifted.clear()
        failures = {known: failure for known, failure in self.failures.items() if known in wanted}
        held = {
            known: Applied(f"uid-{known.name}", objects.digest, {})
            for known, objects in wanted.items()
            if known not in failures
        }
        return Outcome(failures, held, frozenset(release) - self.kept)

    def interrupt(self, namespace: str) -> None:
        self._interrupted.set()

    async def forget(self, namespace: str) -> None:
        self.steps.append("forget")

    async def outcome(
        self, gateway: GatewayPlan, raw: Mapping[str, Any], failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        self.steps.append(f"status {gateway.key.name} {failure.reason if failure else 'fine'}")
        return self.settled

    async def released(self, of: Identity, raw: Mapping[str, Any] | None) -> bool:
        self.steps.append(f"released {of.name} {'there' if raw else 'gone'}")
        return self.settled


class Recorder(Reporter):
    """Hands reports to the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reported_on: set[Identity] = set()

    async def gateway(self, gateway: GatewayPlan, *args: Any) -> bool:
        self.reported_on.add(gateway.key)
        return await self.world.outcome(gateway, *args)

    async def route(self, route: RoutePlan, raw: Mapping[str, Any], degraded: Failure | None) -> bool:
        self.reported_on.add(route.key)
        failure = route.failure
        said = f"{failure.reason} {failure.message}" if failure else "degraded" if degraded else "fine"
        self.world.steps.append(f"route {route.key.name} {said}")
        return True

    def has_our_status(self, subject: Identity, raw: Mapping[str, Any], *, by_us: bool) -> bool:
        return by_us or subject in self.reported_on

    async def released(self, subject: Identity, raw: Mapping[str, Any] | None) -> bool:
        self.reported_on.discard(subject)
        return await self.world.released(subject, raw)

    async def rival_seen(self, key: Identity, raw: Mapping[str, Any]) -> None:
        self.world.steps.append(f"rivalled {key.name}")

    def drifted(self, key: Identity, drifts: Sequence[Drift]) -> None:
        self.world.steps.append(f"drifted {key.name}")

    async def drift_corrected(
        self, key: Identity, raw: Mapping[str, Any] | None, drifts: Sequence[Drift]
    ) -> None:
        self.world.steps.append(f"fixed {key.name}: {'; '.join(map(str, drifts))}")

    def engine_ran(self, *_: Any) -> None:
        """Nothing to note: `apply` has."""

    def preempted(self, namespace: str, batch: Batch, seconds: float) -> None:
        names = ",".join(sorted(known.name for known in batch.wanted))
        self.world.steps.append(f"preempted {names} after {seconds:g} s")


def reconciler(world: World) -> Reconciler:
    return Reconciler(world, world, Recorder(world), world, changed=world.changed)
