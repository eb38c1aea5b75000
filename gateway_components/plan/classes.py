"""Which gateways are ours (spec, "Claiming a gateway")."""

from collections.abc import Iterable

from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.plan.kinds import GatewayKind

__all__ = ["claims"]


def claims(kind: GatewayKind, class_name: str | None, classes: Iterable[AiGatewayClass]) -> bool:
    """Tell whether a gateway that names `class_name` (None or empty: none) is ours.

    A named class must exist and have our controller. A gateway naming none is ours if some class of ours is
    marked as default.
    """
    ours = [known for known in classes if known.spec.controller == kind.controller]
    if class_name:
        return any(known.metadata.name == class_name for known in ours)
    return any(known.metadata.annotations.get(kind.default_class_annotation) == "true" for known in ours)
