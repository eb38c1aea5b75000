"""Private parts of Pulumi's SDK: one module touches them, as they are in the pinned version."""

import ast
import tomllib
from importlib.metadata import version
from inspect import signature
from pathlib import Path

import pulumi
import pytest
from google.protobuf.message import Message  # type: ignore[import-untyped]
from pulumi.automation import CommandError, CommandResult, StackNotFoundError
from pulumi.runtime.proto import events_pb2_grpc, language_pb2_grpc, resource_pb2, resource_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from gateway_components.engine.protocol import command_error, outputs, registration
from tests.pulumi_cli import ROOT

LOOKED_AT = "3.250.0"
"""The version whose private parts `engine.protocol` was written for."""

PROTOCOL = "gateway_components/engine/protocol.py"
SDK = Path(pulumi.__file__).parent
RUFF = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
BANNED = frozenset(RUFF["flake8-tidy-imports"]["banned-api"])


def imported(file: Path) -> set[str]:
    """Return what a module imports, as `module.name`."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_private(name: str) -> bool:
    return any(name == banned or name.startswith(f"{banned}.") for banned in BANNED)


def test_the_sdk_has_the_version_that_was_checked() -> None:
    assert version("pulumi") == LOOKED_AT, f"look at {PROTOCOL} beside the new SDK, then change LOOKED_AT"


@pytest.mark.parametrize("package", ["", "automation", "runtime"])
def test_every_private_module_of_the_sdk_is_banned(package: str) -> None:
    prefix = ".".join(filter(None, ("pulumi", package)))
    private = {f"{prefix}.{file.stem}" for file in (SDK / package).glob("_[a-z]*.py")}
    assert private <= BANNED


def test_only_the_protocol_touches_private_parts() -> None:
    files = (ROOT / "gateway_components").rglob("*.py")
    touching = {str(file.relative_to(ROOT)) for file in files if any(map(is_private, imported(file)))}
    assert touching == {PROTOCOL}
    exempt = {pattern for pattern, rules in RUFF["per-file-ignores"].items() if "TID251" in rules}
    assert exempt == {PROTOCOL, "tests/**"}


def test_messages_have_the_fields_that_are_sent() -> None:
    fields = {"parent", "custom", "object", "provider", "dependencies", "version", "retainOnDelete"}
    flags = {"acceptSecrets", "acceptResources", "supportsPartialValues", "supportsResultReporting"}
    assert fields | flags | {"type", "name"} <= names(registration("a:b:C", "name"))
    assert names(outputs("urn", {})) >= {"urn", "outputs"}
    assert names(resource_pb2.RegisterResourceResponse()) >= {"urn", "id", "result"}


def names(message: Message) -> set[str]:
    return {field.name for field in message.DESCRIPTOR.fields}


def test_services_have_the_methods_that_are_served_and_called() -> None:
    runtime = {"About", "GetPluginInfo", "GetRequiredPackages", "GetRequiredPlugins", "Run"}
    assert runtime <= vars(language_pb2_grpc.LanguageRuntimeServicer).keys()
    assert "StreamEvents" in vars(events_pb2_grpc.EventsServicer)
    monitor = {"RegisterResource", "RegisterResourceOutputs", "SignalAndWaitForShutdown"}
    assert monitor <= vars(resource_pb2_grpc.ResourceMonitorServicer).keys()


def test_the_value_of_what_is_unknown_is_the_engines() -> None:
    assert UNKNOWN == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # sdk/go/common/resource/plugin/rpc.go


def test_an_error_of_the_engine_is_recognized_by_its_text() -> None:
    assert [*signature(CommandResult).parameters] == ["stdout", "stderr", "code"]
    missing = command_error(CommandResult("", "error: no stack named 'team' found", 255))
    assert isinstance(missing, StackNotFoundError)
    assert type(command_error(CommandResult("", "error: other", 255))) is CommandError
