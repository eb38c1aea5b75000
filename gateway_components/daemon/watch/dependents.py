"""Who depends on a changed object: found by indexes, at a cost that does not grow with the cluster."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.api.kinds import GATEWAY_KINDS, KINDS, TOOL_GATEWAY, Role
from gateway_components.api.syntax import namespace_fault
from gateway_components.daemon.watch.projections import GatewayState, ObjectState, RouteState
from gateway_components.identity import Identity
from gateway_components.kube.projector import ObjectName
from gateway_components.kube.reflector import Change
from gateway_components.kube.state_format import STATE_SECRET
from gateway_components.plan.claims import meant_controller, wanted_objects
from gateway_components.plan.references import gateway_of_route, references, server_reference
from gateway_components.plan.snapshot import Resource, Unreadable

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What follows from changes; all are called on the event loop.

    `dirty` and `leaving` get each namespace that must be reconciled again, or is being deleted; `gone` each gateway and
    route that was deleted; `stored` each namespace whose state was written or deleted, by us or by others.
    """

    dirty: Callable[[str], None]
    leaving: Callable[[str], None]
    gone: Callable[[Identity], None]
    stored: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Home:
    """The reconcile that handles a subject: the namespace, and the kind of gateway whose classes count."""

    kind: str
    namespace: str


class Index(Generic[K, R]):
    """A relation from keys to what they refer to, looked up both ways."""

    def __init__(self) -> None:
        self._references: dict[K, frozenset[R]] = {}
        self._referrers: dict[R, set[K]] = {}

    def set(self, key: K, references: Iterable[R]) -> None:
        """Replace what `key` refers to."""
        new, old = frozenset(references), self._references.pop(key, frozenset())
        for reference in old - new:
            referrers = self._referrers[reference]
            referrers.discard(key)
            if not referrers:
                del self._referrers[reference]
        for reference in new - old:
            self._referrers.setdefault(reference, set()).add(key)
        if new:
            self._references[key] = new

    def references(self, key: K) -> frozenset[R]:
        """Return what `key` refers to."""
        return self._references.get(key, frozenset())

    def referrers(self, reference: R) -> frozenset[K]:
        """Return who refers to `reference`."""
        return frozenset(self._referrers.get(reference, ()))

    def referred(self) -> frozenset[R]:
        """Return everything that is referred to."""
        return frozenset(self._referrers)


class Dependents:
    """Knows who depends on what, and which namespaces a change concerns.

    The reconcile of its namespace handles a gateway; that of the referenced gateway, existing or not, handles a
    route. A route without a gateway, or with one in a missing namespace, belongs to its own namespace. So routes to
    thousands of namespaces ask for no more reconciles than there are namespaces.

    Parameters
    ----------
    find
        Returns the Guard, provider or ToolServer that is referred to; None where there is none.
    gateway
        Returns the state of a gateway; None where there is none.
    callbacks
        What to call.
    unused
        Called with what nobody refers to any more, and with each change of such a Secret or ConfigMap.
    class_changed
        Called with kind and name of each class that was created, changed or deleted.
    exists
        Returns whether a namespace is in the cache.
    """

    def __init__(
        self,
        find: Callable[[Identity], Resource | None],
        gateway: Callable[[Identity], GatewayState | None],
        callbacks: Callbacks,
        unused: Callable[[Identity], None],
        class_changed: Callable[[str, str], None] = lambda _kind, _name: None,
        exists: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._find = find
        self._gateway = gateway
        self._callbacks = callbacks
        self._unused = unused
        self._note_class = class_changed
        self._exists = exists
        self._log = structlog.get_logger()
        self._homes: Index[Identity, _Home] = Index()
        self._uses: Index[Identity, Identity] = Index()
        self._owners: Index[Identity, Identity] = Index()
        self._named: Index[Identity, str] = Index()
        of_role: Mapping[Role, Callable[[Change[Any]], None]] = {
            Role.GATEWAY: self._gateway_changed,
            Role.CLASS: self._class_changed,
            Role.ROUTE: self._route_changed,
            Role.RESOURCE: self._resource_changed,
        }
        self._handlers: Mapping[str, Callable[[Change[Any]], None]] = {
            **{kind.kind: of_role[kind.role] for kind in KINDS.values()},
            "Secret": self._secret_changed,
            "ConfigMap": self._config_map_changed,
            "Deployment": self._owned_changed,
            "Service": self._owned_changed,
            "Namespace": self._namespace_changed,
        }

    def changed(self, change: Change[Any]) -> None:
        """Handle a change of any watched object."""
        self._handlers[change.resource.kind](change)

    def classes_settled(self, class_kind: str) -> None:
        """Reconcile every gateway of one kind again, since more is known of its classes."""
        kinds = KINDS[class_kind].dependents
        self._dirty(home for home in self._homes.referred() if home.kind in kinds)

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces whose reconciles have something to handle."""
        return frozenset(home.namespace for home in self._homes.referred())

    def subjects(self, namespace: str) -> list[Identity]:
        """Return the gateways and routes that the reconcile of `namespace` handles."""
        return [
            subject for kind in GATEWAY_KINDS for subject in self._homes.referrers(_Home(kind, namespace))
        ]

    def uses(self, subject: Identity) -> frozenset[Identity]:
        """Return what a gateway or a route depends on, existing or not."""
        return self._uses.references(subject)

    def _gateway_changed(self, change: Change[GatewayState]) -> None:
        key = Identity(change.resource.kind, *change.name)
        self._homes.set(key, (_Home(key.kind, key.namespace),) if change.new else ())
        self._owners.set(key, wanted_objects(key) if change.new else ())
        self._set_uses(key, change.new)
        if change.new is None:
            self._callbacks.gone(key)
        if _matters(change.old, change.new):
            self._callbacks.dirty(key.namespace)

    def _route_changed(self, change: Change[RouteState]) -> None:
        key = Identity("ToolRoute", *change.name)
        before = self._homes.references(key)
        model = change.new.model if change.new else None
        gateway = gateway_of_route(model) if model else None
        self._named.set(key, (gateway.namespace,) if gateway else ())
        self._homes.set(key, (self._home_of_route(key, gateway),) if change.new else ())
        server = server_reference(model) if model else None
        self._uses.set(key, (server,) if server else ())
        if change.new is None:
            self._callbacks.gone(key)
        if _matters(change.old, change.new):
            self._dirty(before | self._homes.references(key))

    def _class_changed(self, change: Change[Any]) -> None:
        kind, name = change.resource.kind, change.name[1]
        if isinstance(change.new, Unreadable):
            self._log.warning("unreadable class", kind=kind, name=name, why=change.new.message)
        elif change.new is not None:
            self._check_controller(kind, name, change.new.spec.controller)
        self._note_class(kind, name)
        self.classes_settled(change.resource.kind)

    def _check_controller(self, kind: str, name: str, controller: str) -> None:
        """Log that a class was meant to be ours: its gateways are nobody's, so nothing else says so."""
        (gateways,) = (one for one in GATEWAY_KINDS.values() if one.class_kind == kind)
        if meant := meant_controller(gateways, controller):
            cure = f"did you mean {meant}?"
            self._log.warning("unknown controller", kind=kind, name=name, controller=controller, cure=cure)

    def _resource_changed(self, change: Change[Any]) -> None:
        reference = _reference(change.resource.kind, change.name)
        for user in self._uses.referrers(reference):
            if user.kind in GATEWAY_KINDS:
                # What the Guard names now: another provider, and with it another Secret.
                self._set_uses(user, self._gateway(user))
            self._dirty(self._homes.references(user))

    def _content_changed(self, change: Change[Any]) -> None:
        reference = _reference(change.resource.kind, change.name)
        if not self._dirty_users(reference):
            self._unused(reference)

    def _secret_changed(self, change: Change[Any]) -> None:
        namespace, name = change.name
        if name == STATE_SECRET:
            self._callbacks.stored(namespace)
        self._content_changed(change)

    def _config_map_changed(self, change: Change[Any]) -> None:
        self._content_changed(change)
        self._owned_changed(change)

    def _owned_changed(self, change: Change[Any]) -> None:
        kind = change.resource.kind
        owners = self._owners.referrers(Identity(kind, *change.name))
        if owners and (kind == "Deployment" or _may_have_drifted(change)):
            for owner in owners:
                self._callbacks.dirty(owner.namespace)

    def _namespace_changed(self, change: Change[bool]) -> None:
        _, namespace = change.name
        if change.old is None or change.new is None:
            self._move_routes(namespace)
        if change.new is not False:
            self._callbacks.leaving(namespace)
        # Also for one that comes: a gateway may have been seen before its namespace.
        if self.subjects(namespace):
            self._callbacks.dirty(namespace)

    def _move_routes(self, namespace: str) -> None:
        """Give the routes that name a namespace to its reconcile; if it is gone, back to their own."""
        for key in self._named.referrers(namespace):
            before = self._homes.references(key)
            # Of the gateway only the namespace counts.
            self._homes.set(key, (self._home_of_route(key, Identity(TOOL_GATEWAY.kind, namespace, "")),))
            if self._homes.references(key) != before:
                self._dirty(before | self._homes.references(key))

    def _home_of_route(self, key: Identity, gateway: Identity | None) -> _Home:
        # A reference may be any text, but the state of a reconcile is in a folder named by the namespace.
        known = (
            gateway is not None
            and namespace_fault(gateway.namespace) is None
            and self._exists(gateway.namespace)
        )
        return _Home(TOOL_GATEWAY.kind, gateway.namespace if gateway and known else key.namespace)

    def _set_uses(self, key: Identity, state: GatewayState | None) -> None:
        model, before = state.model if state else None, self._uses.references(key)
        self._uses.set(key, references(model, self._find) if model else ())
        for reference in before - self._uses.references(key):
            if not self._uses.referrers(reference):
                self._unused(reference)

    def _dirty_users(self, reference: Identity) -> bool:
        users = self._uses.referrers(reference)
        self._dirty({home for user in users for home in self._homes.references(user)})
        return bool(users)

    def _dirty(self, homes: Iterable[_Home]) -> None:
        for namespace in {home.namespace for home in homes}:
            self._callbacks.dirty(namespace)


def _may_have_drifted(change: Change[ObjectState]) -> bool:
    old, new = change.old, change.new
    if old is None or new is None or old.mark is None or new.mark is None:
        return True
    before, after = old.mark, new.mark
    return before.uid != after.uid or before.time != after.time or not before.fields <= after.fields


def _reference(kind: str, name: ObjectName) -> Identity:
    return Identity(kind, *name)


def _matters(old: GatewayState | RouteState | None, new: GatewayState | RouteState | None) -> bool:
    if old is None or new is None:
        return old is not new
    # A status that we write triggers no reconcile; one that somebody overwrote is restored.
    return old.meaning != new.meaning or not old.owned <= new.owned
