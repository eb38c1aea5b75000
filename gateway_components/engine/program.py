"""The program of an engine run: the planned gateways of one namespace, on a provider that only patches."""

from collections.abc import Callable, Mapping

import pulumi
import pulumi_kubernetes

from gateway_components.components.objects import SKIP_AWAIT, Registration
from gateway_components.components.planned import planned_gateway
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["gateways_program", "load_lazy_modules"]

FIELD_MANAGER = "litellm-gateways"
"""Owner of the fields the daemon applies: fixed, so that a daemon that lost its state still owns them."""

_ANNOTATIONS = {**SKIP_AWAIT, "pulumi.com/patchFieldManager": FIELD_MANAGER}


def load_lazy_modules() -> None:
    """Load what the Kubernetes SDK puts off until its first use, when other runs would find half a module."""
    for module in (pulumi_kubernetes.core.v1, pulumi_kubernetes.meta.v1):
        # Asking for any name loads it.
        hasattr(module, "")


def gateways_program(wanted: Mapping[GatewayKey, GatewayObjects]) -> Callable[[], None]:
    """Return the program that registers `wanted`."""

    def program() -> None:
        provider = pulumi_kubernetes.Provider(
            "kubernetes",
            # Empty, or the SDK would take $KUBECONFIG of this process and the provider would leave a copy of
            # the credentials in the temporary folder at each run; the provider reads its own environment.
            kubeconfig="",
            # Fixed, or a new address of the same cluster would replace every object.
            cluster_identifier="cluster",
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
        )
        # Deletion is the garbage collector's; a gateway that is let go keeps its objects.
        options = pulumi.ResourceOptions(provider=provider, retain_on_delete=True)
        for key, objects in wanted.items():
            planned_gateway(key, objects, Registration(_ANNOTATIONS, shared=True, options=options))

    return program
