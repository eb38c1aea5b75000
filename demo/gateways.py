"""What the demo shows of a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.api import Api

__all__ = ["Condition", "GatewayRow", "gateway_row", "read_gateways"]

_COLLECTION = "/apis/runtime.agentic-layer.ai/v1alpha1/aigateways"
_DEFAULT_PORT = 80

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """A condition of a gateway that speaks of its present generation."""

    status: bool
    reason: str
    message: str


@dataclass(frozen=True)
class GatewayRow:
    """One gateway.

    Attributes
    ----------
    name
        Its name, after its namespace if that is not the default one.
    class_name, models, url, created
        Taken from the object.
    configured, ready
        Its conditions; None where there is none, or one of an older generation.
    """

    name: str
    class_name: str
    models: tuple[str, ...]
    url: str
    created: datetime
    configured: Condition | None
    ready: Condition | None

    @property
    def is_ready(self) -> bool:
        """Whether it serves what was asked for."""
        return self.ready is not None and self.ready.status

    @property
    def is_refused(self) -> bool:
        """Whether its configuration was found at fault."""
        return self.configured is not None and not self.configured.status

    @property
    def verdict(self) -> Condition | None:
        """The condition that tells most: the first that is not fulfilled, or else the last."""
        return self.configured if self.is_refused else self.ready


def read_gateways(api: Api) -> list[GatewayRow]:
    """Return all gateways of the cluster, by name."""
    listed = api.get(_COLLECTION) or {}
    return sorted((gateway_row(raw) for raw in listed.get("items", ())), key=lambda row: row.name)


def gateway_row(raw: Raw) -> GatewayRow:
    """Return what is shown of the object `raw`."""
    metadata, spec = raw["metadata"], raw["spec"]
    name, namespace = metadata["name"], metadata["namespace"]
    port = spec.get("port", _DEFAULT_PORT)
    host = f"http://{name}.{namespace}.svc.cluster.local"
    return GatewayRow(
        name=name if namespace == "default" else f"{namespace}/{name}",
        class_name=spec.get("aiGatewayClassName", ""),
        models=tuple(model["name"] for model in spec.get("aiModels") or ()),
        url=host if port == _DEFAULT_PORT else f"{host}:{port}",
        created=datetime.strptime(metadata["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        configured=_condition(raw, "AiGatewayConfigured"),
        ready=_condition(raw, "AiGatewayReady"),
    )


def _condition(raw: Raw, kind: str) -> Condition | None:
    for condition in (raw.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind and condition.get("observedGeneration") == raw["metadata"]["generation"]:
            return Condition(condition["status"] == "True", condition["reason"], condition["message"])
    return None
