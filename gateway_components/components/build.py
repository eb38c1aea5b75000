"""Plans the objects of a gateway from the arguments of its component."""

import base64
import binascii
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap, Secret

from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY, GatewayKind
from gateway_components.api.parse import problems
from gateway_components.components.args import AiGatewayArgs, GatewayArgs, ToolGatewayArgs
from gateway_components.components.described import Described, described_gateway, snapshot
from gateway_components.components.inputs import (
    ArgsError,
    Argument,
    camel_keys,
    combined,
    plain,
    public,
    resolved,
)
from gateway_components.components.objects import GatewayOutputs
from gateway_components.components.parts import described_guards, described_routes, guard_parts, route_parts
from gateway_components.components.provider import namespace_of
from gateway_components.errors import Finding
from gateway_components.plan.objects import GatewayObjects, object_digest
from gateway_components.plan.plan import plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import content_digest
from gateway_components.plan.variables import walk


def _generate(
    component: str, kind: GatewayKind, parts: Mapping[str, Any], *, warn: bool = True
) -> GatewayObjects:
    """Return what a gateway becomes of the fields in `parts`; ArgsError names all faults that show at once."""
    gateway = described_gateway(kind, parts)
    namespace = parts["namespace"]
    others = (
        *described_guards(parts["guardrails"], namespace),
        *described_routes(parts["routes"], namespace, parts["name"]),
    )
    found = _check(component, (gateway, *others))
    try:
        planned = plan(snapshot(kind, gateway, others, parts))
    except UnicodeEncodeError:
        message = "a text has a lone surrogate, which no file can hold"
        raise ArgsError(component, Finding((), message, "decode what it was read from as UTF-8")) from None
    (own,) = planned.gateways.values()
    routes = {key.name: route for key, route in planned.routes.items()}
    by_entry = [(entry, route) for entry in others if (route := _route(entry, routes))]
    failed = [(gateway, own.failure), *((entry, route.failure) for entry, route in by_entry)]
    faults = [entry.finding(one) for entry, failure in failed if failure for one in failure.findings]
    if faults or own.objects is None:
        raise ArgsError(component, *faults)
    if warn:
        found += tuple(gateway.finding(warning) for warning in own.warnings)
        found += tuple(entry.finding(warning) for entry, route in by_entry for warning in route.warnings)
        for warning in found:
            pulumi.warn(str(ArgsError(component, warning)))
    return own.objects


def _check(component: str, entries: Sequence[Described]) -> tuple[Finding, ...]:
    """Return what is worth a warning, or refuse what no cluster would take."""
    found = [entry.finding(one) for entry in entries for one in problems(entry.manifest)]
    errors = [one for one in found if one.severity == "error"]
    errors += [fault for entry in entries for fault in entry.faults]
    errors = errors or list(_namesakes(entries))
    if errors:
        # A guard and its provider have one name, and so the same mistake in it.
        raise ArgsError(component, *dict.fromkeys(errors))
    return tuple(one for one in found if one.severity == "warning")


def _namesakes(entries: Iterable[Described]) -> Iterator[Finding]:
    """Yield a problem for each object with a namesake that differs; a plan knows only one of them."""
    known: dict[tuple[str, Any, Any], Mapping[str, Any]] = {}
    for entry in entries:
        metadata = entry.manifest["metadata"]
        key = entry.manifest["kind"], metadata["namespace"], metadata["name"]
        if known.setdefault(key, entry.manifest) != entry.manifest:
            message = f'is "{metadata["name"]}", the name of another one with other settings'
            yield Finding(
                entry.arguments["metadata", "name"],
                message,
                "give them different names, or the same settings",
            )


def _route(entry: Described, routes: Mapping[str, RoutePlan]) -> RoutePlan | None:
    return routes[entry.manifest["metadata"]["name"]] if entry.manifest["kind"] == "ToolRoute" else None


def gateway_outputs(
    component: str,
    name: str,
    args: AiGatewayArgs | ToolGatewayArgs,
    provider: pulumi.ProviderResource | None,
) -> GatewayOutputs:
    """Return the objects of the gateway that `args` describe, and the keys of its routes.

    `component`, its type and name, is for messages. Where `args` give no name, `name` counts; where they give no
    namespace, that of `provider` counts. A provider of None is the default one.

    Raises ArgsError: an argument is at fault: raised at once where everything is known, else inside the Outputs.
    """
    at = Argument(component)
    if isinstance(args, ToolGatewayArgs):
        spec = {"allowedUpstreams": plain(args.allowed_upstreams)}
        namespace = namespace_of(provider) if args.namespace is None else args.namespace
        return _outputs(at, name, args, TOOL_GATEWAY, spec, namespace, route_parts(at["routes"], args.routes))
    spec = {"aiModels": public(at["models"], plain(args.models)), "port": plain(args.port)}
    if args.namespace is not None:
        return _outputs(at, name, args, AI_GATEWAY, spec, args.namespace, {})
    # Nothing but the metadata depends on the namespace: all else is known without it.
    made = _outputs(at, name, args, AI_GATEWAY, spec, "default", {})
    return replace(made, namespace=namespace_of(provider))


def _outputs(
    at: Argument,
    name: str,
    args: GatewayArgs,
    kind: GatewayKind,
    spec: Mapping[str, Any],
    namespace: Any,
    routes: Mapping[str, Any],
) -> GatewayOutputs:
    """Return the outputs of a gateway of either kind, of which only one has these fields of `spec` and routes by name.

    The outline leaves out what shapes the pods alone. So ConfigMap and Service can be previewed before each variable is
    known, and a secret variable hides only the pods.
    """
    env, env_from = plain(args.env), plain(args.env_from)
    guards = guard_parts(at["guardrails"], args.guardrails)
    outline = {
        "name": plain(args.name if args.name is not None else name),
        "namespace": plain(namespace),
        **spec,
        "guardrails": guards,
        "routes": combined(routes),
        "commonMetadata": plain(args.common_metadata),
        "patch": resolved(
            public(at["config_patch"], plain(args.config_patch)),
            lambda patch: _check_patch(at["config_patch"], patch),
        ),
    }
    details = {
        "env": resolved(env, camel_keys),
        "envFrom": resolved(env_from, camel_keys),
        "image": plain(args.image),
        "podMetadata": plain(args.pod_metadata),
        "apiKeys": _digest(at["api_keys"], args.api_keys, _key_digest),
        "restartOn": _digest(at["restart_on"], args.restart_on, _trigger_digest),
        "referenced": _referenced_contents(env, env_from, guards),
    }
    full = resolved(combined({**outline, **details}), lambda parts: _generate(at.component, kind, parts))
    if isinstance(full, GatewayObjects):
        return GatewayOutputs(full, full, {route: _server(full, route) for route in routes})
    # Known details are checked with the outline, so that all visible mistakes are reported together.
    known = {key: part for key, part in details.items() if not isinstance(part, pulumi.Output)}
    first = resolved(
        combined({**outline, **known}), lambda parts: _generate(at.component, kind, parts, warn=False)
    )
    return GatewayOutputs(
        first, full, {route: resolved(first, partial(_server, route=route)) for route in routes}
    )


def _server(objects: GatewayObjects, route: str) -> str:
    return next(server for key, server in objects.servers.items() if key.partition("/")[2] == route)


def _digest(at: Argument, given: Any, make: Callable[[Argument, Any], str]) -> Any:
    digest = resolved(plain(given), lambda known: None if known is None else make(at, known))
    # It stands on every pod anyway; as a secret it would hide the whole Deployment from every diff.
    return pulumi.Output.unsecret(digest) if isinstance(digest, pulumi.Output) else digest


def _referenced_contents(*values: Any) -> Any:
    """Return kind, name and digest of each Secret and ConfigMap whose Outputs, such as its name, are among `values`."""
    outputs = [value for value in values if isinstance(value, pulumi.Output)]
    if not outputs:
        return []
    found: pulumi.Output[Any] = pulumi.Output.all(*(_resources(output) for output in outputs))
    return found.apply(lambda groups: _contents(set().union(*groups)))


def _resources(output: pulumi.Output[Any]) -> pulumi.Output[set[pulumi.Resource]]:
    resources: Any = output.resources()
    return pulumi.Output.from_input(resources)


def _contents(resources: Iterable[pulumi.Resource]) -> pulumi.Output[list[dict[str, str]]]:
    return pulumi.Output.all(*(_content(one) for one in resources if isinstance(one, ConfigMap | Secret)))


def _content(source: ConfigMap | Secret) -> pulumi.Output[dict[str, str]]:
    kind = "Secret" if isinstance(source, Secret) else "ConfigMap"
    text, encoded = (
        (source.string_data, source.data) if isinstance(source, Secret) else (source.data, source.binary_data)
    )
    content = pulumi.Output.all(text, encoded)
    digest = content.apply(lambda parts: content_digest({**_decoded(parts[1]), **(parts[0] or {})}))
    # It stands on every pod, as the digest that the daemon makes of the same Secret.
    known = pulumi.Output.all(source.metadata, pulumi.Output.unsecret(digest))
    return known.apply(lambda parts: {"kind": kind, "name": str(parts[0]["name"]), "digest": parts[1]})


def _decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    return {key: _bytes(value) for key, value in (data or {}).items()}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        # The API server will refuse it, and say so better.
        return text.encode()


def _check_patch(at: Argument, patch: Any) -> Any:
    if patch is not None:
        _check_map(at, patch, "give top-level keys of a LiteLLM configuration, such as router_settings")
    _check_json(at, patch)
    return patch


def _check_map(at: Argument, value: Any, cure: str) -> None:
    if not isinstance(value, Mapping):
        raise at.fault(f"is a {type(value).__name__}, but must be a map", cure)


def _key_digest(at: Argument, keys: Any) -> str:
    """Return the digest of the Secret's content, or refuse what is no map of text, without its values."""
    _check_map(at, keys, "give the map that the Secret gets as its string_data")
    wrong = [
        Finding(
            (f"api_keys.{key}",), f"is a {type(value).__name__}, but must be text", "give the key as text"
        )
        for key, value in keys.items()
        if not isinstance(value, str)
    ]
    if wrong:
        raise ArgsError(at.component, *wrong)
    return content_digest({str(key): value for key, value in keys.items()})


def _trigger_digest(at: Argument, triggers: Any) -> str:
    """Return the digest of what is to restart the pods, or refuse what JSON cannot hold, without its values."""
    _check_json(at, triggers)
    return object_digest({"restartOn": triggers})[:16]


def _check_json(at: Argument, value: Any) -> None:
    found = []
    for place, part in walk(value, at.path):
        finite = math.isfinite(part) if isinstance(part, float) else type(part) in {str, int, bool}
        if not finite and part is not None and not isinstance(part, Mapping | list):
            message = f"is a {type(part).__name__}, which JSON cannot hold"
            found.append(Finding(place, message, "use maps, lists, text, numbers, booleans and None"))
    if found:
        raise ArgsError(at.component, *found)
