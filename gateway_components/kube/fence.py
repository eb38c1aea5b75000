"""A client whose writes go out only as long as somebody else lets them: no later writer can forget to ask."""

from typing import Protocol

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import FencedError
from gateway_components.kube.transport import Request

__all__ = ["Fence", "FencedClient", "ReadOnly"]


class Fence(Protocol):
    """Lets writes through, or not."""

    def seconds_to_write(self) -> float:
        """Return how long a write that is sent now may take, until its answer is there.

        Raises
        ------
        FencedError
            No write may be sent any more.
        """


class ReadOnly:
    """The fence of who only reads."""

    def seconds_to_write(self) -> float:
        """Let nothing through."""
        raise FencedError("nothing is to be written here")


class FencedClient(KubeClient):
    """Reads as any client, and asks `fence` right before each write is sent, also before one that is sent again.

    What has waited for its turn, or for new credentials, is asked about when it goes out. Neither this process nor the
    API server goes on with a write for longer than the fence allows.

    Parameters
    ----------
    client
        Whose connections are used; whoever made it closes it.
    fence
        Lets the writes through.
    """

    def __init__(self, client: KubeClient, fence: Fence) -> None:
        super().__init__(client.transport)
        self._fence = fence

    def _seconds(self, request: Request) -> float:
        seconds = super()._seconds(request)
        return min(seconds, self._fence.seconds_to_write()) if request.writes else seconds
