"""The gateway components: one resource in a program, three objects in the cluster."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Service

from gateway_components.components.args import AiGatewayArgs, ToolGatewayArgs
from gateway_components.components.build import gateway_outputs
from gateway_components.components.inputs import Argument, args_as
from gateway_components.components.naming import (
    AI_GATEWAY_TYPE,
    SKIP_AWAIT,
    TOOL_GATEWAY_TYPE,
    TOOL_ROUTE_TYPE,
    route_name,
)
from gateway_components.components.objects import (
    GatewayOutputs,
    Registration,
    mark,
    register,
    warn_of_namesake,
)
from gateway_components.components.provider import (
    namespace_of,
    provider_of,
    refuse_taken_files,
    rendering_folder,
    warn_of_replacement,
)
from gateway_components.plan.urls import route_url, service_url


class ToolRoute(pulumi.ComponentResource):
    """A route through a `ToolGateway` to one MCP server; the gateway creates it from `ToolGatewayArgs.routes`.

    It has no object of its own in the cluster; it is part of the gateway's configuration. Its `url` for MCP clients
    inside the cluster is known once the gateway's Service exists.
    """

    TYPE = TOOL_ROUTE_TYPE

    url: pulumi.Output[str]

    def __init__(self, name: str, url: pulumi.Output[str], gateway: pulumi.Resource) -> None:
        super().__init__(self.TYPE, name, None, pulumi.ResourceOptions(parent=gateway))
        self.url = url
        self.register_outputs({"url": url})


class Gateway(pulumi.ComponentResource):
    """A gateway of either kind: a ConfigMap, a Deployment and a Service.

    Attributes
    ----------
    url
        URL of the gateway for clients inside the cluster, known once its Service exists.
    config_map, deployment, service
        Its objects, for resources that reference them or depend on them.
    namespace, service_name, deployment_name, config_map_name
        Namespace and names of these objects.
    routes
        Its routes by name, each with a `url`; empty for an AiGateway.
    """

    url: pulumi.Output[str]
    config_map: ConfigMap
    deployment: Deployment
    service: Service
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
        parts = register(name, outputs, self, how, opts.parent if opts else None)
        self.config_map, self.deployment, self.service = parts
        if how.marked:
            warn_of_namesake(f'{type_.rpartition(":")[2]} "{name}"', self.config_map)
        self.config_map_name = self.config_map.metadata.name
        self.deployment_name = self.deployment.metadata.name
        self.service_name = self.service.metadata.name
        self.namespace = self.service.metadata.namespace
        # From the Service's outputs, so that nothing gets a URL before the Service exists.
        place = pulumi.Output.all(self.service_name, self.namespace)
        self.url = pulumi.Output.all(place, outputs.outline).apply(_url)
        self.routes = {
            route: ToolRoute(
                route_name(name, route), pulumi.Output.all(place, server).apply(_route_url), self
            )
            for route, server in outputs.servers.items()
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
        An argument is invalid. The engine prints the message without a traceback. Values that become known only
        during the update are checked then, before any object of the gateway is created.

    Notes
    -----
    Without ``enable_config_map_mutable`` on the provider, each change of the configuration replaces the ConfigMap. Each
    run warns if the default provider lacks it.

    To rename a component, or to move it below another parent, give it ``aliases``. Without them its objects would be
    recreated in place and then deleted, so the run is refused before that.
    """

    TYPE = AI_GATEWAY_TYPE

    def __init__(
        self,
        name: str,
        args: AiGatewayArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        component = f'AiGateway "{name}"'
        _describe(self, self.TYPE, component, name, args_as(Argument(component), AiGatewayArgs, args), opts)


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
        As for `AiGateway`. A route that cannot be served is an error as well: ``routes[1].url``.

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
        _describe(self, self.TYPE, component, name, args_as(Argument(component), ToolGatewayArgs, args), opts)


def _describe(
    gateway: Gateway,
    type_: str,
    component: str,
    name: str,
    args: AiGatewayArgs | ToolGatewayArgs,
    opts: pulumi.ResourceOptions | None,
) -> None:
    """Make `gateway` the one that `args` describe."""
    outputs = gateway_outputs(component, name, args, provider_of(opts))
    how = Registration(annotations=SKIP_AWAIT if args.skip_await else {})
    Gateway.__init__(gateway, type_, name, outputs, how, opts)
    above = opts.parent if opts else None
    if provider_of(opts) is not None:
        return
    warn_of_replacement(component)
    folder = rendering_folder()
    if folder and not (opts and opts.aliases) and not vars(above or gateway).get("_aliases"):
        own = mark(gateway, above)
        refuse_taken_files(component, Path(folder), outputs.outline, own, namespace_of(None))


def _url(values: Sequence[Any]) -> str:
    (name, namespace), outline = values
    return service_url(name, namespace, outline.service["spec"]["ports"][0]["port"])


def _route_url(values: Sequence[Any]) -> str:
    (name, namespace), server = values
    return route_url(name, namespace, server)
