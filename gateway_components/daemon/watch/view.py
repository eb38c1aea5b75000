"""The daemon's view of the cluster: what a reconcile sees of it, and which reconciles a change asks for."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from gateway_components.api.kinds import GATEWAY_KINDS, TOOL_ROUTE, GatewayKind
from gateway_components.daemon.observe.metrics import count_conditions
from gateway_components.daemon.watch.dependents import Callbacks, Dependents
from gateway_components.daemon.watch.live_lookup import LiveLookups
from gateway_components.daemon.watch.projections import (
    DeploymentState,
    GatewayState,
    RouteState,
    unowned_mark,
)
from gateway_components.daemon.watch.reflectors import Contents, Mirror
from gateway_components.daemon.watch.sights import Sight, Sights
from gateway_components.identity import Identity
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.reflector import Cause
from gateway_components.kube.resources import Resource as WatchedResource
from gateway_components.kube.state_format import STATE_SECRET
from gateway_components.plan.claims import claims
from gateway_components.plan.ownership import Applied, Drift, Mark, drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.reclaim import is_rivalled
from gateway_components.plan.references import gateway_of_route
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import (
    GatewayClass,
    KnownObject,
    Policy,
    Snapshot,
    Unreadable,
)
from gateway_components.plan.status import Rollout

Raw = Mapping[str, Any]


class ClusterView:
    """Mirrors what plans depend on, and says which namespaces a change concerns.

    `namespaces` and `on_restart` are as for `Mirror`; `callbacks` says what follows from changes, and `policy` what the
    installation decides.
    """

    def __init__(
        self,
        client: FencedClient,
        callbacks: Callbacks,
        namespaces: tuple[str, ...] = (),
        on_restart: Callable[[WatchedResource, Cause], None] = lambda _resource, _cause: None,
        policy: Policy | None = None,
    ) -> None:
        self._policy = policy or Policy()
        self._callbacks = callbacks
        self._lookups = LiveLookups(client, self._settled, self._mistaken, time.monotonic)
        self._dependents = Dependents(
            self._get, self._get, callbacks, self._unused, self._lookups.class_changed, self._exists
        )
        self._mirror = Mirror(client, self._dependents.changed, namespaces, on_restart)
        self._sights = Sights(self._mirror.objects)
        self._contents = Contents(
            client, {kind: self._mirror.objects(kind) for kind in ("ConfigMap", "Secret")}
        )

    async def run(self) -> None:
        """Keep the cache current until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._mirror.run())
            group.create_task(self._lookups.run())

    async def synced(self) -> None:
        """Wait until the cache is complete for the first time."""
        await self._mirror.synced()

    def missing(self) -> list[str]:
        """Return what the cache lacks, and why; empty where it is complete."""
        return self._mirror.missing()

    def conditions(self) -> Mapping[tuple[str, str, str], int]:
        """Return numbers of gateways and routes of ours by kind, type of condition and status."""
        return count_conditions(self._mirror.objects)

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces that have gateways, or routes that refer to gateways there."""
        return self._dependents.namespaces()

    def leaves(self, namespace: str) -> bool:
        """Return whether a namespace is being deleted; one that is not in the cache is gone, or not there yet."""
        # What is being deleted gets nothing new: the API server would refuse it, after a long time of trying.
        leaving: bool = self._mirror.objects("Namespace").get(("", namespace), True)
        return leaving

    def raw(self, subject: Identity) -> Raw | None:
        """Return the newest raw object of a gateway or a route; None where it is gone, or going."""
        state = self._living(subject)
        return state.raw if state else None

    def stamp(self, key: Identity) -> object:
        """Return what the last snapshot saw of a gateway and its objects; None where it saw none."""
        return self._sights.last(key)

    def route(self, planned: RoutePlan) -> Raw | None:
        """Return the newest raw object of a planned route; None where it is gone, or another or changed by now."""
        state = self._living_route(planned.key)
        if state is None or state.model is None:
            return None
        metadata = state.model.metadata
        same = (metadata.uid, metadata.generation) == (planned.uid, planned.generation)
        return state.raw if same and gateway_of_route(state.model) == planned.gateway else None

    def fault(self, route: Identity) -> str:
        """Return why a route cannot be read, field by field; empty where it can."""
        state: RouteState | None = self._get(route)
        return state.fault if state else ""

    def reported(self, subject: Identity) -> bool:
        """Return whether the conditions of a gateway or a route were last written by us, in this process or before."""
        state = self._living(subject)
        return state is not None and "conditions" in state.owned

    def drifts(self, applied: Applied) -> list[Drift]:
        """Return which of the objects that were applied somebody changed or deleted since, as far as is seen."""
        compared = (self._drift(key, mark) for key, mark in applied.marks.items())
        return [found for found in compared if found]

    def _drift(self, key: Identity, applied: Mark) -> Drift | None:
        live = self._mark(key)
        seen = self._mirror.seen(key.kind, key.namespace) if live is None else 0
        return drift(key, applied, live, seen) or self._rivalled(key, applied)

    def _rivalled(self, key: Identity, applied: Mark) -> Drift | None:
        """Find what another operator left on an object beside our fields, where none of ours was changed."""
        state: DeploymentState | None = self._get(key) if key.kind == "Deployment" else None
        if (
            state is None
            or int(state.version) < applied.version
            or not is_rivalled(name for name, _ in state.hashes)
        ):
            return None
        return Drift(key, ("spec.template.metadata.annotations",))

    def is_state_current(self, namespace: str, version: int | None) -> bool:
        """Return whether nobody has written or deleted the state of `namespace` since `version`, as far as is seen."""
        state = self._get(Identity("Secret", namespace, STATE_SECRET))
        if version is None or state is None:
            return (version is None and state is None) or self._mirror.seen("Secret", namespace) < (
                version or 0
            )
        return int(state.version) <= version

    def stored(self) -> frozenset[str]:
        """Return the namespaces that have a state."""
        return frozenset(
            namespace for namespace, name in self._mirror.objects("Secret") if name == STATE_SECRET
        )

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return how far the Deployment of a planned gateway has come; None where there is none."""
        state: DeploymentState | None = self._get(gateway.key._replace(kind="Deployment"))
        if state is None or gateway.objects is None:
            return None
        return state.rollout(gateway.objects.hashes)

    async def snapshot(self, namespace: str, held: Collection[Identity] = ()) -> Snapshot:
        """Return everything that the plan of `namespace` depends on.

        A gateway that the state holds (`held`) and the cache lacks is looked up before it counts as gone.

        Raises an ExceptionGroup of ApiError and ApiUnreachableError: some Secrets or ConfigMaps could not be read.
        """
        subjects = self._dependents.subjects(namespace)
        living = {
            key: state
            for key in subjects
            if key.kind in GATEWAY_KINDS and (state := self._living_gateway(key))
        }
        seen = self._sights.look(namespace, living)
        undecided = await self._undecided(namespace, seen, held)
        gateways = {key: sight for key, sight in seen.items() if key not in undecided}
        routes = [self._living_route(key) for key in subjects if key.kind == TOOL_ROUTE.kind]
        used = frozenset[Identity]().union(*map(self._dependents.uses, subjects))
        found = {reference: self._get(reference) for reference in used if not _is_content(reference)}
        # A container can use those of its own namespace alone, so nothing else is ever read.
        needed = {
            reference for reference in used if _is_content(reference) and reference.namespace == namespace
        }
        patches = {sight.patch for sight in gateways.values() if sight.patch}
        contents = await self._contents.read(needed, patches)
        objects: dict[Identity, KnownObject] = {
            **{key: sight.known for key, sight in gateways.items()},
            **{known.identity: known for known in self._classes()},
            **{
                route.identity: route
                for state in routes
                if state and (route := state.model) and gateway_of_route(route) not in undecided
            },
            **{reference: resource for reference, resource in found.items() if resource},
        }
        return replace(
            Snapshot.of(objects),
            contents=contents,
            absent=frozenset(needed - contents.keys()),
            running={key: sight.running for key, sight in gateways.items() if sight.running is not None},
            existing=dict(chain.from_iterable(sight.existing.items() for sight in gateways.values())),
            handed_over=frozenset(key for key, sight in gateways.items() if sight.handed_over),
            undecided=undecided,
            policy=self._policy,
        )

    async def _undecided(
        self, namespace: str, living: Mapping[Identity, Sight], held: Collection[Identity]
    ) -> frozenset[Identity]:
        """Return the gateways that must neither be planned nor released."""
        classes = self._classes()
        # Thousands of gateways name a few classes.
        claimed = {
            (kind, name)
            for kind, name in {(key.kind, sight.class_name) for key, sight in living.items()}
            if claims(GATEWAY_KINDS[kind], name, classes)
        }
        # Those with something to lose, if no class may be proven to claim them.
        unclaimed = {
            key: (GATEWAY_KINDS[key.kind], sight.class_name)
            for key, sight in living.items()
            # Only of these few the status is looked at: that takes time of the event loop.
            if (key.kind, sight.class_name) not in claimed and (key in held or sight.state.raw.get("status"))
        }
        missing = {
            # One that is seen to be deleted needs no look.
            key: key
            for key in frozenset(held) - living.keys()
            if not self._is_leaving(key)
        }
        for key, claim in unclaimed.items():
            if sought := self._missing_class(*claim):
                missing[key] = sought
        gone = await self._lookups.gone(namespace, set(missing.values()))
        return frozenset(
            (
                *(key for key, claim in unclaimed.items() if self._is_class_unreadable(*claim)),
                *(key for key, sought in missing.items() if sought not in gone),
            )
        )

    def _missing_class(self, kind: GatewayKind, name: str | None) -> Identity | None:
        """Return the class that might claim gateways and is not in the cache; None where the cache decides."""
        listed = name and ("", name) in self._mirror.objects(kind.class_kind)
        if listed or self._is_class_unreadable(kind, name):
            return None
        return Identity(kind.class_kind, "", name or "")

    def _is_class_unreadable(self, kind: GatewayKind, name: str | None) -> bool:
        """Return whether an unreadable class may claim gateways that name it, or none."""
        return any(
            isinstance(found, Unreadable) and name in {None, "", known}
            for (_, known), found in self._mirror.objects(kind.class_kind).items()
        )

    def _exists(self, namespace: str) -> bool:
        return ("", namespace) in self._mirror.objects("Namespace")

    def _is_leaving(self, key: Identity) -> bool:
        state: GatewayState | None = self._get(key)
        return state is not None and state.leaving

    def _settled(self, sought: Identity) -> None:
        if sought.namespace:
            self._callbacks.dirty(sought.namespace)
        else:
            self._dependents.classes_settled(sought.kind)

    def _mistaken(self, sought: Identity) -> None:
        if (sought.namespace, sought.name) not in self._mirror.objects(sought.kind):
            self._mirror.relist(sought.kind)
        elif sought.namespace and ("", sought.namespace) not in self._mirror.objects("Namespace"):
            self._mirror.relist("Namespace")

    def _living(self, subject: Identity) -> GatewayState | RouteState | None:
        if subject.kind == TOOL_ROUTE.kind:
            return self._living_route(subject)
        return self._living_gateway(subject)

    def _living_gateway(self, key: Identity) -> GatewayState | None:
        state: GatewayState | None = None if self.leaves(key.namespace) else self._get(key)
        return None if state is None or state.leaving else state

    def _living_route(self, key: Identity) -> RouteState | None:
        state: RouteState | None = self._get(key)
        return None if state is None or state.leaving else state

    def _get(self, key: Identity) -> Any:
        return self._mirror.get(key)

    def _classes(self) -> tuple[GatewayClass, ...]:
        kinds = (kind.class_kind for kind in GATEWAY_KINDS.values())
        return tuple(
            known
            for kind in kinds
            for known in self._mirror.objects(kind).values()
            if not isinstance(known, Unreadable)
        )

    def _mark(self, key: Identity) -> Mark | None:
        state = self._get(key)
        return None if state is None else state.mark or unowned_mark(state.version)

    def _unused(self, reference: Identity) -> None:
        self._contents.forget(reference)


def _is_content(reference: Identity) -> bool:
    return reference.kind in {"ConfigMap", "Secret"}
