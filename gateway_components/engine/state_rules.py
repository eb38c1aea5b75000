"""What a state may contain: one provider without credentials, and the gateways of its namespace with their objects.

The engine trusts its state, and acts on it with the permissions of the daemon: it loads plugins from any source that a
provider names, runs the commands of a kubeconfig, and deletes objects in any namespace. So a state with anything that
the daemon does not put there is refused as a whole, wherever it enters.
"""

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway_components.api.kinds import AI_GATEWAY, OWNED_KINDS, TOOL_GATEWAY
from gateway_components.api.syntax import object_name_fault, shown
from gateway_components.components.naming import (
    AI_GATEWAY_TYPE,
    PATCH_FIELD_MANAGER,
    TOOL_GATEWAY_TYPE,
    TOOL_ROUTE_TYPE,
    component_type,
    route_name,
)
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.engine.programs import PROVIDER_VERSION
from gateway_components.engine.registration import PROVIDER_INPUTS, object_type
from gateway_components.errors import shortened
from gateway_components.identity import Identity
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.ownership import FIELD_MANAGER

Raw = Mapping[str, Any]

_MARK = "4dabf18193072939515e22adb298388d"
"""Key that marks a special value for the engine: a secret, or a file that it opens by its path."""
_LONGEST = 400
_MOST_LEVELS = 256
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})")
_NUMBERS = (int, float)


def _check_fields(found: Raw, known: Mapping[str, type], where: str) -> None:
    """Refuse fields that are not known, or of another type: the engine takes some names in capitals as well."""
    for name, value in found.items():
        if name not in known:
            raise _refusal(f"{shown(name)} of {where}")
        if not isinstance(value, known[name]):
            raise _refusal(f"{name} of {where} as another type")


def _check_time(text: str | None, where: str) -> None:
    if text is None:
        return
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise _refusal(f"{where} as another type") from None
    if not _TIME.fullmatch(text):
        raise _refusal(f"{where} as another type")


def _check_values(value: object, where: str) -> None:
    # Level by level and without recursion: JSON may nest deeper than Python allows.
    level = [value]
    for _ in range(_MOST_LEVELS + 1):
        below = list[object]()
        for found in level:
            if isinstance(found, dict):
                if _MARK in found:
                    raise _refusal(f"{where}: a secret, a file or a reference")
                below += found.values()
            elif isinstance(found, list):
                below += found
            elif isinstance(found, _NUMBERS) and not abs(found) <= sys.float_info.max:
                # JSON has neither infinity nor NaN, and the engine no whole numbers beyond.
                raise _refusal(f"{where}: what is not a number")
        if not below:
            return
        level = below
    raise _refusal(f"{where}, more than {_MOST_LEVELS} levels deep")


def _refusal(what: str) -> StateUnreadableError:
    return StateUnreadableError(f"this is not a state of a daemon: it contains {shortened(what, _LONGEST)}")


_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:kubernetes"
_COMPONENTS = {AI_GATEWAY_TYPE: AI_GATEWAY.kind, TOOL_GATEWAY_TYPE: TOOL_GATEWAY.kind}
_OBJECTS = {object_type(version, kind): kind for kind, version in OWNED_KINDS.items()}

_DEPLOYMENT: Mapping[str, type] = {
    "manifest": dict,
    "metadata": dict,
    "resources": list,
    "secrets_providers": dict,
}
_MANIFEST: Mapping[str, type] = {"time": str, "magic": str, "version": str}
_RESOURCE: Mapping[str, type] = {
    "urn": str,
    "type": str,
    "custom": bool,
    "id": str,
    "parent": str,
    "provider": str,
    "inputs": dict,
    "outputs": dict,
    "dependencies": list,
    "propertyDependencies": dict,
    "retainOnDelete": bool,
    "delete": bool,
    "initErrors": list,
    "created": str,
    "modified": str,
    "sourcePosition": str,
    "stackTrace": list,
}
"""Fields of resources, as the engine writes them for what `register_gateways` registers (``apitype.ResourceV3``)."""

_MANIFEST_FIELDS = frozenset(
    ("apiVersion", "kind", "metadata", "spec", "status", "data", "binaryData", "immutable")
)
"""Fields of the objects of a gateway."""
_PROVIDER_FIELDS = frozenset(("__inputs", "__fieldManager", "__initialApiVersion"))
"""What the provider keeps beside them."""

_ID = re.compile(r"[-A-Za-z0-9]{1,64}")
_SALT = re.compile(r"[A-Za-z0-9+/=:]{1,512}")
_ROUTE_PARTS = 4
"""Namespace and name of the gateway, and of the route."""


def check_deployment(deployment: Raw, stack: str) -> None:
    """Refuse a deployment with anything that the daemon does not keep in the stack of a namespace, which has its name.

    The deployment is as ``pulumi stack export`` has it, without pending operations.

    Raises StateUnreadableError: it contains something else; the message names it.
    """
    _check_fields(deployment, _DEPLOYMENT, "the state")
    manifest = deployment.get("manifest", {})
    _check_fields(manifest, _MANIFEST, "the manifest of the state")
    _check_time(manifest.get("time"), "time of the manifest of the state")
    _check_values(deployment.get("metadata", {}), "the metadata of the state")
    rules = _Rules(stack)
    for resource in deployment.get("resources") or ():
        if not isinstance(resource, dict):
            raise _refusal("a resource that is not an object")
        rules.check(resource)


def check_secrets_provider(deployment: Raw) -> None:
    """Refuse a deployment whose secrets provider is not a passphrase: the engine would call it.

    Raises StateUnreadableError: it names another one.
    """
    provider = deployment.get("secrets_providers") or {"type": "passphrase", "state": {}}
    state = provider.get("state", {})
    salt = state.get("salt", "") if isinstance(state, dict) else None
    ours = provider.get("type") == "passphrase" and provider.keys() <= {"type", "state"}
    if (
        not ours
        or not isinstance(salt, str)
        or state.keys() - {"salt"}
        or (salt and not _SALT.fullmatch(salt))
    ):
        raise _refusal(f"the secrets provider {shown(provider.get('type'))}")


class _Rules:
    """Checks the resources of one stack in order: parents come before children."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._prefix = f"urn:pulumi:{stack}::{PROJECT}::"
        self._root = self._urn(_STACK, f"{PROJECT}-{stack}")
        self._provider = self._urn(_PROVIDER, "kubernetes")
        self._references: set[str] = set()
        self._seen: set[str] = set()

    def check(self, resource: Raw) -> None:
        urn, type_ = resource.get("urn"), resource.get("type")
        if not isinstance(urn, str) or not isinstance(type_, str):
            raise _refusal("a resource without a name and a type")
        if not urn.startswith(self._prefix):
            raise _refusal(f"{shown(urn)}, of another stack than {self._stack}")
        where = f"the resource {urn[len(self._prefix) :]}"
        _check_fields(resource, _RESOURCE, where)
        for field in ("created", "modified"):
            _check_time(resource.get(field), f"{field} of {where}")
        for field, value in resource.items():
            _check_values(value, f"{field} of {where}")
        self._check_kind(resource, urn, type_, where)
        self._check_references(resource, where)
        # A replaced resource is listed beside its replacement until it is deleted.
        if urn in self._seen and not resource.get("delete"):
            raise _refusal(f"{where} twice")
        self._seen.add(urn)

    def _check_kind(self, resource: Raw, urn: str, type_: str, where: str) -> None:
        if type_ == _STACK:
            self._check_plain(resource, where, urn == self._root, "")
            if resource.get("outputs"):
                raise _refusal(f"outputs of {where}")
        elif type_ == _PROVIDER:
            self._check_provider(resource, urn, where)
        elif type_ in _COMPONENTS:
            key = self._gateway(_COMPONENTS[type_], urn, where)
            self._check_plain(resource, where, urn == self._component(key), self._root)
        elif type_ == TOOL_ROUTE_TYPE:
            self._check_route(resource, urn, where)
        elif type_ in _OBJECTS:
            self._check_object(resource, urn, type_, where)
        else:
            raise _refusal(f"{where}, of a type that the daemon does not keep")

    def _check_route(self, resource: Raw, urn: str, where: str) -> None:
        parts = urn.rpartition("::")[2].split("/")
        if len(parts) != _ROUTE_PARTS or any(map(object_name_fault, parts[2:])):
            raise _refusal(f"{where}, which is not as the daemon registers it")
        key = self._gateway("ToolGateway", "::" + "/".join(parts[:2]), where)
        name = route_name(key.namespaced_name, "/".join(parts[2:]))
        named = urn == self._urn(f"{TOOL_GATEWAY_TYPE}${TOOL_ROUTE_TYPE}", name)
        self._check_plain(resource, where, named, self._component(key))

    def _check_plain(self, resource: Raw, where: str, named: bool, parent: str) -> None:
        fields = resource.keys() & {"id", "provider", "initErrors", "retainOnDelete"}
        if not named or resource.get("custom") or resource.get("inputs") or fields:
            raise _refusal(f"{where}, which is not as the daemon registers it")
        if resource.get("parent", "") != parent:
            raise _refusal(f"{where} below {shown(resource.get('parent'))}")

    def _check_provider(self, resource: Raw, urn: str, where: str) -> None:
        # The engine keeps the source of a plugin in the last one.
        wanted = {**PROVIDER_INPUTS, "version": PROVIDER_VERSION, "__internal": {}}
        for field in ("inputs", "outputs"):
            for name, value in resource.get(field, {}).items():
                # Other inputs could name credentials, or code to run.
                if name not in wanted or value != wanted[name]:
                    raise _refusal(f"{field}.{shown(name)} of {where}")
        if urn != self._provider or not resource.get("custom") or not _ID.fullmatch(resource.get("id", "")):
            raise _refusal(f"{where}, which is not as the daemon registers it")
        self._check_parent(resource, where, self._root)
        if "provider" in resource:
            raise _refusal(f"provider of {where}")
        self._references.add(f"{urn}::{resource['id']}")

    def _check_object(self, resource: Raw, urn: str, type_: str, where: str) -> None:
        owner = urn[len(self._prefix) :].partition("$")[0]
        if owner not in _COMPONENTS:
            raise _refusal(f"{where}, which belongs to no gateway")
        key = self._gateway(_COMPONENTS[owner], urn, where)
        kind = _OBJECTS[type_]
        (object_key,) = (one for one in wanted_objects(key) if one.kind == kind)
        named = urn == self._urn(f"{owner}${type_}", key.namespaced_name) and resource.get("custom") is True
        if not named or resource.get("id") != f"{object_key.namespace}/{object_key.name}":
            raise _refusal(f"{where}, which is not as the daemon registers it")
        self._check_parent(resource, where, self._component(key))
        if resource.get("provider") not in self._references:
            raise _refusal(f"provider of {where}")
        self._check_manifests(resource, object_key, where)

    def _check_manifests(self, resource: Raw, key: Identity, where: str) -> None:
        version = OWNED_KINDS[key.kind]
        inputs, outputs = resource.get("inputs", {}), resource.get("outputs", {})
        # The provider takes from the last one what it applied, and removes fields by it.
        applied = outputs.get("__inputs", inputs)
        for field, found, known in (
            ("inputs", inputs, _MANIFEST_FIELDS),
            ("outputs", outputs, _MANIFEST_FIELDS | _PROVIDER_FIELDS),
            ("outputs.__inputs", applied, _MANIFEST_FIELDS),
        ):
            if _identity(found) != (version, key.kind, key.namespace, key.name):
                raise _refusal(f"{field} of {where}: an object of another kind, namespace or name")
            for name in sorted(found.keys() - known):
                # Of an earlier form, `inputs` and `live`, the provider takes what to delete.
                raise _refusal(f"{shown(name)} of {field} of {where}")
        for name, wanted in (("__fieldManager", FIELD_MANAGER), ("__initialApiVersion", version)):
            if outputs.get(name, wanted) != wanted:
                raise _refusal(f"outputs.{name} of {where}")
        for field, found in (("inputs", inputs), ("outputs.__inputs", applied)):
            if _field_manager(found) != FIELD_MANAGER:
                raise _refusal(f"{field}.metadata.annotations of {where}: another owner of its fields")

    def _check_parent(self, resource: Raw, where: str, parent: str) -> None:
        if resource.get("parent") != parent:
            raise _refusal(f"{where} below {shown(resource.get('parent'))}")

    def _check_references(self, resource: Raw, where: str) -> None:
        depended = resource.get("propertyDependencies", {}).values()
        lists = [resource.get("dependencies", []), *(found or [] for found in depended)]
        if not all(isinstance(found, list) for found in lists):
            raise _refusal(f"dependencies of {where}")
        urns = [*(urn for found in lists for urn in found), *filter(None, [resource.get("parent")])]
        for urn in urns:
            if not isinstance(urn, str) or urn not in self._seen:
                raise _refusal(f"{where}, which depends on {shown(urn)}")

    def _gateway(self, kind: str, urn: str, where: str) -> Identity:
        namespace, _, name = urn.rpartition("::")[2].partition("/")
        if namespace != self._stack or object_name_fault(name):
            raise _refusal(f"{where}, of another namespace than {self._stack}")
        return Identity(kind, namespace, name)

    def _component(self, key: Identity) -> str:
        return self._urn(component_type(key), key.namespaced_name)

    def _urn(self, type_: str, name: str) -> str:
        return f"{self._prefix}{type_}::{name}"


def _identity(found: object) -> tuple[object, ...]:
    manifest = found if isinstance(found, dict) else {}
    metadata = manifest.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return manifest.get("apiVersion"), manifest.get("kind"), names.get("namespace"), names.get("name")


def _field_manager(manifest: Raw) -> object:
    # The annotation counts more than what the provider keeps.
    annotations = manifest["metadata"].get("annotations", {})
    return annotations.get(PATCH_FIELD_MANAGER, FIELD_MANAGER) if isinstance(annotations, dict) else None
