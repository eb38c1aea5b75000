"""Which gateways are ours (spec, "Claiming a gateway")."""

from collections.abc import Iterable, Sequence

from gateway_components.plan.kinds import GatewayKind
from gateway_components.plan.snapshot import GatewayClass

__all__ = ["claims", "nobody_claims", "why_nobody_claims"]


def claims(kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]) -> bool:
    """Tell whether a gateway of `kind` that names `class_name` (None or empty: none) is ours.

    A named class must exist and have our controller. A gateway naming none is ours if some class of ours is
    marked as default.
    """
    ours = (known for known in classes if known.spec.controller == kind.controller)
    return _matches(kind, class_name, ours)


def nobody_claims(kind: GatewayKind, class_name: str | None, classes: Sequence[GatewayClass]) -> bool:
    """Tell whether a gateway is no controller's at all: its class does not exist, or no class is the default."""
    return not _matches(kind, class_name, classes)


def why_nobody_claims(class_name: str | None) -> str:
    """Return why a gateway that `nobody_claims` has no controller, in a clause about it."""
    if class_name:
        return f"its class {class_name} does not exist"
    return "it names no class and no class is the default"


def _matches(kind: GatewayKind, class_name: str | None, classes: Iterable[GatewayClass]) -> bool:
    candidates = [known for known in classes if known.kind == kind.class_kind]
    if class_name:
        return any(known.metadata.name == class_name for known in candidates)
    annotation = kind.default_class_annotation
    return any(known.metadata.annotations.get(annotation) == "true" for known in candidates)
