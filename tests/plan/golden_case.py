"""A golden case: a folder with what is on a cluster (`in.yaml`) and the plan of it (`out.yaml`).

`in.yaml` holds manifests. A ConfigMap in it may have a field ``fill``: keys, and how many bytes the text of a patch
under each is to have.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.kinds import GROUP
from gateway_components.crds.parse import parse
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.plan.failure import Failure, PlanWarning
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import ObjectKey, Reference
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.references import absent_contents
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot
from tests.plan.make import reference

__all__ = ["CASES", "GoldenCase"]

Raw = Mapping[str, Any]


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
    def manifests(self) -> list[Raw]:
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
        ours = [parse(found) for found in manifests if found["apiVersion"].startswith(f"{GROUP}/")]
        gateways = tuple(found for found in ours if isinstance(found, AiGateway | ToolGateway))
        resources = {
            reference(found): found
            for found in ours
            if isinstance(found, Guard | GuardrailProvider | ToolServer)
        }
        contents = {
            Reference(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): (
                _content(found)
            )
            for found in manifests
            if found["kind"] in {"ConfigMap", "Secret"}
        }
        return Snapshot(
            gateways=gateways,
            classes=tuple(found for found in ours if isinstance(found, AiGatewayClass | ToolGatewayClass)),
            routes=tuple(found for found in ours if isinstance(found, ToolRoute)),
            resources=resources,
            contents=contents,
            absent=absent_contents(gateways, resources.get, contents),
            existing={
                ObjectKey(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): (
                    ExistingObject(_controller(found))
                )
                for found in manifests
                if found["kind"] in {"ConfigMap", "Deployment", "Service"}
            },
        )

    def secret_values(self) -> list[str]:
        """Return every secret value on the cluster, as text and in base64."""
        secrets = (found for found in self.manifests if found["kind"] == "Secret")
        values = [value for found in secrets for value in found["stringData"].values()]
        return [*values, *(base64.b64encode(value.encode()).decode() for value in values)]

    def report(self) -> Mapping[str, Any]:
        """Return the plan as its golden file shows it."""
        return {
            **{str(key): _gateway(planned) for key, planned in self.plan.gateways.items()},
            **{str(key): _route(planned) for key, planned in self.plan.routes.items()},
        }


def _gateway(planned: GatewayPlan) -> Raw:
    if planned.objects is None:
        assert planned.failure is not None
        return _told(planned.failure)
    objects = {manifest["kind"]: manifest for manifest in planned.objects.manifests}
    return {**objects, **_warnings(planned.warnings)}


def _route(planned: RoutePlan) -> Raw:
    if planned.failure:
        return _told(planned.failure)
    return {"url": planned.url, **_warnings(planned.warnings)}


def _told(said: Failure | PlanWarning) -> Raw:
    return {"reason": str(said.reason), "message": str(said)}


def _warnings(warnings: tuple[PlanWarning, ...]) -> Raw:
    return {"warnings": [_told(warning) for warning in warnings]} if warnings else {}


def _content(found: Raw) -> Content:
    if found["kind"] == "Secret":
        return Content(content_digest(found["stringData"]))
    filled = {key: _patch_of_size(size) for key, size in found.get("fill", {}).items()}
    data = {**found.get("data", {}), **filled}
    return Content(content_digest(data), data)


def _patch_of_size(size: int) -> str:
    before = "environment_variables:\n  FILLED: "
    return before + "x" * (size - len(before))


def _controller(found: Raw) -> tuple[str, str, str] | None:
    for owner in found["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return owner["apiVersion"], owner["kind"], owner["name"]
    return None


CASES = tuple(
    GoldenCase(folder) for folder in sorted(Path(__file__).with_name("golden").iterdir()) if folder.is_dir()
)
