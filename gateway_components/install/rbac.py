"""The daemon's service account and its roles, from the table of permissions."""

from collections.abc import Iterable
from dataclasses import replace

from gateway_components.install.options import NAME, Installation, Manifest, labels
from gateway_components.kube.install_secrets import record_name
from gateway_components.kube.permissions import PERMISSIONS, Permission, Place

_API = "rbac.authorization.k8s.io"


def service_account(installation: Installation) -> Manifest:
    """Return the service account of the daemon."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": installation.namespace, "labels": labels()},
    }


def rbac(installation: Installation) -> list[Manifest]:
    """Return the least-privilege roles and bindings of an installation.

    For all namespaces there is one ClusterRole; for chosen ones a Role in each, and a ClusterRole for cluster-scoped
    objects.
    """
    chosen = installation.namespaces
    everywhere = [Place.CLUSTER, Place.NAMESPACES]
    if not chosen:
        everywhere.append(Place.GATEWAYS)
    if installation.metrics_auth:
        everywhere.append(Place.METRICS)
    objects = [
        _role("ClusterRole", None, [_for(permission, chosen) for permission in _of(*everywhere)]),
        _binding("ClusterRole", None, installation),
    ]
    # A namespace named twice gets one Role.
    for namespace in dict.fromkeys(chosen):
        objects += [
            _role("Role", namespace, _of(Place.GATEWAYS)),
            _binding("Role", namespace, installation),
        ]
    # The ClusterRole grants them otherwise.
    notes = [_for(permission, chosen) for permission in _of(Place.NOTES)] if chosen else []
    own = [*_of(Place.INSTALL), *notes]
    # With a name of its own: the daemon's namespace may be a chosen one.
    return [
        *objects,
        _role("Role", installation.namespace, own, f"{NAME}-daemon"),
        _binding("Role", installation.namespace, installation, f"{NAME}-daemon"),
    ]


def metrics_reader(installation: Installation) -> list[Manifest]:
    """Return the ClusterRole to bind to scrapers of the metrics; nothing if anybody may read them."""
    if not installation.metrics_auth:
        return []
    role = _role("ClusterRole", None, (), f"{NAME}-metrics-reader")
    return [{**role, "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}]


def rules(permission: Permission) -> list[Manifest]:
    """Return the rules that grant a permission, one for each API group."""
    subresource = f"/{permission.subresource}" if permission.subresource else ""
    names = {"resourceNames": list(permission.names)} if permission.names else {}
    groups = dict.fromkeys(resource.group for resource in permission.resources)
    return [
        {
            "apiGroups": [group],
            "resources": [
                f"{resource.plural}{subresource}"
                for resource in permission.resources
                if resource.group == group
            ],
            **names,
            "verbs": list(permission.verbs),
        }
        for group in groups
    ]


def purpose(rule: Manifest) -> str:
    """Return the purpose of a rule of an installation; empty for any other rule."""
    if "nonResourceURLs" in rule:
        return "reading the metrics; bind it to scrapers"
    for permission in PERMISSIONS:
        # The table does not know the chosen namespaces.
        by_namespace = permission.place in (Place.NAMESPACES, Place.NOTES)
        names = rule.get("resourceNames") if by_namespace else permission.names
        if rule in rules(replace(permission, names=tuple(names or ()))):
            return permission.why
    return ""


def _of(*places: Place) -> list[Permission]:
    return [permission for permission in PERMISSIONS if permission.place in places]


def _for(permission: Permission, namespaces: tuple[str, ...]) -> Permission:
    names = tuple(dict.fromkeys(namespaces))
    if permission.place is Place.NOTES:
        return replace(permission, names=tuple(map(record_name, names)))
    return replace(permission, names=names) if permission.place is Place.NAMESPACES else permission


def _role(kind: str, namespace: str | None, permissions: Iterable[Permission], name: str = NAME) -> Manifest:
    return {
        "apiVersion": f"{_API}/v1",
        "kind": kind,
        "metadata": _metadata(name, namespace),
        "rules": [rule for permission in permissions for rule in rules(permission)],
    }


def _binding(role: str, namespace: str | None, installation: Installation, name: str = NAME) -> Manifest:
    return {
        "apiVersion": f"{_API}/v1",
        "kind": f"{role}Binding",
        "metadata": _metadata(name, namespace),
        "roleRef": {"apiGroup": _API, "kind": role, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": installation.namespace}],
    }


def _metadata(name: str, namespace: str | None) -> Manifest:
    scope = {"namespace": namespace} if namespace else {}
    return {"name": name, **scope, "labels": labels()}
