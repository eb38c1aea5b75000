"""What a pass works with, as it sees it: the view of the cluster, and the engine."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gateway_components.engine.result import Outcome
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey, RouteKey, Subject
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.rollout import Rollout
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.workload import GatewayObjects

if TYPE_CHECKING:
    from gateway_components.daemon.ledger import Batch

__all__ = ["Engine", "Reports", "View"]


class View(Protocol):
    """What a pass reads."""

    async def snapshot(self, namespace: str, held: Collection[GatewayKey] = ()) -> Snapshot:
        """Return everything that the plan of `namespace` depends on; the state holds the gateways `held`."""

    def leaves(self, namespace: str) -> bool:
        """Tell whether a namespace is being deleted, or not there at all."""

    def raw(self, subject: Subject) -> Mapping[str, Any] | None:
        """Return the raw object of a gateway or a route; None where it is gone."""

    def reported(self, subject: Subject) -> bool:
        """Tell whether the conditions of a gateway or a route were last written by a daemon of ours."""

    def route(self, planned: RoutePlan) -> Mapping[str, Any] | None:
        """Return the raw object of a route; None where it is gone, or says something else by now."""

    def fault(self, route: RouteKey) -> str:
        """Return why a route cannot be read; empty where it can."""

    def drifts(self, applied: Applied) -> list[Drift]:
        """Return which of the objects that were applied somebody changed or deleted since."""

    def is_state_current(self, namespace: str, version: int | None) -> bool:
        """Tell whether nobody has written or deleted the state of `namespace` since `version`."""

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""


class Engine(Protocol):
    """What a pass applies with; one call per namespace at a time."""

    def version(self, namespace: str) -> int | None:
        """Return the version of the state of `namespace` that was read or written last; None where there is none."""

    async def held(self, namespace: str) -> Mapping[GatewayKey, Applied | None]:
        """Read the state of `namespace`, and return the gateways in it; None for one that must be looked at."""

    async def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> Outcome:
        """Apply `wanted`, let go of `release`, and say how it went."""

    def interrupt(self, namespace: str) -> None:
        """Cut an `apply` short; it raises EngineInterruptedError, unless it ends by itself."""

    async def forget(self, namespace: str) -> None:
        """Drop the state of a namespace without gateways."""


class Reports(Protocol):
    """What a pass tells of what it finds and does; a report that says nothing new tells nothing."""

    async def gateway(
        self, gateway: GatewayPlan, raw: Mapping[str, Any], failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        """Tell how a gateway is doing; False where it changed meanwhile."""

    async def route(self, route: RoutePlan, raw: Mapping[str, Any], degraded: Failure | None) -> bool:
        """Tell how a route is doing; False where it changed meanwhile."""

    def has_our_status(self, subject: Subject, raw: Mapping[str, Any], *, by_us: bool) -> bool:
        """Tell whether a gateway or a route bears a status of ours."""

    async def released(self, subject: Subject, raw: Mapping[str, Any] | None) -> bool:
        """Take our status off what is ours no longer; False where it changed meanwhile."""

    def drifted(self, key: GatewayKey, drifts: Sequence[Drift]) -> None:
        """Hear what somebody changed or deleted, before it is put right."""

    async def mended(self, key: GatewayKey, raw: Mapping[str, Any] | None, drifts: Sequence[Drift]) -> None:
        """Tell that it was put right."""

    def engine_ran(
        self,
        namespace: str,
        batch: "Batch",
        release: Collection[GatewayKey],
        failures: Mapping[GatewayKey, Failure],
        seconds: float,
    ) -> None:
        """Hear of a run of the engine."""

    def overtaken(self, namespace: str, batch: "Batch", seconds: float) -> None:
        """Hear that a run was cut short for others, `seconds` after its begin."""
