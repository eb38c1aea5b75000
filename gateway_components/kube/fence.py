"""Fencing: a client that asks before each write whether this process may still write."""

from typing import Protocol

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import FencedError
from gateway_components.kube.transport import Request


class Fence(Protocol):
    """Decides whether writes may be sent."""

    def seconds_to_write(self) -> float:
        """Return the time limit in seconds of a write that is sent now.

        Raises FencedError: no write may be sent.
        """


class ReadOnly:
    """A fence that refuses all writes."""

    def seconds_to_write(self) -> float:
        """Refuse."""
        raise FencedError("this client is read-only")


class FencedClient(KubeClient):
    """A client that asks `fence` right before it sends a write, and before it sends it again.

    It asks after the write has waited for its turn or for new credentials. Neither this process nor the API server
    spends longer on a write than the fence allows. The owner of `client` closes the connections.
    """

    def __init__(self, client: KubeClient, fence: Fence) -> None:
        super().__init__(client.transport)
        self._fence = fence

    def _seconds(self, request: Request) -> float:
        seconds = super()._seconds(request)
        return min(seconds, self._fence.seconds_to_write()) if request.writes else seconds
