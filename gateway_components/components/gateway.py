"""The gateway components: one resource in a program, three objects in the cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from gateway_components.components.ai_args import AiGatewayArgs
from gateway_components.components.build import ai_gateway_outputs, tool_gateway_outputs
from gateway_components.components.coerce import args_as
from gateway_components.components.gateway_args import GatewayArgs
from gateway_components.components.naming import AI_GATEWAY_TYPE, TOOL_GATEWAY_TYPE
from gateway_components.components.objects import Registration, register
from gateway_components.components.outputs import GatewayOutputs
from gateway_components.components.provider import SKIP_AWAIT
from gateway_components.components.route import ToolRoute
from gateway_components.components.tool_args import ToolGatewayArgs

__all__ = ["AiGateway", "Gateway", "ToolGateway"]


class Gateway(pulumi.ComponentResource):
    """A gateway of either kind, made of a ConfigMap, a Deployment and a Service.

    Attributes
    ----------
    url
        Where clients inside the cluster reach the gateway, once its Service exists.
    namespace, service_name, deployment_name, config_map_name
        Where its objects are and what they are called.
    routes
        Its routes by their names, each with a `url`; an AiGateway has none.
    """

    url: pulumi.Output[str]
    namespace: pulumi.Output[str]
    service_name: pulumi.Output[str]
    deployment_name: pulumi.Output[str]
    config_map_name: pulumi.Output[str]
    routes: Mapping[str, ToolRoute]

    def __init__(
        self,
        type_: str,
        name: str,
        outputs: GatewayOutputs,
        how: Registration,
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        super().__init__(type_, name, None, opts)
        resources = register(name, outputs, self, how)
        self.namespace = outputs.outline.apply(lambda known: str(known.service["metadata"]["namespace"]))
        self.config_map_name = resources.config_map.metadata.name
        self.deployment_name = resources.deployment.metadata.name
        self.service_name = resources.service.metadata.name
        # It takes the name that the Service has once it exists, so nothing gets the URL before there is one.
        self.url = pulumi.Output.all(outputs.outline, self.service_name).apply(
            lambda known: str(known[0].url)
        )
        self.routes = {
            route: ToolRoute(f"{name}/{route}", pulumi.Output.all(url, self.service_name).apply(_first), self)
            for route, url in outputs.route_urls.items()
        }
        self.register_outputs(
            {
                "url": self.url,
                "namespace": self.namespace,
                "serviceName": self.service_name,
                "deploymentName": self.deployment_name,
                "configMapName": self.config_map_name,
            }
        )


class AiGateway(Gateway):
    """A LiteLLM gateway in front of language models.

    Parameters
    ----------
    name
        Name of the component, and of the gateway where `args` give none.
    args
        What it serves: `AiGatewayArgs`, or a map of the same arguments.
    opts
        Options of the component; provider, protect, transformations, transforms and aliases reach its objects.

    Raises
    ------
    InputError
        An argument is at fault. The engine shows its text alone, without a traceback. What only comes to be known
        during the update is checked then, before any object of the gateway is made.

    Notes
    -----
    With a provider that lacks ``enable_config_map_mutable``, each change of the configuration deletes the ConfigMap
    and makes a new one, where it could be changed in place.
    """

    TYPE = AI_GATEWAY_TYPE

    def __init__(
        self,
        name: str,
        args: AiGatewayArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        component = f'AiGateway "{name}"'
        known = args_as(component, AiGatewayArgs, args)
        super().__init__(self.TYPE, name, ai_gateway_outputs(component, name, known), _how(known), opts)


class ToolGateway(Gateway):
    """A LiteLLM gateway in front of MCP tool servers; ``gateway.routes["weather"].url`` is where clients reach one.

    Parameters
    ----------
    name
        Name of the component, and of the gateway where `args` give none.
    args
        What it serves: `ToolGatewayArgs`, or a map of the same arguments.
    opts
        As for `AiGateway`; they reach the routes as well.

    Raises
    ------
    InputError
        As for `AiGateway`. A route that cannot be served is a mistake, too: ``routes[1].url``.

    Notes
    -----
    The note of `AiGateway` on ``enable_config_map_mutable`` holds here as well.
    """

    TYPE = TOOL_GATEWAY_TYPE

    def __init__(
        self,
        name: str,
        args: ToolGatewayArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        component = f'ToolGateway "{name}"'
        known = args_as(component, ToolGatewayArgs, args)
        super().__init__(self.TYPE, name, tool_gateway_outputs(component, name, known), _how(known), opts)


def _how(args: GatewayArgs) -> Registration:
    return Registration(annotations=SKIP_AWAIT if args.skip_await else {})


def _first(values: Sequence[Any]) -> str:
    return str(values[0])
