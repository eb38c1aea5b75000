"""What the API server says to somebody who lacks a right, and what to do about it."""

import re

__all__ = ["BOUND", "missing_right"]

_FORBIDDEN = re.compile(
    r'cannot (?P<verb>[a-z]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: (?:in the namespace "(?P<namespace>[^"]+)"|at the cluster scope))?'
)
"""The authorizer's words (k8s.io/apiserver, ``pkg/endpoints/handlers/responsewriters``)."""


BOUND = "is bound to what the daemon does"
"""What the admission policy of an installation says of the daemon's account."""

_CURE = "apply deploy/rbac of this version"
_BLOCKS = "cannot set blockOwnerDeletion"
"""The admission plugin OwnerReferencesPermissionEnforcement, which names neither verb nor resource."""


def missing_right(message: str) -> str:
    """Return which right to give, where `message` is a refusal for want of one; else an empty text."""
    if BOUND in message:
        return f"the admission policy of the installation is of another version than this daemon: {_CURE}"
    if _BLOCKS in message:
        return f'give these credentials the verb "update" on the finalizers of gateways: {_CURE}'
    found = _FORBIDDEN.search(message)
    if not found:
        return ""
    resource = ".".join(filter(None, (found["resource"], found["group"])))
    where = f"in namespace {found['namespace']}" if found["namespace"] else "in all namespaces"
    return f'give these credentials the verb "{found["verb"]}" on "{resource}" {where}: {_CURE}'
