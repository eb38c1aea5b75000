"""The pure core about one gateway: what it refers to becomes its objects, or the reason why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGateway
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.plan.claims import annotation_warnings
from gateway_components.plan.config import Posture, check_size, generated_config, literal_faults
from gateway_components.plan.environment import Absence, absence_warnings, environment, origins
from gateway_components.plan.findings import Failure, Reason, combined, first_warnings
from gateway_components.plan.guardrails import Guardrails, resolve_guardrails
from gateway_components.plan.objects import EMPTY_DIGEST, GatewayObjects, config_hash, env_hash
from gateway_components.plan.patch import guard_warnings, patch_warnings, read_patch, value_warnings
from gateway_components.plan.references import (
    PATCH_PATH,
    api_key_reference,
    environment_references,
    patch_reference,
)
from gateway_components.plan.review import as_written, model_warnings, patched, separator_of, server_warnings
from gateway_components.plan.snapshot import IMAGE, Content, Gateway, Resources
from gateway_components.plan.variables import (
    Variables,
    block,
    expansion_warnings,
    master_key_warnings,
    variable_warnings,
)
from gateway_components.plan.workload import WorkloadInputs, build_objects

_CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"
SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"  # noqa: S105  (the name of an annotation)
_ENV_HASH = "runtime.agentic-layer.ai/env-hash"
_TOOL_GATEWAY_PORT = 80
_NOTHING_ABSENT = Absence()


@dataclass(frozen=True, slots=True)
class Generated:
    """What one gateway becomes: objects, and warnings about what is not done as asked though it runs.

    The config patch takes the keys `removed` of ``mcp_servers`` away again.
    """

    objects: GatewayObjects
    warnings: tuple[Finding, ...] = ()
    removed: frozenset[str] = frozenset()


def generate(
    gateway: Gateway,
    contents: Mapping[Identity, Content],
    resources: Resources,
    servers: Mapping[str, Mapping[str, Any]],
    absence: Absence = _NOTHING_ABSENT,
    image: str = IMAGE,
    names: Mapping[str, str | None] | None = None,
) -> Generated:
    """Return the objects of one gateway, whoever owns it; without a UID its objects have no owner.

    Parameters
    ----------
    contents, resources
        Secrets, ConfigMaps, Guards and providers it refers to; a missing key means that the object does not exist.
    servers
        Entries of ``mcp_servers``, for a ToolGateway.
    absence
        What it refers to and does not exist on the cluster.
    names
        The key in ``mcp_servers`` by each name that a patch may use for a route, served or not.

    Raises
    ------
    Failure
        The gateway's input is at fault.
    """
    if isinstance(gateway, AiGateway) and not gateway.spec.ai_models:
        message = "the gateway has no models"
        raise Failure(
            Reason.CONFIG_GENERATION_FAILED, message, path=("spec", "aiModels"), cure="list at least one"
        )
    guardrails, generated = _generated(gateway, resources, servers)
    reference = patch_reference(gateway)
    patch = read_patch(reference, contents.get(reference)) if reference else {}
    config, hidden = patched(generated, patch, names or {}, gateway.metadata.namespace or "")
    config_yaml = strict_yaml.dump(config)
    check_size(config_yaml)
    providers = [model.provider for model in gateway.spec.ai_models] if isinstance(gateway, AiGateway) else []
    hashes, kept = _hashes(gateway, contents, guardrails, config_yaml, absence)
    namespace, gone = gateway.metadata.namespace or "", absence.absent - absence.awaited
    from_sources = origins(gateway.spec.env_from, namespace, contents, absence.remembered, gone)
    env = environment(providers, guardrails.credentials, gateway.spec.env, from_sources.variables)
    posture = Posture(config, env, from_sources)
    objects = build_objects(
        WorkloadInputs(
            gateway=gateway.identity,
            uid=gateway.metadata.uid,
            image=image,
            as_root=posture.has_database,
            port=gateway.spec.port if isinstance(gateway, AiGateway) else _TOOL_GATEWAY_PORT,
            config_yaml=config_yaml,
            env=env,
            env_from=[
                source.model_dump(by_alias=True, exclude_none=True) for source in gateway.spec.env_from
            ],
            hashes=hashes,
            common=gateway.spec.common_metadata,
            pod=gateway.spec.pod_metadata,
        )
    )
    (container,) = objects.deployment["spec"]["template"]["spec"]["containers"]
    absent = absence_warnings(gateway.identity, container, guardrails.references, absence, kept, contents)
    variables = Variables(container["env"], from_sources, namespace, contents, gone)
    name = reference.name if reference else ""
    found = chain(
        guard_warnings(name, guardrails.applied, config),  # first, since the condition shows the first
        master_key_warnings(config, variables, PATCH_PATH),
        server_warnings(name, config, servers, separator_of(gateway.spec.env)),
        value_warnings(name, config) if reference else (),
        annotation_warnings(gateway),
        absent,
        from_sources.warnings(env, gateway.spec.env),
        expansion_warnings(gateway.spec.env, container["env"], variables),
        guardrails.warnings,
        model_warnings(generated, config, {*from_sources.variables, *(one["name"] for one in env)}),
        posture.warnings(gateway.kind),
        variable_warnings(config, variables, PATCH_PATH),
        patch_warnings(name, patch, config) if reference else (),
    )
    warnings = first_warnings(
        finding.about(reference) if reference and finding.inside else finding
        for finding in as_written(found, patch, names or {})
    )
    return Generated(objects, warnings, hidden | _removed(servers, config))


def _generated(
    gateway: Gateway, resources: Resources, servers: Mapping[str, Mapping[str, Any]]
) -> tuple[Guardrails, dict[str, Any]]:
    guardrails, faults = Guardrails(), []
    try:
        guardrails = resolve_guardrails(gateway, resources)
    except Failure as failure:
        faults.append(failure)
    generated = generated_config(gateway, servers, guardrails.entries)
    faults = [*literal_faults(generated), *faults]
    if faults:
        raise combined(faults)
    return guardrails, generated


def _removed(servers: Mapping[str, Mapping[str, Any]], patched: Mapping[str, Any]) -> frozenset[str]:
    entries = block(patched, "mcp_servers")
    return frozenset(server for server in servers if not isinstance(entries.get(server), Mapping))


def _hashes(
    gateway: Gateway,
    contents: Mapping[Identity, Content],
    guardrails: Guardrails,
    config_yaml: str,
    absence: Absence,
) -> tuple[dict[str, str], frozenset[Identity]]:
    """Return the hashes, and those of the absent references for which running pods keep theirs."""

    def digest(reference: Identity) -> str:
        content = contents.get(reference)
        return content.digest if content else EMPTY_DIGEST

    keys = api_key_reference(gateway)
    others = (environment_references(gateway) | guardrails.references) - {keys}
    hashes = {_CONFIG_HASH: config_hash(config_yaml), SECRET_HASH: digest(keys)}
    if others:
        hashes[_ENV_HASH] = env_hash((reference, digest(reference)) for reference in others)
    kept: set[Identity] = set()
    for annotation, used in ((SECRET_HASH, {keys}), (_ENV_HASH, others)):
        if used and absence.keeps(annotation, hashes[annotation], used):
            hashes[annotation] = absence.running[annotation]
            kept |= absence.awaited & used
    return hashes, frozenset(kept)
