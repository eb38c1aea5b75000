"""What a gateway becomes, as far as it is known at each moment of a program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import pulumi

from gateway_components.plan.workload import GatewayObjects

__all__ = ["GatewayOutputs"]


@dataclass(frozen=True, slots=True)
class GatewayOutputs:
    """The objects of a gateway, twice: as far as they are known early and may be seen, and whole.

    Attributes
    ----------
    outline
        ConfigMap, Service and the metadata of the Deployment are right here, and depend on nothing else.
    full
        The Deployment's specification is right here; it may wait for, or be secret by, a variable.
    route_urls
        URL of each route that it serves, by a name that is unique among them.
    """

    outline: pulumi.Output[GatewayObjects]
    full: pulumi.Output[GatewayObjects]
    route_urls: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: GatewayObjects, route_urls: Mapping[str, str]) -> Self:
        """Return the outputs of objects and URLs that are known."""
        known: pulumi.Output[GatewayObjects] = pulumi.Output.from_input(objects)
        urls = {name: pulumi.Output.from_input(url) for name, url in route_urls.items()}
        return cls(known, known, urls)
