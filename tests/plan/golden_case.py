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

from gateway_components.api.gateways import AiGateway, AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.meta import GROUP
from gateway_components.api.parse import parse
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.references import absent_contents
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot, content_digest
from tests.plan.make import reference

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
            Identity(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): (
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
                Identity(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"]): (
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

    def keys(self) -> set[str]:
        """Return what variables may be called that come from whole Secrets and ConfigMaps."""
        prefixes = {
            source.prefix or "" for gateway in self.snapshot().gateways for source in gateway.spec.env_from
        }
        known = [content.keys or () for content in self.snapshot().contents.values()]
        return {f"{prefix}{key}" for prefix in prefixes for names in known for key in names}

    def report(self) -> Mapping[str, Any]:
        """Return the plan as its golden file shows it."""
        return {
            **{str(key): _gateway(planned) for key, planned in self.plan.gateways.items()},
            **{str(key): _route(planned) for key, planned in self.plan.routes.items()},
        }


def _gateway(planned: GatewayPlan) -> Raw:
    if planned.objects is None:
        assert planned.failure is not None
        return _finding(planned.failure)
    objects = {manifest["kind"]: manifest for manifest in planned.objects.manifests}
    return {**objects, **_warnings(planned.warnings)}


def _route(planned: RoutePlan) -> Raw:
    if planned.failure:
        return _finding(planned.failure)
    return {"url": planned.url, **_warnings(planned.warnings)}


def _finding(found: Failure | Finding) -> Raw:
    return {"reason": str(found.reason), "message": str(found)}


def _warnings(warnings: tuple[Finding, ...]) -> Raw:
    return {"warnings": [_finding(warning) for warning in warnings]} if warnings else {}


def _content(found: Raw) -> Content:
    if found["kind"] == "Secret":
        return Content(content_digest(found["stringData"]), keys=frozenset(found["stringData"]))
    filled = {key: _patch_of_size(size) for key, size in found.get("fill", {}).items()}
    data = {**found.get("data", {}), **filled}
    return Content(content_digest(data), data, frozenset(data))


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
