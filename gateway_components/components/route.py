"""A route of a tool gateway, as a component below it."""

import pulumi

__all__ = ["ToolRoute"]


class ToolRoute(pulumi.ComponentResource):
    """A way through a `ToolGateway` to one MCP server; a gateway makes its own, by `ToolGatewayArgs.routes`.

    It has no object in the cluster: the gateway's configuration holds it.

    Parameters
    ----------
    name
        Name of the component.
    url
        Its URL.
    gateway
        The gateway that serves it.

    Attributes
    ----------
    url
        Where MCP clients inside the cluster reach it, once the gateway's Service exists.
    """

    TYPE = "gateway-components:index:ToolRoute"

    url: pulumi.Output[str]

    def __init__(self, name: str, url: pulumi.Output[str], gateway: pulumi.Resource) -> None:
        super().__init__(self.TYPE, name, None, pulumi.ResourceOptions(parent=gateway))
        self.url = url
        self.register_outputs({"url": url})
