"""The interfaces of a reconcile: the view of the cluster, and the engine with its runs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from gateway_components.concurrency import cancel_and_wait
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout, StallReason

T = TypeVar("T")

MOST_AT_ONCE = 75
"""Gateways of one run: engine and provider take 650 MiB for them, and 1.2 GB for 200 without a limit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The gateways of one engine run.

    Attributes
    ----------
    wanted, release
        Objects to apply, and gateways to drop from the state.
    refresh
        Whether the engine must refresh from the cluster first.
    refreshed
        For each gateway that is refreshed, the request that this run answers; a later request stays open.
    retry
        Whether it is about gateways that failed, or held up a run, before.
    overdue
        Whether it is a retry that goes before something fresh, for it has waited long enough.
    due_at
        When (seconds) it was handed out.
    """

    wanted: Mapping[Identity, GatewayObjects] = field(default_factory=dict)
    release: Collection[Identity] = ()
    refresh: bool = False
    refreshed: Mapping[Identity, int] = field(default_factory=dict)
    retry: bool = False
    overdue: bool = False
    due_at: float = 0.0


class PreemptedError(Exception):
    """Work was interrupted for what is more urgent."""


async def preemptible(
    work: Coroutine[Any, Any, T],
    urgent: Coroutine[Any, Any, None],
    cut: Callable[[asyncio.Task[T]], object],
) -> T:
    """Return what `work` returns; neither it nor `urgent` continues afterwards.

    Once `urgent` returns, `cut` is called with the task of `work`, to end it soon: by cancelling it, or by interrupting
    its engine.

    Raises PreemptedError: it was interrupted, and has ended.
    """
    working, watching = asyncio.create_task(work), asyncio.create_task(urgent)
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        cut(working)
        await asyncio.wait((working,))
        watching.result()
        if working.cancelled() or isinstance(working.exception(), EngineInterruptedError):
            raise PreemptedError
        # It ended by itself at the same moment.
        return working.result()
    finally:
        await cancel_and_wait(working, watching)


class View(Protocol):
    """What a reconcile reads; the defaults are those of a source without a status, whose state nobody else writes."""

    async def snapshot(self, namespace: str, held: Collection[Identity] = ()) -> Snapshot:
        """Return everything that the plan of `namespace` depends on; the state holds the gateways `held`."""

    def leaves(self, namespace: str) -> bool:
        """Return whether a namespace is being deleted, or not there at all."""
        return False

    def raw(self, subject: Identity) -> Mapping[str, Any] | None:
        """Return the raw object of a gateway or a route; None where it is gone."""

    def stamp(self, key: Identity) -> object:
        """Return what stands for a gateway and its objects in the last snapshot; None if unknown.

        It is equal to an earlier one only where neither the gateway nor its status nor one of the objects was written.
        """
        return None

    def reported(self, subject: Identity) -> bool:
        """Return whether the conditions of a gateway or a route were last written by a daemon of ours."""
        return False

    def route(self, planned: RoutePlan) -> Mapping[str, Any] | None:
        """Return the raw object of a route; None where it is gone, or says something else by now."""
        return self.raw(planned.key)

    def fault(self, route: Identity) -> str:
        """Return why a route cannot be read; empty where it can."""
        return ""

    def drifts(self, applied: Applied) -> list[Drift]:
        """Return which of the objects that were applied somebody changed or deleted since."""

    def is_state_current(self, namespace: str, version: int | None) -> bool:
        """Return whether nobody has written or deleted the state of `namespace` since `version`."""
        return True

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""


class Engine(Protocol):
    """What a reconcile applies with: at most `most` gateways by one `apply`, and one call per namespace at a time."""

    most: int = MOST_AT_ONCE

    def room(self, gateways: int) -> AbstractAsyncContextManager[None]:
        """Wait until there is room for an `apply` of so many gateways."""
        return nullcontext()

    def version(self, namespace: str) -> int | None:
        """Return the version of the state of `namespace` that was read or written last; None where there is none."""
        return None

    async def held(self, namespace: str) -> Mapping[Identity, Applied | None]:
        """Read the state of `namespace`, and return its gateways; None for one that must be refreshed."""

    async def apply(self, namespace: str, batch: Batch) -> Outcome:
        """Apply and release the gateways of a batch, and return the outcome."""

    def interrupt(self, namespace: str) -> None:
        """Interrupt an `apply`; it raises EngineInterruptedError, unless it has just ended."""

    async def forget(self, namespace: str) -> None:
        """Drop the state of a namespace without gateways."""


class Reports(Protocol):
    """What a reconcile reports; an unchanged report writes nothing, and the defaults write nothing at all."""

    async def gateway(
        self, gateway: GatewayPlan, raw: Mapping[str, Any], failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        """Report the state of a gateway; False if it changed meanwhile."""

    async def route(self, route: RoutePlan, raw: Mapping[str, Any], degraded: Failure | None) -> bool:
        """Report the state of a route; False if it changed meanwhile."""

    def has_our_status(self, subject: Identity, raw: Mapping[str, Any], *, by_us: bool) -> bool:
        """Return whether a gateway or a route has a status of ours."""
        return False

    async def released(self, subject: Identity, raw: Mapping[str, Any] | None) -> bool:
        """Remove our status from what is no longer ours; False if it changed meanwhile."""

    async def rival_seen(self, key: Identity, raw: Mapping[str, Any]) -> None:
        """Report that another operator runs the same gateway."""
        return

    def drifted(self, key: Identity, drifts: Sequence[Drift]) -> None:
        """Record what somebody changed or deleted, before it is restored."""

    async def drift_corrected(
        self, key: Identity, raw: Mapping[str, Any] | None, drifts: Sequence[Drift]
    ) -> None:
        """Report that it was restored."""
        return

    def engine_ran(
        self, namespace: str, batch: Batch, failures: Mapping[Identity, Failure], seconds: float
    ) -> None:
        """Record an engine run; of a batch that holds what it released, which failed."""

    def preempted(self, namespace: str, batch: Batch, seconds: float) -> None:
        """Record that a run was interrupted for others, `seconds` after its start."""
        return


Repair = Callable[[GatewayObjects, Collection[Identity]], Coroutine[Any, Any, None]]
Planning = Callable[[str, Snapshot], Awaitable[Plan]]
"""Plans a namespace."""
Changed = Callable[[str], Awaitable[None]]
"""Waits for a change in a namespace since its reconcile began, or since the last call."""


async def no_repair(_: GatewayObjects, __: Collection[Identity]) -> None:
    """Repair nothing."""


async def unread(_: Identity, __: str) -> tuple[StallReason, ...]:
    """Read no pods."""
    return ()


async def plan_at_once(_: str, snapshot: Snapshot) -> Plan:
    """Plan in this thread."""
    return plan(snapshot)


async def never(_: str) -> None:
    """Wait forever."""
    await asyncio.Event().wait()
