"""From manifest files to a plan: the same decisions as the daemon's, with no cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_components.manifests.load import Finding, load
from gateway_components.manifests.objects import snapshot_of
from gateway_components.manifests.plan_findings import plan_findings
from gateway_components.manifests.reading import read_objects
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot

__all__ = ["ManifestStack", "read_stack"]


@dataclass(frozen=True)
class ManifestStack:
    """What a set of manifest files asks for.

    Attributes
    ----------
    snapshot
        Everything in them that a plan looks at.
    plan
        The plan of their gateways and routes.
    companions
        ConfigMaps and Secrets that stand beside them, to be created as they are.
    findings
        Everything that is wrong, in the order of files and lines.
    """

    snapshot: Snapshot
    plan: Plan
    companions: tuple[Mapping[str, Any], ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep a gateway from being made, or a route from being served."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def routes_of(self, gateway: GatewayKey) -> tuple[RoutePlan, ...]:
        """Return the routes that a gateway serves, in the order of their names."""
        return tuple(route for route in self.plan.routes.values() if route.gateway == gateway and route.url)


def read_stack(paths: Iterable[Path], namespace: str = "default") -> ManifestStack:
    """Read and plan manifest files.

    Parameters
    ----------
    paths
        Files, and folders of files.
    namespace
        Namespace of the objects that name none.

    Notes
    -----
    The class ``litellm`` of each kind is known without a manifest, as an installation brings it; a manifest of that
    name replaces it. Guards, providers and ToolServers are looked for in the files alone; a ToolServer is read for
    the routes to it and never deployed. Kinds that this project does not know are left out with a warning.
    """
    objects = read_objects(load(paths), namespace)
    snapshot = snapshot_of(objects)
    planned = plan(snapshot)
    findings = (*objects.findings, *plan_findings(objects, snapshot, planned))
    return ManifestStack(
        snapshot,
        planned,
        tuple(objects.companions.values()),
        tuple(sorted(findings, key=lambda finding: (finding.file, finding.line))),
    )
