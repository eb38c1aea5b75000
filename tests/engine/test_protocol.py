"""What the engine calls during a run, called as the engine does."""

import json
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]  # it comes without types
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # as above
from pulumi.automation import EngineEvent
from pulumi.runtime.proto.events_pb2 import EventRequest
from pulumi.runtime.proto.events_pb2_grpc import EventsStub
from pulumi.runtime.proto.language_pb2 import RunRequest
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub
from pulumi.runtime.proto.resource_pb2 import (
    RegisterResourceOutputsRequest,
    RegisterResourceRequest,
    RegisterResourceResponse,
)
from pulumi.runtime.proto.resource_pb2_grpc import (
    ResourceMonitorServicer,
    add_ResourceMonitorServicer_to_server,
)

from gateway_components.engine.protocol import Program, served

URN = "urn:pulumi:ns::litellm-gateways::pulumi:pulumi:Stack::litellm-gateways-ns"


class _Engine(ResourceMonitorServicer):
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def RegisterResource(self, request: RegisterResourceRequest, context: Any) -> RegisterResourceResponse:  # noqa: N802
        self.asked.append(request)
        return RegisterResourceResponse(urn=URN)

    def RegisterResourceOutputs(self, request: RegisterResourceOutputsRequest, context: Any) -> Empty:  # noqa: N802
        self.asked.append(request)
        return Empty()

    def SignalAndWaitForShutdown(self, request: Empty, context: Any) -> Empty:  # noqa: N802
        self.asked.append(request)
        return Empty()


@pytest.fixture
def engine() -> Iterator[tuple[_Engine, str]]:
    servicer, server = _Engine(), grpc.server(futures.ThreadPoolExecutor(2))
    add_ResourceMonitorServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None)


def _nothing(*_: Any) -> None:
    """Be a program that registers nothing, or a listener who does not care."""


def run(program: Program, monitor: str) -> str:
    """Have a program run as the engine does, and return its error."""
    with served(program, _nothing) as address, grpc.insecure_channel(address) as channel:
        request = RunRequest(project="litellm-gateways", stack="ns", monitor_address=monitor)
        return str(LanguageRuntimeStub(channel).Run(request).error)


def fails(code: grpc.StatusCode) -> Program:
    class _Refused(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
        def code(self) -> Any:
            return code

        def details(self) -> str:
            return "no such provider"

    def program(monitor: Any, stack: str) -> None:
        raise _Refused

    return program


def test_the_program_runs_between_begin_and_end_of_its_stack(engine: tuple[_Engine, str]) -> None:
    servicer, address = engine
    seen: list[str] = []

    def program(monitor: Any, stack: str) -> None:
        seen.extend([stack, *(request.type for request in servicer.asked)])

    assert run(program, address) == ""
    assert seen == [URN, "pulumi:pulumi:Stack"]
    stack, outputs, end = servicer.asked
    assert stack.name == "litellm-gateways-ns"
    assert outputs.urn == URN
    assert isinstance(end, Empty)


def test_no_path_of_this_machine_is_reported(engine: tuple[_Engine, str]) -> None:
    servicer, address = engine
    run(_nothing, address)
    stack = servicer.asked[0]
    assert not stack.HasField("sourcePosition")
    assert not stack.stackTrace.frames


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "the engine refused: it is to say so"),
        (grpc.StatusCode.UNAVAILABLE, "the engine must not take what it got so far for all there is"),
    ],
)
def test_a_program_that_ends_early_is_an_error(
    engine: tuple[_Engine, str], code: grpc.StatusCode, why: str
) -> None:
    assert run(fails(code), engine[1]) == "no such provider", why


def listened(*events: dict[str, Any]) -> list[EngineEvent]:
    heard: list[EngineEvent] = []
    on_event: Callable[[EngineEvent], None] = heard.append
    with served(_nothing, on_event) as address, grpc.insecure_channel(address) as channel:
        EventsStub(channel).StreamEvents(iter(EventRequest(event=json.dumps(event)) for event in events))
    return heard


def test_only_what_goes_wrong_is_reported() -> None:
    stamp = {"sequence": 1, "timestamp": 1}
    diagnostic = {"message": "denied", "color": "never", "severity": "error", "urn": URN}
    heard = listened(
        {**stamp, "preludeEvent": {"config": {}}},
        {**stamp, "diagnosticEvent": diagnostic},
        {**stamp, "summaryEvent": {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": {}}},
    )
    assert [event.diagnostic_event and event.diagnostic_event.message for event in heard] == ["denied"]
