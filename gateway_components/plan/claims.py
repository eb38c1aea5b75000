"""Which gateways are ours (spec, "Claiming a gateway"), and which of the objects and annotations they name."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from gateway_components.api.gateways import ToolGateway
from gateway_components.api.kinds import GATEWAY_KINDS, GatewayKind
from gateway_components.api.meta import API_VERSION
from gateway_components.api.spelling import meant_name, nearest
from gateway_components.api.syntax import Fault, shown
from gateway_components.errors import Finding, clause
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.references import PATCH_ANNOTATION, ROUTE_NAMESPACES_ANNOTATION
from gateway_components.plan.snapshot import (
    IMAGE,
    ExistingObject,
    Gateway,
    GatewayClass,
    Policy,
    Unreadable,
)
from gateway_components.plan.workload import config_map_name

_PREFIX = "ai-gateway-litellm.agentic-layer.ai/"
"""Prefix of the annotations of this project."""

IMAGE_ANNOTATION = f"{_PREFIX}image"
"""Annotation of a class: the image of its gateways. The reference CRD of classes has no field for it."""


def claims(kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]) -> bool:
    """Return whether a gateway of `kind` that names `class_name` (None or empty: none) is ours.

    A named class must exist and have our controller. A gateway naming none is ours if some class of ours is
    marked as default.
    """
    return any(_claiming(kind, class_name, classes))


def image_of(
    kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass], policy: Policy
) -> str:
    """Return the image of a gateway: that of its class, else that of the installation.

    Of several default classes that name an image, the first by name decides.

    Raises Failure ``ConfigGenerationFailed``: what the class names is no reference to an image.
    """
    claiming = sorted(_claiming(kind, class_name, classes), key=lambda known: known.metadata.name)
    for known in claiming:
        image = known.metadata.annotations.get(IMAGE_ANNOTATION)
        if image is None:
            continue
        if fault := image_fault(image):
            owner = f"{known.kind} {known.metadata.name}"
            raise Failure(
                Reason.CONFIG_GENERATION_FAILED,
                f"{owner}: annotation {IMAGE_ANNOTATION} {fault.message}",
                path=("spec", kind.class_field),
                cure=clause(fault.cure),
            )
        return image
    return policy.image


_LONGEST_NAME = 255
_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PATH = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DIGEST = "(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH}(?:/{_PATH})*)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{_DIGEST})?"
)
"""The grammar of distribution/reference, with the digests that registries have."""


def image_fault(text: str) -> Fault | None:
    """Check the name of an image, with its tag, its digest or both."""
    found = _IMAGE.fullmatch(text)
    if found and len(found["name"]) <= _LONGEST_NAME:
        return None
    cure = f"Write REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, such as {IMAGE}."
    return Fault(f"is {shown(text)}, which is not an image reference", cure)


def nobody_claims(kind: GatewayKind, class_name: str | None, classes: Sequence[GatewayClass]) -> bool:
    """Return whether no controller claims a gateway: its class does not exist, or no class is the default."""
    return not any(_matching(kind, class_name, classes))


def why_nobody_claims(class_name: str | None) -> str:
    """Return why a gateway that `nobody_claims` has no controller, in a clause about it."""
    if class_name:
        return f"its class {class_name} does not exist"
    return "it names no class and no class is the default"


def meant_class(kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]) -> str | None:
    """Return the class of ours that an unknown `class_name` is a misspelling of; None where none is that near."""
    ours = {
        known.metadata.name
        for known in classes
        if known.kind == kind.class_kind and known.spec.controller == kind.controller
    }
    return meant_name(class_name, ours) if class_name and class_name not in ours else None


def meant_controller(kind: GatewayKind, controller: str) -> str | None:
    """Return our controller of `kind` where `controller` was meant to be it; None where it is that, or another's.

    The names of ours are easily mixed up: each has a domain of its own, and both their kind in them.
    """
    if controller == kind.controller:
        return None
    written = controller.strip().lower()
    ours = [known.controller for known in GATEWAY_KINDS.values()]
    names = {name.rpartition("/")[2] for name in ours}
    is_ours = written in ours or written.rpartition("/")[2] in names
    return kind.controller if is_ours or any(meant_name(written, [name]) for name in ours) else None


def _claiming(
    kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]
) -> Iterator[GatewayClass]:
    ours = (known for known in classes if known.spec.controller == kind.controller)
    return _matching(kind, class_name, ours)


def _matching(
    kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]
) -> Iterator[GatewayClass]:
    for known in classes:
        if known.kind != kind.class_kind:
            continue
        is_default = known.metadata.annotations.get(kind.default_class_annotation) == "true"
        if known.metadata.name == class_name if class_name else is_default:
            yield known


def seniority(created: str | None) -> tuple[bool, str]:
    """Return what sorts objects by age, the oldest first.

    What has no creation timestamp comes last: it stands in a file, and is not on the cluster yet.
    """
    return not created, created or ""


def age(gateway: Gateway | Unreadable) -> tuple[bool, str]:
    """Return what sorts gateways by age; an unreadable one comes last."""
    return seniority(None if isinstance(gateway, Unreadable) else gateway.metadata.creation_timestamp)


# Each reconcile asks for those of all gateways; the bound is for names that come and go.
@lru_cache(maxsize=2**13)
def wanted_objects(gateway: Identity) -> tuple[Identity, Identity, Identity]:
    """Return the names of the objects that `gateway` wants."""
    return (
        Identity("ConfigMap", gateway.namespace, config_map_name(gateway.name)),
        Identity("Deployment", gateway.namespace, gateway.name),
        Identity("Service", gateway.namespace, gateway.name),
    )


def check_rival(
    gateway: Identity,
    claimed: Mapping[Identity, Gateway | Unreadable],
    existing: Mapping[Identity, ExistingObject],
) -> None:
    """Refuse the younger of two gateways of different kinds and one name, which want the same objects.

    One that already has the objects keeps them, whatever its age. `claimed` are all gateways that are ours.

    Raises Failure ``NameConflict``, naming the other gateway.
    """
    for kind in GATEWAY_KINDS:
        rival = Identity(kind, gateway.namespace, gateway.name)
        if rival == gateway or rival not in claimed:
            continue
        if _rank(rival, claimed, existing) < _rank(gateway, claimed, existing):
            raise Failure(
                Reason.NAME_CONFLICT,
                f"{rival} has the same name, and the objects that both want are its own",
                path=("metadata", "name"),
                cure="rename one of them",
                related=(rival,),
            )


def _rank(
    gateway: Identity,
    claimed: Mapping[Identity, Gateway | Unreadable],
    existing: Mapping[Identity, ExistingObject],
) -> tuple[bool, tuple[bool, str], Identity]:
    owner = API_VERSION, gateway.kind, gateway.name
    found = (existing.get(wanted) for wanted in wanted_objects(gateway))
    owns = any(known is not None and known.controller == owner for known in found)
    return not owns, age(claimed[gateway]), gateway


def check_names(gateway: Identity, existing: Mapping[Identity, ExistingObject]) -> None:
    """Refuse to take over an object that `gateway` does not control.

    An earlier gateway of the same kind and name counts as the same owner: its objects are handed on. An object without
    a controller belongs to a person or another tool and is left alone. If we applied it, it lost its owner reference
    and gets it back.

    Raises Failure ``NameConflict``, naming the object and its owner.
    """
    for wanted in wanted_objects(gateway):
        found = existing.get(wanted)
        if found is None or found.controller == (API_VERSION, gateway.kind, gateway.name):
            continue
        if found.controller is None and found.applied:
            continue
        owner = (
            f"belongs to {found.controller[1]} {found.controller[2]}"
            if found.controller
            else "does not belong to this gateway"
        )
        raise Failure(
            Reason.NAME_CONFLICT,
            f'{wanted.kind} "{wanted.name}" exists and {owner}; it is left as it is',
            path=("metadata", "name"),
            related=(wanted,),
            cure=f"delete or rename that {wanted.kind}, or give the gateway another name",
        )


def annotation_warnings(gateway: Gateway) -> Iterator[Finding]:
    """Yield a warning for each annotation of a gateway that is without effect though it has our prefix."""
    known = [PATCH_ANNOTATION, *([ROUTE_NAMESPACES_ANNOTATION] if isinstance(gateway, ToolGateway) else ())]
    for name in sorted(gateway.metadata.annotations):
        if not name.startswith(_PREFIX) or name in known:
            continue
        meant = nearest(name.removeprefix(_PREFIX), {one.removeprefix(_PREFIX): one for one in known})
        cure = f"did you mean {_PREFIX}{meant}?" if meant else "remove it"
        if name == IMAGE_ANNOTATION:
            cure = "the class of a gateway names the image: annotate that"
        elif name == ROUTE_NAMESPACES_ANNOTATION:
            cure = "remove it: a ToolGateway alone serves routes"
        yield plan_warning(
            WarningReason.ANNOTATION_UNKNOWN,
            f"the annotation {name} has no effect on a gateway of this kind",
            ("metadata", "annotations", name),
            cure,
        )
