"""The engine's protocol, and the one module that touches private parts of Pulumi's SDK.

A run serves the engine a program and a listener. The Automation API has both: its program begins with eleven questions
to the engine, reports twelve things about itself, and writes paths of this machine into the state; its listener
decodes every event.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]  # as below
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # it comes without types
from pulumi.automation import CommandError, CommandResult, EngineEvent
from pulumi.automation.errors import create_command_error
from pulumi.runtime import rpc
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
from pulumi.runtime.proto.resource_pb2 import (
    RegisterResourceOutputsRequest,
    RegisterResourceRequest,
    Result,
)
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

UNKNOWN = rpc.UNKNOWN
"""Stands for a value that is known only after the update."""

Program = Callable[[Any, str], None]
"""Registers resources, given the engine's resource monitor and the URN of the stack."""

_LARGE_MESSAGES = (("grpc.max_receive_message_length", 400 * 1024 * 1024),)
"""The engine's own limit: an event holds the old and the new state of a resource."""

_REPORTED = ('"diagnosticEvent"', '"resOpFailedEvent"')


def command_error(result: CommandResult) -> CommandError:
    """Return the Automation API's own error for a run that failed."""
    return create_command_error(result)


def registration(type_: str, name: str, **fields: Any) -> RegisterResourceRequest:
    """Return the registration of a resource; a failure is reported in the answer and does not end the program."""
    return RegisterResourceRequest(
        type=type_,
        name=name,
        **{"object": {}, **fields},
        acceptSecrets=True,
        acceptResources=True,
        supportsPartialValues=True,
        supportsResultReporting=True,
    )


def outputs(urn: str, values: Any) -> RegisterResourceOutputsRequest:
    """Return the outputs of a component, which end its registration."""
    return RegisterResourceOutputsRequest(urn=urn, outputs=values)


def is_registered(call: Any) -> bool:
    """Return whether the engine answered a registration, and applied the resource."""
    return bool(call.done() and call.exception() is None and call.result().result == Result.SUCCESS)


@contextlib.contextmanager
def served(program: Program, on_event: Callable[[EngineEvent], None]) -> Iterator[str]:
    """Serve a program and an event listener, and yield the address of both.

    `on_event` is called with each diagnostic and each failed operation.
    """
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_LARGE_MESSAGES)
    add_LanguageRuntimeServicer_to_server(_Runtime(program), server)
    add_EventsServicer_to_server(_Listener(on_event), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        # The engine has exited: only a killed one leaves requests open.
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
            with grpc.insecure_channel(request.monitor_address, options=_LARGE_MESSAGES) as channel:
                monitor = ResourceMonitorStub(channel)
                name = f"{request.project}-{request.stack}"
                stack = monitor.RegisterResource(registration("pulumi:pulumi:Stack", name)).urn
                self._program(monitor, stack)
                monitor.RegisterResourceOutputs(outputs(stack, {}))
                monitor.SignalAndWaitForShutdown(Empty())
        except grpc.RpcError as error:
            # Also if the engine is gone: it must not take a partial registration for a complete one.
            return RunResponse(error=error.details())
        return RunResponse()


class _Listener(EventsServicer):
    def __init__(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._on_event = on_event

    def StreamEvents(self, request_iterator: Any, context: Any) -> Empty:  # noqa: ARG002, N802
        for request in request_iterator:
            # Most events report progress, with all properties of a resource.
            if any(kind in request.event for kind in _REPORTED):
                self._on_event(EngineEvent.from_json(json.loads(request.event)))
        return Empty()
