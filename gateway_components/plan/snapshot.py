"""The input of `plan`: everything it may use, read beforehand."""

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_components.api.gateways import AiGateway, AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import GATEWAY_KINDS, RESOURCE_KINDS
from gateway_components.api.meta import ApiObject
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.identity import Identity

IMAGE = "ghcr.io/berriai/litellm:v1.83.14-stable.patch.2"
"""The image of gateways where nobody says otherwise (operator-reference, "LiteLLM container defaults")."""

Gateway = AiGateway | ToolGateway
"""A gateway of either kind."""

GatewayClass = AiGatewayClass | ToolGatewayClass
"""A class of either kind."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that the API server admitted and the models do not understand (a newer CRD, say), and why.

    `created` is when it was created, where that is shown; class and generation are those of a gateway.
    """

    message: str
    created: str = ""
    class_name: str | None = None
    generation: int | None = None

    @classmethod
    def gateway(cls, kind: str, raw: Mapping[str, Any], message: str) -> "Unreadable":
        """Return what stands for a gateway of which only its JSON is known."""
        generation = raw["metadata"].get("generation")
        known = generation if isinstance(generation, int) else None
        return cls(message, class_name=GATEWAY_KINDS[kind].class_of(raw), generation=known)


Resource = Guard | GuardrailProvider | ToolServer | Unreadable
"""An object of ours that a gateway or a route refers to."""

Resources = Mapping[Identity, Resource]
"""What is referred to; a missing key means that the object does not exist."""

TEXT_FIELDS = {"ConfigMap": ("data", "binaryData"), "Secret": ("stringData", "data")}
"""Fields of values in plain text and in base64."""
_MOST_KEYS = 10_000
"""More than any pod has variables; a megabyte may hold a hundred thousand empty ones, which take 10 MB in memory."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a plan may know of a referenced Secret or ConfigMap.

    Attributes
    ----------
    digest
        `content_digest` of keys and values. Of a Secret, only this and the names of keys are kept: no secret value ever
        reaches a plan.
    data
        Keys and values of a ConfigMap, of which the daemon keeps the config patch alone; empty for a Secret.
    keys, empty
        Names of the keys that become variables by ``envFrom``, None where they are not known; and of those without a
        value.
    """

    digest: str
    data: Mapping[str, str] = field(default_factory=dict)
    keys: frozenset[str] | None = None
    empty: frozenset[str] = frozenset()

    @classmethod
    def of(cls, kind: str, raw: Mapping[str, Any], kept: Collection[str] | None = None) -> "Content":
        """Return what a plan may know of a Secret or ConfigMap in JSON types, from a file or from the API server.

        `kept` are the keys whose texts are kept of a ConfigMap; None for all.

        Raises ValueError: a value is not text, or not base64.
        """
        text_field, encoded_field = TEXT_FIELDS[kind]
        texts, encoded = raw.get(text_field) or {}, raw.get(encoded_field) or {}
        if not all(isinstance(value, str) for value in (*texts.values(), *encoded.values())):
            raise ValueError("a value is not text")
        values = {**{key: from_base64(value) for key, value in encoded.items()}, **texts}
        named = values if kind == "Secret" else texts
        keys = frozenset(named) if len(named) <= _MOST_KEYS else None
        empty = frozenset(key for key in keys or () if not named[key])
        shown = (texts if kept is None else kept) if kind == "ConfigMap" else ()
        data = {key: texts[key] for key in shown if key in texts}
        return cls(content_digest(values), data, keys, empty)


@dataclass(frozen=True, slots=True)
class ExistingObject:
    """An object on the cluster with a name that some gateway wants.

    The `controller` is ``(apiVersion, kind, name)`` of its controlling owner reference, if any. One that we `applied`
    and that lost its owner reference is ours still.
    """

    controller: tuple[str, str, str] | None
    applied: bool = False


KnownObject = ApiObject | Unreadable
"""An object of our kinds, whether it can be read or not."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation decides: references to other namespaces, and the image where a class names none.

    Hosts, addresses and networks (``10.0.0.0/8``) in `allowed_upstreams` may be called although they are loopback,
    link-local or metadata addresses.
    """

    cross_namespace: bool = True
    allowed_upstreams: tuple[str, ...] = ()
    image: str = IMAGE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent view of the cluster, or of manifest files, at one moment.

    Attributes
    ----------
    gateways, unreadable_gateways
        The gateways to plan, and those whose content could not be parsed; their objects must be in their namespace.
    classes
        All classes there are.
    routes
        The routes that refer to a gateway of these namespaces, and routes in them that refer to none.
    resources
        Guards, providers and ToolServers that gateways and routes refer to (`references`).
    contents, absent
        Secrets and ConfigMaps that the gateways refer to; and those that do not exist, none without a cluster.
    awaited, remembered
        Those of the absent ones that existed a moment ago, and may come back soon; and the keys they had, where known.
    running
        Annotations with hashes of the pod templates of existing Deployments, by their gateways.
    existing
        Objects on the cluster that bear a wanted name; empty where there is no cluster.
    handed_over
        Gateways of which pods of another operator may serve still, on another port, though it is called the same.
    undecided
        Further gateways whose existence or class is unknown for now. They are neither planned nor released, and their
        routes are left out.
    partial
        Whether gateways and classes may exist elsewhere, as beside manifest files: references to unknown ones are left
        to others.
    """

    gateways: tuple[Gateway, ...] = ()
    classes: tuple[GatewayClass, ...] = ()
    routes: tuple[ToolRoute, ...] = ()
    unreadable_gateways: Mapping[Identity, Unreadable] = field(default_factory=dict)
    resources: Resources = field(default_factory=dict)
    contents: Mapping[Identity, Content] = field(default_factory=dict)
    absent: frozenset[Identity] = frozenset()
    awaited: frozenset[Identity] = frozenset()
    remembered: Mapping[Identity, frozenset[str]] = field(default_factory=dict)
    running: Mapping[Identity, Mapping[str, str]] = field(default_factory=dict)
    existing: Mapping[Identity, ExistingObject] = field(default_factory=dict)
    handed_over: frozenset[Identity] = frozenset()
    undecided: frozenset[Identity] = frozenset()
    policy: Policy = field(default_factory=Policy)
    partial: bool = False

    @classmethod
    def of(cls, objects: Mapping[Identity, KnownObject]) -> "Snapshot":
        """Return a snapshot of `objects` alone, to which `dataclasses.replace` adds what surrounds them.

        Every snapshot begins here, whether the objects come from the cluster's cache, a folder or arguments.
        """
        # Asking each of thousands for its exact type is many times faster than asking what it is an instance of.
        known: dict[type, list[Any]] = {}
        for one in objects.values():
            known.setdefault(type(one), []).append(one)
        return cls(
            gateways=(*known.get(AiGateway, ()), *known.get(ToolGateway, ())),
            classes=(*known.get(AiGatewayClass, ()), *known.get(ToolGatewayClass, ())),
            routes=tuple(known.get(ToolRoute, ())),
            unreadable_gateways={
                key: one
                for key, one in (objects.items() if Unreadable in known else ())
                if key.kind in GATEWAY_KINDS and isinstance(one, Unreadable)
            },
            resources={
                key: one
                for key, one in objects.items()
                if key.kind in RESOURCE_KINDS and isinstance(one, Resource)
            },
        )

    @property
    def objects(self) -> dict[Identity, KnownObject]:
        """The objects of our kinds."""
        return {
            **{one.identity: one for one in (*self.gateways, *self.classes, *self.routes)},
            **self.unreadable_gateways,
            **self.resources,
        }


def from_base64(value: str) -> bytes:
    """Decode base64 as Kubernetes does: line breaks do not count. A ValueError where it is none."""
    return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)


def content_digest(data: Mapping[str, bytes | str]) -> str:
    """Return 16 hex digits of SHA-256 over the sorted keys and values of a Secret or ConfigMap."""
    digest = hashlib.sha256()
    for key in sorted(data):
        value = data[key]
        digest.update(key.encode())
        digest.update(value.encode() if isinstance(value, str) else value)
    return digest.hexdigest()[:16]
