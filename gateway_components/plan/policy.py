"""Permissions for references: of an installation for all namespaces, and of a gateway for its routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from gateway_components.api.syntax import SUBDOMAIN, SUBDOMAIN_LENGTH, Fault, namespace_fault, shown
from gateway_components.errors import Finding, Path
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning

__all__ = [
    "IMAGE",
    "ROUTE_NAMESPACES_ANNOTATION",
    "Policy",
    "RouteConsent",
    "allowed_upstream_fault",
    "check_namespace",
    "image_fault",
    "route_consent",
]

ROUTE_NAMESPACES_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/allowed-route-namespaces"
ROUTE_NAMESPACES_PATH: Path = ("metadata", "annotations", ROUTE_NAMESPACES_ANNOTATION)
_ALL, _OWN = "*", "Same"
_MOST_NAMESPACES = 1_000
"""An annotation holds tens of thousands, which each pass would check again."""
_CURE = (
    f"write {_OWN} for the gateway's own namespace alone, {_ALL} for all, or names with commas between them"
)
IMAGE = "ghcr.io/berriai/litellm:v1.83.14-stable.patch.2"
"""The image of gateways where nobody says otherwise (operator-reference, "LiteLLM container defaults")."""

_LONGEST_NAME = 255
_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PATH = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH}(?:/{_PATH})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{_DIGEST})?"
)
"""The grammar of distribution/reference, with the digests that registries have."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation decides.

    Attributes
    ----------
    cross_namespace
        Whether an object may refer to one of another namespace.
    allowed_upstreams
        Hosts, addresses and networks (``10.0.0.0/8``) that may be called although they are loopback, link-local or
        metadata addresses.
    image
        Image of the gateways whose class names none.
    """

    cross_namespace: bool = True
    allowed_upstreams: tuple[str, ...] = ()
    image: str = IMAGE


@dataclass(frozen=True, slots=True)
class RouteConsent:
    """Whose routes a ToolGateway takes, apart from those of its own namespace.

    Attributes
    ----------
    namespaces
        The namespaces; None for all.
    said
        Whether the gateway says so itself.
    fault
        What is wrong with what it says; nobody else's routes are taken then.
    """

    namespaces: frozenset[str] | None = None
    said: bool = False
    fault: str = ""

    def admits(self, gateway: Identity, namespace: str) -> bool:
        """Return whether `gateway` takes routes of `namespace`."""
        return namespace == gateway.namespace or self.namespaces is None or namespace in self.namespaces

    @property
    def warning(self) -> Finding | None:
        """The warning for the owner of the gateway; None where nothing is wrong."""
        if not self.fault:
            return None
        message = f"{self.fault}, so only routes of the gateway's own namespace are served"
        return plan_warning(WarningReason.ROUTE_NAMESPACES_INVALID, message, ROUTE_NAMESPACES_PATH, _CURE)


def allowed_upstream_fault(text: str) -> Fault | None:
    """Check an entry of `Policy.allowed_upstreams`."""
    try:
        ip_network(text)
    except ValueError:
        host = text.lower()
        is_number = re.fullmatch(r"[0-9.]+", host) or "/" in host
        if is_number or not re.fullmatch(SUBDOMAIN, host) or len(host) > SUBDOMAIN_LENGTH:
            cure = "Name a host such as localhost, an address such as 127.0.0.1, or a network such as 127.0.0.0/8."
            return Fault(f"is {shown(text)}, which is not a host, address or network", cure)
    return None


def image_fault(text: str) -> Fault | None:
    """Check the name of an image, with its tag, its digest or both."""
    found = _IMAGE.fullmatch(text)
    if found and len(found["name"]) <= _LONGEST_NAME:
        return None
    cure = f"Write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, such as {IMAGE}."
    return Fault(f"is {shown(text)}, which is not an image reference", cure)


def check_namespace(
    policy: Policy,
    namespace: str,
    wanted: Identity,
    path: Path,
    reason: Reason = Reason.REFERENCE_NOT_PERMITTED,
) -> None:
    """Refuse a reference from `namespace` to an object elsewhere, where the installation forbids it.

    Parameters
    ----------
    policy
        What the installation decides.
    namespace
        Namespace of the object that refers.
    wanted, path
        What it refers to, and by which of its fields.
    reason
        Reason of the condition.

    Raises
    ------
    Failure
        It is forbidden.
    """
    if policy.cross_namespace or wanted.namespace == namespace:
        return
    kind = wanted.kind
    raise Failure(
        reason,
        f"{wanted} is in another namespace, and this installation forbids references across namespaces",
        path=path,
        cure=f"name a {kind} of namespace {namespace}, or have the installation set cross_namespace to true",
    )


def route_consent(annotations: Mapping[str, str]) -> RouteConsent:
    """Return whose routes a ToolGateway with these annotations takes; all where it does not say."""
    text = annotations.get(ROUTE_NAMESPACES_ANNOTATION)
    if text is None:
        return RouteConsent()
    if text.strip() == _ALL:
        return RouteConsent(said=True)
    if text.strip() == _OWN:
        return RouteConsent(frozenset(), said=True)
    names = re.split(r"[\s,]+", text.strip(" \t\r\n,"), maxsplit=_MOST_NAMESPACES)
    if len(names) > _MOST_NAMESPACES:
        what = f"the list has more than {_MOST_NAMESPACES} namespaces"
        return RouteConsent(frozenset(), said=True, fault=what)
    faulty = [name for name in names if namespace_fault(name)]
    if faulty:
        what = f"{shown(faulty[0])} is not a namespace" if faulty[0] else "the list of namespaces is empty"
        return RouteConsent(frozenset(), said=True, fault=what)
    return RouteConsent(frozenset(names), said=True)
