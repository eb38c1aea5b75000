"""What a pass works with, as it sees it: the view of the cluster, and the engine."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey, RouteKey, Subject
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Engine", "View"]


class View(Protocol):
    """What a pass reads."""

    async def snapshot(self, namespace: str) -> Snapshot:
        """Return everything that the plan of `namespace` depends on."""

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

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""


class Engine(Protocol):
    """What a pass applies with; blocking, one run per namespace at a time."""

    def held(self, namespace: str) -> frozenset[GatewayKey]:
        """Return the gateways in the state of `namespace`."""

    def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> dict[GatewayKey, Failure]:
        """Apply `wanted`, let go of `release`, and return what failed."""

    def forget(self, namespace: str) -> None:
        """Drop the state of a namespace without gateways."""
