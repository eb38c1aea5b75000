"""The engine's side of its protocol, as far as the program of a run speaks it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto.resource_pb2 import (
    RegisterResourceOutputsRequest,
    RegisterResourceRequest,
    RegisterResourceResponse,
    Result,
)

Request = RegisterResourceRequest | RegisterResourceOutputsRequest


class GoneError(Exception):
    """The engine went away before it answered."""


@dataclass
class _Call:
    answer: Any
    wait: Callable[[], None]

    def result(self) -> Any:
        self.wait()
        if self.answer is None:
            raise GoneError
        return self.answer

    def done(self) -> bool:
        return self.answer is not None

    def exception(self) -> None:
        return None


@dataclass
class _Method:
    monitor: "Monitor"

    def future(self, request: Request) -> _Call:
        self.monitor.log.append(("asked", request))
        urn = getattr(request, "urn", f"urn:{getattr(request, 'type', '')}:{getattr(request, 'name', '')}")
        result = Result.FAIL if urn.endswith(tuple(self.monitor.refused)) else Result.SUCCESS
        answer = None
        if not urn.endswith(tuple(self.monitor.unanswered)):
            answer = RegisterResourceResponse(urn=urn, id=self.monitor.id, result=result)
        return _Call(answer, lambda: self.monitor.log.append(("answered", request)))


@dataclass
class Monitor:
    """Answers every registration, and records what was asked and when its answer was waited for.

    Resources fail, or get no answer, whose URNs end as in `refused` and `unanswered`.
    """

    refused: Collection[str] = ()
    unanswered: Collection[str] = ()
    log: list[tuple[str, Request]] = field(default_factory=list)
    id: str = "id"

    @property
    def RegisterResource(self) -> _Method:  # noqa: N802  (a name of the protocol)
        return _Method(self)

    @property
    def RegisterResourceOutputs(self) -> _Method:  # noqa: N802  (a name of the protocol)
        return _Method(self)

    def asked(self) -> list[Any]:
        """Return the requests in the order they came."""
        return [request for what, request in self.log if what == "asked"]
