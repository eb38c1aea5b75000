"""`plan`: from everything that is known to everything that should be.

Read this module first. It is pure: no Pulumi, no client, no clock, no environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_components import documents
from gateway_components.crds.aigateway import AiGateway
from gateway_components.plan.absence import Absence, absence_warnings
from gateway_components.plan.classes import claims
from gateway_components.plan.config import check_size, generated_config
from gateway_components.plan.conflicts import check_names, check_rival
from gateway_components.plan.environment import environment
from gateway_components.plan.failure import Failure, PlanWarning, Reason
from gateway_components.plan.guardrails import Guardrails, resolve_guardrails
from gateway_components.plan.hashes import EMPTY_DIGEST, config_hash, env_hash
from gateway_components.plan.keys import GatewayKey, Reference, RouteKey
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.loops import without_loops
from gateway_components.plan.patch import merge, patch_warnings, read_patch
from gateway_components.plan.references import api_key_reference, environment_references, patch_reference
from gateway_components.plan.routes import RoutePlan, mcp_servers, plan_routes, without_removed
from gateway_components.plan.snapshot import Content, Gateway, Resources, Snapshot, UnreadableGateway
from gateway_components.plan.workload import GatewayObjects, WorkloadInputs, build_objects

__all__ = ["GatewayPlan", "Generated", "Plan", "gateway_key", "generate", "plan"]

_CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"
_SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"  # noqa: S105  (the name of an annotation)
_ENV_HASH = "runtime.agentic-layer.ai/env-hash"
_TOOL_GATEWAY_PORT = 80
_NOTHING_ABSENT = Absence()


@dataclass(frozen=True, slots=True)
class Generated:
    """What one gateway becomes.

    Attributes
    ----------
    objects
        Its desired objects.
    warnings
        What is not done as asked, though it runs.
    removed
        Keys of ``mcp_servers`` that the config patch takes away again.
    """

    objects: GatewayObjects
    warnings: tuple[PlanWarning, ...] = ()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """What one of our gateways should become.

    Attributes
    ----------
    key, uid, generation
        The gateway that was planned.
    objects
        Its desired objects; None where there is a failure, and then the last good ones stay.
    failure
        Why there are no objects; None where there are.
    warnings
        What is not done as asked, though the gateway runs.
    removed
        Keys of ``mcp_servers`` that the config patch takes away again.
    """

    key: GatewayKey
    uid: str | None
    generation: int | None
    objects: GatewayObjects | None
    failure: Failure | None
    warnings: tuple[PlanWarning, ...] = ()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of every gateway and route that is ours; what is not among them is left untouched."""

    gateways: Mapping[GatewayKey, GatewayPlan] = field(default_factory=dict)
    routes: Mapping[RouteKey, RoutePlan] = field(default_factory=dict)


def plan(snapshot: Snapshot) -> Plan:
    """Decide what every gateway and route of `snapshot` should become.

    Total and deterministic: any admitted object gives a result, in any order of input the same one, and one
    broken gateway, route or guard changes nothing for the others.
    """
    known: dict[GatewayKey, Gateway | UnreadableGateway] = {
        **{gateway_key(gateway): gateway for gateway in snapshot.gateways},
        **{gateway.key: gateway for gateway in snapshot.unreadable_gateways},
    }
    classes = {key: _class_name(gateway) for key, gateway in known.items()}
    claimed = {
        key: known[key]
        for key in sorted(known)
        if claims(GATEWAY_KINDS[key.kind], classes[key], snapshot.classes)
    }
    routes = without_loops(
        plan_routes(snapshot.routes, claimed, classes, snapshot.classes, snapshot.resources)
    )
    servers = mcp_servers(routes.values())
    gateways = {
        key: _plan_gateway(found, snapshot, claimed, servers.get(key, {})) for key, found in claimed.items()
    }
    removed = {key: gateway.removed for key, gateway in gateways.items() if gateway.removed}
    return Plan(gateways, without_removed(routes, removed))


def gateway_key(gateway: Gateway) -> GatewayKey:
    """Return the key of a gateway."""
    return GatewayKey(gateway.kind, gateway.metadata.namespace or "", gateway.metadata.name)


def generate(
    gateway: Gateway,
    contents: Mapping[Reference, Content],
    resources: Resources,
    servers: Mapping[str, Mapping[str, Any]],
    absence: Absence = _NOTHING_ABSENT,
) -> Generated:
    """Return the objects of one gateway, whoever owns it.

    Parameters
    ----------
    gateway
        The gateway; without a UID its objects have no owner.
    contents
        Secrets and ConfigMaps it refers to; a missing key means that the object does not exist.
    resources
        Guards and providers it refers to.
    servers
        Entries of ``mcp_servers``, for a ToolGateway.
    absence
        What it refers to and does not exist on the cluster.

    Raises
    ------
    Failure
        The gateway's input is at fault.
    """
    if isinstance(gateway, AiGateway) and not gateway.spec.ai_models:
        message = "the gateway has no models"
        raise Failure(
            Reason.CONFIG_GENERATION_FAILED, message, field="spec.aiModels", cure="list at least one"
        )
    guardrails = resolve_guardrails(gateway, resources)
    config, warnings = _patched(gateway, generated_config(gateway, servers, guardrails.entries), contents)
    config_yaml = documents.dump(config)
    check_size(config_yaml)
    providers = [model.provider for model in gateway.spec.ai_models] if isinstance(gateway, AiGateway) else []
    hashes, kept = _hashes(gateway, contents, guardrails, config_yaml, absence)
    objects = build_objects(
        WorkloadInputs(
            gateway=gateway_key(gateway),
            uid=gateway.metadata.uid,
            port=gateway.spec.port if isinstance(gateway, AiGateway) else _TOOL_GATEWAY_PORT,
            config_yaml=config_yaml,
            env=environment(providers, guardrails.credentials, gateway.spec.env),
            env_from=[
                source.model_dump(by_alias=True, exclude_none=True) for source in gateway.spec.env_from
            ],
            hashes=hashes,
            common=gateway.spec.common_metadata,
            pod=gateway.spec.pod_metadata,
        )
    )
    (container,) = objects.deployment["spec"]["template"]["spec"]["containers"]
    absent = absence_warnings(gateway_key(gateway), container, guardrails.references, absence, kept)
    return Generated(objects, (*absent, *guardrails.warnings, *warnings), _removed(servers, config))


def _plan_gateway(
    gateway: Gateway | UnreadableGateway,
    snapshot: Snapshot,
    claimed: Mapping[GatewayKey, Gateway | UnreadableGateway],
    servers: Mapping[str, Mapping[str, Any]],
) -> GatewayPlan:
    if isinstance(gateway, UnreadableGateway):
        failure = Failure(Reason.CONFIG_GENERATION_FAILED, gateway.message)
        return GatewayPlan(gateway.key, None, gateway.generation, None, failure)
    key = gateway_key(gateway)
    uid, generation = gateway.metadata.uid, gateway.metadata.generation
    try:
        check_rival(key, claimed, snapshot.existing)
        check_names(key, snapshot.existing)
        absence = Absence(snapshot.absent, snapshot.awaited, snapshot.running.get(key, {}))
        made = generate(gateway, snapshot.contents, snapshot.resources, servers, absence)
    except Failure as failure:
        # A plan is kept for long; the traceback would keep the whole snapshot with it.
        return GatewayPlan(key, uid, generation, None, failure.with_traceback(None))
    return GatewayPlan(key, uid, generation, made.objects, None, made.warnings, made.removed)


def _class_name(gateway: Gateway | UnreadableGateway) -> str | None:
    return gateway.class_name if isinstance(gateway, UnreadableGateway) else gateway.spec.class_name


def _patched(
    gateway: Gateway, config: dict[str, Any], contents: Mapping[Reference, Content]
) -> tuple[dict[str, Any], tuple[PlanWarning, ...]]:
    reference = patch_reference(gateway)
    if reference is None:
        return config, ()
    patched = merge(config, read_patch(reference.name, contents.get(reference)))
    return patched, patch_warnings(reference.name, patched)


def _removed(servers: Mapping[str, Mapping[str, Any]], patched: Mapping[str, Any]) -> frozenset[str]:
    left = patched.get("mcp_servers")
    entries = left if isinstance(left, Mapping) else {}
    return frozenset(server for server in servers if not isinstance(entries.get(server), Mapping))


def _hashes(
    gateway: Gateway,
    contents: Mapping[Reference, Content],
    guardrails: Guardrails,
    config_yaml: str,
    absence: Absence,
) -> tuple[dict[str, str], frozenset[Reference]]:
    """Return the hashes, and those of the absent references for which running pods keep theirs."""

    def digest(reference: Reference) -> str:
        content = contents.get(reference)
        return content.digest if content else EMPTY_DIGEST

    keys = api_key_reference(gateway)
    others = (environment_references(gateway) | guardrails.references) - {keys}
    hashes = {_CONFIG_HASH: config_hash(config_yaml), _SECRET_HASH: digest(keys)}
    if others:
        hashes[_ENV_HASH] = env_hash((reference, digest(reference)) for reference in others)
    kept: set[Reference] = set()
    for annotation, references in ((_SECRET_HASH, {keys}), (_ENV_HASH, others)):
        if references and absence.keeps(annotation, hashes[annotation], references):
            hashes[annotation] = absence.running[annotation]
            kept |= absence.awaited & references
    return hashes, frozenset(kept)
