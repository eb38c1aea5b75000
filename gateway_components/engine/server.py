"""What the engine calls during a run: the program, and who listens to its events.

The Automation API has both, and a server for each. Its program begins with eleven questions to the engine, tells it
twelve things about itself, and writes paths of this machine into the state; its listener takes every event apart.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]  # as below
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # it comes without types
from pulumi.automation import EngineEvent
from pulumi.runtime.proto.events_pb2_grpc import EventsServicer, add_EventsServicer_to_server
from pulumi.runtime.proto.language_pb2 import (
    AboutResponse,
    GetRequiredPackagesResponse,
    GetRequiredPluginsResponse,
    RunResponse,
)
from pulumi.runtime.proto.language_pb2_grpc import (
    LanguageRuntimeServicer,
    add_LanguageRuntimeServicer_to_server,
)
from pulumi.runtime.proto.plugin_pb2 import PluginInfo
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from gateway_components.engine.requests import stack_outputs_request, stack_request

__all__ = ["Program", "served"]

Program = Callable[[Any, str], None]
"""Registers resources: takes the engine's side of the protocol, and the URN of the stack."""

_WHOLE_MESSAGES = (("grpc.max_receive_message_length", 400 * 1024 * 1024),)
"""As the engine has it: an event holds a resource as it was and as it is."""

_TELLING = ('"diagnosticEvent"', '"resOpFailedEvent"')


@contextlib.contextmanager
def served(program: Program, on_event: Callable[[EngineEvent], None]) -> Iterator[str]:
    """Serve a program, and a listener to what goes wrong; yields the address of both.

    Parameters
    ----------
    program
        What the engine is to run.
    on_event
        Is called with each diagnostic and each operation that failed.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_WHOLE_MESSAGES)
    add_LanguageRuntimeServicer_to_server(_Runtime(program), server)
    add_EventsServicer_to_server(_Listener(on_event), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        # The engine has ended, so nothing is left to come, save where it was killed.
        server.stop(grace=None)


class _Runtime(LanguageRuntimeServicer):
    def __init__(self, program: Program) -> None:
        self._program = program

    def About(self, request: Any, context: Any) -> AboutResponse:  # noqa: ARG002, N802
        return AboutResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> PluginInfo:  # noqa: ARG002, N802
        return PluginInfo()

    def GetRequiredPlugins(self, request: Any, context: Any) -> GetRequiredPluginsResponse:  # noqa: ARG002, N802
        return GetRequiredPluginsResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> GetRequiredPackagesResponse:  # noqa: ARG002, N802
        return GetRequiredPackagesResponse()

    def Run(self, request: Any, context: Any) -> RunResponse:  # noqa: ARG002, N802
        try:
            with grpc.insecure_channel(request.monitor_address, options=_WHOLE_MESSAGES) as channel:
                monitor = ResourceMonitorStub(channel)
                stack = monitor.RegisterResource(stack_request(request.project, request.stack)).urn
                self._program(monitor, stack)
                monitor.RegisterResourceOutputs(stack_outputs_request(stack))
                monitor.SignalAndWaitForShutdown(Empty())
        except grpc.RpcError as error:
            # Also where the engine answers no more: it must not take what was registered so far for all there is.
            return RunResponse(error=error.details())
        return RunResponse()


class _Listener(EventsServicer):
    def __init__(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._on_event = on_event

    def StreamEvents(self, request_iterator: Any, context: Any) -> Empty:  # noqa: ARG002, N802
        for request in request_iterator:
            # Most events tell of progress, with all properties of a resource.
            if any(kind in request.event for kind in _TELLING):
                self._on_event(EngineEvent.from_json(json.loads(request.event)))
        return Empty()
