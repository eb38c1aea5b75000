"""The gateway components: one resource in a program, three objects in the cluster."""

from collections.abc import Mapping
from typing import Any

import pulumi

from gateway_components.components.args import AiGatewayArgs, args_of
from gateway_components.components.build import GatewayOutputs, ai_gateway_outputs
from gateway_components.components.objects import SKIP_AWAIT, Registration, register

__all__ = ["AiGateway", "Gateway"]


class Gateway(pulumi.ComponentResource):
    """A gateway of either kind, made of a ConfigMap, a Deployment and a Service.

    Attributes
    ----------
    url
        Where clients inside the cluster reach the gateway, once its Service exists.
    namespace, service_name, deployment_name, config_map_name
        Where its objects are and what they are called.
    """

    url: pulumi.Output[str]
    namespace: pulumi.Output[str]
    service_name: pulumi.Output[str]
    deployment_name: pulumi.Output[str]
    config_map_name: pulumi.Output[str]

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

    TYPE = "gateway-components:index:AiGateway"

    def __init__(
        self,
        name: str,
        args: AiGatewayArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        component = f'AiGateway "{name}"'
        known = args_of(component, args)
        how = Registration(annotations=SKIP_AWAIT if known.skip_await else {})
        super().__init__(self.TYPE, name, ai_gateway_outputs(component, name, known), how, opts)
