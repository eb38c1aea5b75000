"""`plan`: from everything that is known to everything that should be.

Read this module first. It is pure: no Pulumi, no client, no clock, no environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_components import documents
from gateway_components.crds.aigateway import AiGateway
from gateway_components.plan.classes import claims
from gateway_components.plan.config import ai_config
from gateway_components.plan.conflicts import check_names
from gateway_components.plan.environment import environment
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.hashes import EMPTY_DIGEST, config_hash, env_hash
from gateway_components.plan.keys import GatewayKey, Reference
from gateway_components.plan.kinds import AI_GATEWAY, GATEWAY_KINDS
from gateway_components.plan.patch import merge, read_patch
from gateway_components.plan.references import api_key_reference, environment_references, patch_reference
from gateway_components.plan.snapshot import Content, Snapshot
from gateway_components.plan.workload import GatewayObjects, WorkloadInputs, build_objects

__all__ = ["GatewayPlan", "Plan", "gateway_key", "generate", "plan"]

_CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"
_SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"  # noqa: S105  (the name of an annotation)
_ENV_HASH = "runtime.agentic-layer.ai/env-hash"


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
    """

    key: GatewayKey
    uid: str | None
    generation: int | None
    objects: GatewayObjects | None
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of every gateway that is ours; a gateway that is not among `gateways` is left untouched."""

    gateways: Mapping[GatewayKey, GatewayPlan] = field(default_factory=dict)


def plan(snapshot: Snapshot) -> Plan:
    """Decide what every gateway of `snapshot` should become.

    Total and deterministic: any admitted object gives a result, in any order of input the same one, and one
    broken gateway changes nothing for the others.
    """
    gateways: dict[GatewayKey, GatewayPlan] = {}
    for gateway in sorted(snapshot.ai_gateways, key=gateway_key):
        if claims(AI_GATEWAY, gateway.spec.ai_gateway_class_name, snapshot.ai_gateway_classes):
            gateways[gateway_key(gateway)] = _plan_gateway(gateway, snapshot)
    for unreadable in sorted(snapshot.unreadable_gateways, key=lambda known: known.key):
        if claims(GATEWAY_KINDS[unreadable.key.kind], unreadable.class_name, snapshot.ai_gateway_classes):
            failure = Failure(Reason.CONFIG_GENERATION_FAILED, unreadable.message)
            gateways[unreadable.key] = GatewayPlan(unreadable.key, None, unreadable.generation, None, failure)
    return Plan(gateways)


def gateway_key(gateway: AiGateway) -> GatewayKey:
    """Return the key of a gateway."""
    return GatewayKey(gateway.kind, gateway.metadata.namespace or "", gateway.metadata.name)


def generate(gateway: AiGateway, contents: Mapping[Reference, Content]) -> GatewayObjects:
    """Return the objects of one gateway, whoever owns it.

    Parameters
    ----------
    gateway
        The gateway; without a UID its objects have no owner.
    contents
        Secrets and ConfigMaps it refers to; a missing key means that the object does not exist.

    Raises
    ------
    Failure
        The gateway's input is at fault.
    """
    if not gateway.spec.ai_models:
        message = "the gateway has no models"
        raise Failure(
            Reason.CONFIG_GENERATION_FAILED, message, field="spec.aiModels", cure="list at least one"
        )
    if gateway.spec.guardrails:
        # Running without the guards that were asked for would be worse than not running.
        message = (
            "guardrails cannot be resolved: this version does not know the kinds Guard and GuardrailProvider"
        )
        raise Failure(
            Reason.GUARDRAILS_RESOLUTION_FAILED,
            message,
            field="spec.guardrails",
            cure="take them out, or write them into a config patch",
        )
    config_yaml = documents.dump(_patched_config(gateway, contents))
    return build_objects(
        WorkloadInputs(
            gateway=gateway_key(gateway),
            uid=gateway.metadata.uid,
            port=gateway.spec.port,
            config_yaml=config_yaml,
            env=environment((model.provider for model in gateway.spec.ai_models), gateway.spec.env),
            env_from=[
                source.model_dump(by_alias=True, exclude_none=True) for source in gateway.spec.env_from
            ],
            hashes=_hashes(gateway, contents, config_yaml),
            common=gateway.spec.common_metadata,
            pod=gateway.spec.pod_metadata,
        )
    )


def _plan_gateway(gateway: AiGateway, snapshot: Snapshot) -> GatewayPlan:
    key = gateway_key(gateway)
    objects, failure = None, None
    try:
        check_names(key, snapshot.existing)
        objects = generate(gateway, snapshot.contents)
    except Failure as error:
        failure = error
    return GatewayPlan(key, gateway.metadata.uid, gateway.metadata.generation, objects, failure)


def _patched_config(gateway: AiGateway, contents: Mapping[Reference, Content]) -> dict[str, Any]:
    config = ai_config(gateway.spec.ai_models)
    reference = patch_reference(gateway)
    if reference is None:
        return config
    return merge(config, read_patch(reference.name, contents.get(reference)))


def _hashes(gateway: AiGateway, contents: Mapping[Reference, Content], config_yaml: str) -> dict[str, str]:
    def digest(reference: Reference) -> str:
        content = contents.get(reference)
        return content.digest if content else EMPTY_DIGEST

    hashes = {_CONFIG_HASH: config_hash(config_yaml), _SECRET_HASH: digest(api_key_reference(gateway))}
    others = environment_references(gateway)
    if others:
        hashes[_ENV_HASH] = env_hash((reference, digest(reference)) for reference in others)
    return hashes
