"""What must be looked at again after a change: found by indexes, at a cost that grows with what changed alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from gateway_components.crds.syntax import namespace_fault
from gateway_components.daemon.index import Index
from gateway_components.daemon.projections import GatewayState, ObjectState, RouteState
from gateway_components.kube.reflector import Change, ObjectName
from gateway_components.kube.state_secrets import STATE_SECRET
from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference, ReferenceKind, RouteKey, Subject
from gateway_components.plan.kinds import GATEWAY_KINDS, TOOL_GATEWAY
from gateway_components.plan.references import gateway_of_route, references, server_reference
from gateway_components.plan.snapshot import Resource, Unreadable

__all__ = ["Triggers", "Wake"]


@dataclass(frozen=True, slots=True)
class Wake:
    """What follows from changes; all are called on the event loop.

    Attributes
    ----------
    dirty
        Called with each namespace that must be looked at again.
    leaving
        Called with each namespace that is being deleted.
    gone
        Called with each gateway and route that was deleted.
    stored
        Called with each namespace whose state was written or deleted, by us or by others.
    """

    dirty: Callable[[str], None]
    leaving: Callable[[str], None]
    gone: Callable[[Subject], None]
    stored: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Home:
    """The pass that looks after a subject: the namespace, and the kind of gateway whose classes count."""

    kind: str
    namespace: str


class Triggers:
    """Knows who depends on what, and whom a change concerns (spec, "What must trigger what").

    A gateway is looked after by the pass of its namespace; a route by that of the gateway it refers to, whether
    that exists or not; a route that refers to none, or to a namespace that cannot exist, by that of its own.

    Parameters
    ----------
    find
        Returns the Guard, provider or ToolServer that is referred to; None where there is none.
    gateway
        Returns the state of a gateway; None where there is none.
    wake
        What to call.
    unused
        Called with what nobody refers to any more, and with each change of a Secret or ConfigMap that nobody does.
    class_changed
        Called with kind and name of each class that came, changed or went.
    """

    def __init__(
        self,
        find: Callable[[Reference], Resource | None],
        gateway: Callable[[GatewayKey], GatewayState | None],
        wake: Wake,
        unused: Callable[[Reference], None],
        class_changed: Callable[[str, str], None] = lambda _kind, _name: None,
    ) -> None:
        self._find = find
        self._gateway = gateway
        self._wake = wake
        self._unused = unused
        self._note_class = class_changed
        self._log = structlog.get_logger()
        self._homes: Index[Subject, _Home] = Index()
        self._uses: Index[Subject, Reference] = Index()
        self._owners: Index[GatewayKey, ObjectKey] = Index()
        self._handlers: Mapping[str, Callable[[Change[Any]], None]] = {
            **dict.fromkeys(GATEWAY_KINDS, self._gateway_changed),
            **{kind.class_kind: self._class_changed for kind in GATEWAY_KINDS.values()},
            **dict.fromkeys(("Guard", "GuardrailProvider"), self._guardrail_changed),
            "ToolRoute": self._route_changed,
            "ToolServer": self._server_changed,
            "Secret": self._secret_changed,
            "ConfigMap": self._config_map_changed,
            "Deployment": self._owned_changed,
            "Service": self._owned_changed,
            "Namespace": self._namespace_changed,
        }

    def changed(self, change: Change[Any]) -> None:
        """Take a change of any watched object."""
        self._handlers[change.resource.kind](change)

    def classes_settled(self, class_kind: str) -> None:
        """Have every gateway of one kind looked at again, for more is known of its classes."""
        (kind,) = (kind.kind for kind in GATEWAY_KINDS.values() if kind.class_kind == class_kind)
        self._dirty(home for home in self._homes.referred() if home.kind == kind)

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces whose passes have something to look after."""
        return frozenset(home.namespace for home in self._homes.referred())

    def subjects(self, namespace: str) -> list[Subject]:
        """Return the gateways and routes that the pass of `namespace` looks after."""
        return [
            subject for kind in GATEWAY_KINDS for subject in self._homes.referrers(_Home(kind, namespace))
        ]

    def uses(self, subject: Subject) -> frozenset[Reference]:
        """Return what a gateway or a route depends on, existing or not."""
        return self._uses.references(subject)

    def _gateway_changed(self, change: Change[GatewayState]) -> None:
        key = GatewayKey(change.resource.kind, *change.name)
        self._homes.set(key, (_Home(key.kind, key.namespace),) if change.new else ())
        self._owners.set(key, wanted_objects(key) if change.new else ())
        self._set_uses(key, change.new)
        if change.new is None:
            self._wake.gone(key)
        if _matters(change.old, change.new):
            self._wake.dirty(key.namespace)

    def _route_changed(self, change: Change[RouteState]) -> None:
        key = RouteKey(*change.name)
        before = self._homes.references(key)
        model = change.new.model if change.new else None
        self._homes.set(key, (_home_of_route(key, change.new),) if change.new else ())
        server = server_reference(model) if model else None
        self._uses.set(key, (server,) if server else ())
        if change.new is None:
            self._wake.gone(key)
        if _matters(change.old, change.new):
            self._dirty(before | self._homes.references(key))

    def _class_changed(self, change: Change[Any]) -> None:
        kind, name = change.resource.kind, change.name[1]
        if isinstance(change.new, Unreadable):
            self._log.warning("unreadable class", kind=kind, name=name, why=change.new.message)
        self._note_class(kind, name)
        self.classes_settled(change.resource.kind)

    def _guardrail_changed(self, change: Change[Any]) -> None:
        reference = _reference(change.resource.kind, change.name)
        for user in self._uses.referrers(reference):
            if isinstance(user, GatewayKey):
                # What the Guard names now: another provider, and with it another Secret.
                self._set_uses(user, self._gateway(user))
            self._dirty(self._homes.references(user))

    def _server_changed(self, change: Change[Any]) -> None:
        self._dirty_users(_reference(change.resource.kind, change.name))

    def _content_changed(self, change: Change[Any]) -> None:
        reference = _reference(change.resource.kind, change.name)
        if not self._dirty_users(reference):
            self._unused(reference)

    def _secret_changed(self, change: Change[Any]) -> None:
        namespace, name = change.name
        if name == STATE_SECRET:
            self._wake.stored(namespace)
        self._content_changed(change)

    def _config_map_changed(self, change: Change[Any]) -> None:
        self._content_changed(change)
        self._owned_changed(change)

    def _owned_changed(self, change: Change[Any]) -> None:
        kind = change.resource.kind
        if kind != "Deployment" and not _may_have_drifted(change):
            return
        for owner in self._owners.referrers(ObjectKey(kind, *change.name)):
            self._wake.dirty(owner.namespace)

    def _namespace_changed(self, change: Change[bool]) -> None:
        _, namespace = change.name
        if change.new is not False:
            self._wake.leaving(namespace)
        # Also for one that comes: a gateway may have been seen before its namespace.
        if self.subjects(namespace):
            self._wake.dirty(namespace)

    def _set_uses(self, key: GatewayKey, state: GatewayState | None) -> None:
        model, before = state.model if state else None, self._uses.references(key)
        self._uses.set(key, references(model, self._find) if model else ())
        for reference in before - self._uses.references(key):
            if not self._uses.referrers(reference):
                self._unused(reference)

    def _dirty_users(self, reference: Reference) -> bool:
        users = self._uses.referrers(reference)
        self._dirty({home for user in users for home in self._homes.references(user)})
        return bool(users)

    def _dirty(self, homes: Iterable[_Home]) -> None:
        for namespace in {home.namespace for home in homes}:
            self._wake.dirty(namespace)


def _may_have_drifted(change: Change[ObjectState]) -> bool:
    old, new = change.old, change.new
    if old is None or new is None or old.mark is None or new.mark is None:
        return True
    before, after = old.mark, new.mark
    return before.uid != after.uid or before.time != after.time or not before.fields <= after.fields


def _home_of_route(key: RouteKey, state: RouteState) -> _Home:
    gateway = gateway_of_route(state.model) if state.model else None
    # The API server takes any text for a reference, but a pass keeps its state in a folder named by the namespace.
    known = gateway is not None and namespace_fault(gateway.namespace) is None
    return _Home(TOOL_GATEWAY.kind, gateway.namespace if gateway and known else key.namespace)


def _reference(kind: str, name: ObjectName) -> Reference:
    return Reference(cast("ReferenceKind", kind), *name)


def _matters(old: GatewayState | RouteState | None, new: GatewayState | RouteState | None) -> bool:
    if old is None or new is None:
        return old is not new
    # A status that we write wakes nobody; one that somebody wrote over is put right.
    return old.meaning != new.meaning or not old.owned <= new.owned
