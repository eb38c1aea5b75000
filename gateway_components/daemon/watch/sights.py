"""Sights of gateways: what a plan depends on of each and of its objects, made anew only where one of them changed."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.api.kinds import GATEWAY_KINDS, TOOL_GATEWAY
from gateway_components.daemon.watch.projections import DeploymentState, GatewayState, ObjectState
from gateway_components.identity import Identity
from gateway_components.kube.projector import ObjectName
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.references import patch_reference
from gateway_components.plan.snapshot import ExistingObject, Gateway, Unreadable

_Seen = ObjectState | DeploymentState | None


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A gateway and its objects as they were last seen; whatever is written to one of them, the next is another.

    Attributes
    ----------
    state
        The gateway.
    objects
        What is kept of each of the objects that it wants; None where there is none.
    known
        Its model, or what stands for it.
    class_name
        The class that it names, by which it is claimed.
    existing, running, handed_over
        As in `Snapshot`; None of a gateway without a Deployment.
    patch
        The ConfigMap that its config patch is in.
    """

    state: GatewayState
    objects: tuple[_Seen, ...]
    known: Gateway | Unreadable
    class_name: str | None
    existing: Mapping[Identity, ExistingObject]
    running: Mapping[str, str] | None
    handed_over: bool
    patch: Identity | None


class Sights:
    """The last sights of gateways; `objects` returns what is kept of a kind, by namespace and name."""

    def __init__(self, objects: Callable[[str], Mapping[ObjectName, Any]]) -> None:
        self._objects = objects
        self._last: dict[str, dict[Identity, Sight]] = {}

    def last(self, key: Identity) -> Sight | None:
        """Return the last sight of a gateway; None if it had none."""
        return self._last.get(key.namespace, {}).get(key)

    def look(self, namespace: str, states: Mapping[Identity, GatewayState]) -> Mapping[Identity, Sight]:
        """Return the sights of all gateways of a namespace; what was seen of others there is forgotten."""
        before = self._last.pop(namespace, {})
        sights = {key: self._look(key, state, before.get(key)) for key, state in states.items()}
        if sights:
            self._last[namespace] = sights
        return sights

    def _look(self, key: Identity, state: GatewayState, before: Sight | None) -> Sight:
        objects = tuple(
            [self._objects(kind).get((namespace, name)) for kind, namespace, name in wanted_objects(key)]
        )
        if before is not None and before.state is state and all(map(operator.is_, before.objects, objects)):
            return before
        return _sight(key, state, objects)


def _sight(key: Identity, state: GatewayState, objects: tuple[_Seen, ...]) -> Sight:
    model = state.model
    deployment = next((one for one in objects if isinstance(one, DeploymentState)), None)
    return Sight(
        state,
        objects,
        known=model or Unreadable.gateway(key.kind, state.raw, state.fault),
        class_name=model.spec.class_name if model else GATEWAY_KINDS[key.kind].class_of(state.raw),
        existing={
            wanted: one.existing
            for wanted, one in zip(wanted_objects(key), objects, strict=True)
            if one is not None
        },
        running=dict(deployment.hashes) if deployment else None,
        # The port of an AiGateway has the same number with every operator.
        handed_over=key.kind == TOOL_GATEWAY.kind and deployment is not None and deployment.handed_over,
        patch=patch_reference(model) if model else None,
    )
