"""The daemon's account and its roles, made of the table of what it does."""

from collections.abc import Iterable
from dataclasses import replace

from gateway_components.install.options import NAME, Installation, Manifest, labels
from gateway_components.kube.permissions import PERMISSIONS, Permission, Place

__all__ = ["purpose", "rbac", "rules", "service_account"]

_API = "rbac.authorization.k8s.io"


def service_account(installation: Installation) -> Manifest:
    """Return the account that the daemon runs as."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": installation.namespace, "labels": labels()},
    }


def rbac(installation: Installation) -> list[Manifest]:
    """Return the roles and bindings of an installation: the rights that it uses, where it uses them.

    For all namespaces one ClusterRole holds; for chosen ones, a Role in each of them, and a ClusterRole with the little
    that belongs to no namespace.
    """
    chosen = installation.namespaces
    everywhere = (
        (Place.CLUSTER, Place.NAMESPACES) if chosen else (Place.CLUSTER, Place.NAMESPACES, Place.GATEWAYS)
    )
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
    # Of its own name: the namespace of the daemon may be a chosen one.
    return [
        *objects,
        _role("Role", installation.namespace, _of(Place.INSTALL), f"{NAME}-daemon"),
        _binding("Role", installation.namespace, installation, f"{NAME}-daemon"),
    ]


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
    """Return what a rule of an installation is needed for; empty for any other."""
    for permission in PERMISSIONS:
        # Which namespaces are looked after is no part of the table.
        names = rule.get("resourceNames") if permission.place is Place.NAMESPACES else permission.names
        if rule in rules(replace(permission, names=tuple(names or ()))):
            return permission.why
    return ""


def _of(*places: Place) -> list[Permission]:
    return [permission for permission in PERMISSIONS if permission.place in places]


def _for(permission: Permission, namespaces: tuple[str, ...]) -> Permission:
    if permission.place is not Place.NAMESPACES:
        return permission
    return replace(permission, names=tuple(dict.fromkeys(namespaces)))


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
