"""From the arguments of a component to the objects of its gateway, by way of the pure core."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gateway_components.components.ai_args import AiGatewayArgs
from gateway_components.components.checks import check_patch, key_digest
from gateway_components.components.gateway_args import GatewayArgs
from gateway_components.components.generate import Built, generate
from gateway_components.components.guards import guard_parts
from gateway_components.components.inputs import camel_keys, plain, resolved, together
from gateway_components.components.outputs import GatewayOutputs
from gateway_components.components.routes import route_parts
from gateway_components.components.secrecy import public
from gateway_components.components.tool_args import ToolGatewayArgs
from gateway_components.plan.kinds import AI_GATEWAY, TOOL_GATEWAY, GatewayKind

__all__ = ["ai_gateway_outputs", "tool_gateway_outputs"]


@dataclass(frozen=True, slots=True)
class _Own:
    """What only one kind of gateway has.

    Attributes
    ----------
    kind
        The kind.
    spec
        Fields of its custom resource.
    routes
        Fields of each of its routes, by their names.
    """

    kind: GatewayKind
    spec: Mapping[str, Any]
    routes: Mapping[str, Any]


def ai_gateway_outputs(component: str, name: str, args: AiGatewayArgs) -> GatewayOutputs:
    """Return the objects of the AiGateway that `args` describe; see `tool_gateway_outputs`."""
    spec = {"aiModels": public(component, "models", plain(args.models)), "port": plain(args.port)}
    return _outputs(component, name, args, _Own(AI_GATEWAY, spec, {}))


def tool_gateway_outputs(component: str, name: str, args: ToolGatewayArgs) -> GatewayOutputs:
    """Return the objects and the URLs of the routes of the ToolGateway that `args` describe.

    Parameters
    ----------
    component
        Type and name of the component, for messages.
    name
        Name of the gateway where `args` give none.
    args
        The arguments.

    Raises
    ------
    ArgsError
        An argument is at fault: at once where all that it takes to see that is known, else inside the Outputs.
    """
    return _outputs(component, name, args, _Own(TOOL_GATEWAY, {}, route_parts(component, args.routes)))


def _outputs(component: str, name: str, args: GatewayArgs, own: _Own) -> GatewayOutputs:
    """Return the outputs of a gateway of either kind.

    The outline leaves out what shapes the pods alone. So ConfigMap and Service can be previewed while a variable is
    not known yet, and a secret variable hides the pods in the state but not the URL.
    """
    outline = {
        "name": plain(args.name if args.name is not None else name),
        "namespace": plain(args.namespace),
        **own.spec,
        "guardrails": guard_parts(component, args.guardrails),
        "routes": together(own.routes),
        "commonMetadata": plain(args.common_metadata),
        "patch": resolved(
            public(component, "config_patch", plain(args.config_patch)),
            lambda patch: check_patch(component, patch),
        ),
    }
    details = {
        "env": resolved(plain(args.env), camel_keys),
        "envFrom": resolved(plain(args.env_from), camel_keys),
        "podMetadata": plain(args.pod_metadata),
        "apiKeys": _api_key_digest(component, args),
    }
    full = resolved(together({**outline, **details}), lambda parts: generate(component, own.kind, parts))
    if isinstance(full, Built):
        return GatewayOutputs.of(full.objects, full.route_urls)
    # What is known of the details is checked with the outline: of several mistakes that show at once, all are reported.
    known = {key: part for key, part in details.items() if not isinstance(part, pulumi.Output)}
    first = pulumi.Output.from_input(
        resolved(
            together({**outline, **known}), lambda parts: generate(component, own.kind, parts, warn=False)
        )
    )
    return GatewayOutputs(
        first.apply(lambda built: built.objects),
        full.apply(lambda built: built.objects),
        {route: _url(first, route) for route in own.routes},
    )


def _url(built: pulumi.Output[Built], route: str) -> pulumi.Output[str]:
    return built.apply(lambda known: known.route_urls[route])


def _api_key_digest(component: str, args: GatewayArgs) -> Any:
    digest = resolved(plain(args.api_keys), lambda keys: key_digest(component, keys))
    # It stands on every pod anyway; as a secret it would hide the whole Deployment from every diff.
    return pulumi.Output.unsecret(digest) if isinstance(digest, pulumi.Output) else digest
