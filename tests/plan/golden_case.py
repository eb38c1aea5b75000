"""A golden case: a folder with what is on a cluster (`in.yaml`) and the plan of it (`out.yaml`)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.parse import parse_as
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import ObjectKey, Reference
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot

__all__ = ["CASES", "GoldenCase"]


@dataclass(frozen=True)
class GoldenCase:
    """One folder below ``golden``."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.name

    @property
    def out(self) -> Path:
        """The file with the expected plan."""
        return self.folder / "out.yaml"

    @cached_property
    def manifests(self) -> list[dict[str, Any]]:
        """What is on the cluster."""
        text = (self.folder / "in.yaml").read_text(encoding="utf-8")
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]

    @cached_property
    def plan(self) -> Plan:
        """The plan of it."""
        return plan(self.snapshot())

    def snapshot(self, *, reverse: bool = False) -> Snapshot:
        """Return what is on the cluster as `plan` takes it."""
        manifests = self.manifests[::-1] if reverse else self.manifests
        return Snapshot(
            ai_gateways=tuple(parse_as(AiGateway, found) for found in _of(manifests, "AiGateway")),
            ai_gateway_classes=tuple(
                parse_as(AiGatewayClass, found) for found in _of(manifests, "AiGatewayClass")
            ),
            contents={
                **{_reference(found): _content(found) for found in _of(manifests, "ConfigMap")},
                **{_reference(found): _content(found) for found in _of(manifests, "Secret")},
            },
            existing={
                ObjectKey(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): (
                    ExistingObject(_controller(found))
                )
                for kind in ("ConfigMap", "Deployment", "Service")
                for found in _of(manifests, kind)
            },
        )

    def secret_values(self) -> list[str]:
        """Return every secret value on the cluster, as text and in base64."""
        values = [value for found in _of(self.manifests, "Secret") for value in found["stringData"].values()]
        return [*values, *(base64.b64encode(value.encode()).decode() for value in values)]

    def report(self) -> Mapping[str, Any]:
        """Return the plan as its golden file shows it."""
        return {str(key): _report(planned) for key, planned in self.plan.gateways.items()}


def _report(planned: GatewayPlan) -> Mapping[str, Any]:
    if planned.failure:
        return {"reason": str(planned.failure.reason), "message": str(planned.failure)}
    assert planned.objects is not None
    return {manifest["kind"]: manifest for manifest in planned.objects.manifests}


def _of(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def _reference(found: Mapping[str, Any]) -> Reference:
    return Reference(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"])


def _content(found: Mapping[str, Any]) -> Content:
    if found["kind"] == "Secret":
        return Content(content_digest(found["stringData"]))
    return Content(content_digest(found["data"]), found["data"])


def _controller(found: Mapping[str, Any]) -> tuple[str, str, str] | None:
    for owner in found["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return owner["apiVersion"], owner["kind"], owner["name"]
    return None


CASES = tuple(
    GoldenCase(folder) for folder in sorted(Path(__file__).with_name("golden").iterdir()) if folder.is_dir()
)
