"""Runs a program against Pulumi's mocks and records what it registers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest

from gateway_components.components.objects import MADE_BY

SECRET = "4dabf18193072939515e22adb298388d"
"""Marks special values in what is sent to the engine; secrets are the only ones here."""


class Cluster(Mocks):
    """Takes every resource as it is asked for."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        message = f"no function is called here, not even {args.token}"
        raise AssertionError(message)


class Recorder(MockMonitor):
    """Keeps the registrations, in the order they came."""

    def __init__(self) -> None:
        super().__init__(Cluster())
        self.requests: list[RegisterResourceRequest] = []

    def RegisterResource(self, request: RegisterResourceRequest) -> Any:  # noqa: N802  (a name of the protocol)
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def request(self, kind: str, name: str | None = None) -> RegisterResourceRequest:
        """Return the only registration of a kind, or of a kind and name."""
        (found,) = [
            request
            for request in self.requests
            if request.type.rpartition(":")[2] == kind and name in (None, request.name)
        ]
        return found

    def inputs(self, kind: str, name: str | None = None) -> Any:
        """Return the properties of that registration."""
        return rpc.deserialize_properties(self.request(kind, name).object)

    def kinds(self) -> list[str]:
        """Return the kinds of all registrations but the stack's, sorted."""
        kinds = (request.type.rpartition(":")[2] for request in self.requests)
        return sorted(kind for kind in kinds if kind != "Stack")


def run(program: Callable[[], Any], *, preview: bool = False) -> Recorder:
    """Run `program` as the engine would, and return what it registered.

    A component that is built outside of a run would be lost: the run begins with no registration outstanding.
    """
    recorder = Recorder()
    loop = asyncio.new_event_loop()
    # Outputs that depend on a failed one fail unseen, as under the engine, which mutes asyncio for that.
    loop.set_exception_handler(lambda *_: None)
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_mocks(Cluster(), preview=preview, monitor=recorder)
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    return recorder


def made_by(kind: str, component: str) -> dict[str, str]:
    """Return the annotation of an object with the component that made it."""
    return {MADE_BY: f"urn:pulumi:stack::project::gateway-components:index:{kind}::{component}"}


def value_of(make: Callable[[], pulumi.Output[Any]]) -> Any:
    """Return the value of the Output that `make` gives within a run."""
    values: list[Any] = []
    run(lambda: make().apply(values.append))
    return values[0]


def secrecy_of(output: pulumi.Output[Any]) -> pulumi.Output[bool]:
    """Return whether `output` is secret; to be called within a run."""
    secret: Any = output.is_secret()
    return pulumi.Output.from_input(secret)
