"""What is told, how often, and that telling never stands in the way."""

import asyncio
from typing import Any, cast

import pytest
import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.events import EventRecorder
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError, StatusDetails
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning

KEY = Identity("ToolGateway", "ns", "tools")
FAILURE = Failure(
    Reason.CONFIG_PATCH_INVALID, "it is a list", path=("metadata", "annotations"), cure="write a map"
)
ONE = plan_warning(WarningReason.GUARD_MODE_IGNORED, "one", ("spec", "mode"), "leave it out")
OTHER = plan_warning(WarningReason.CONFIG_KEY_UNKNOWN, "other")


class Server:
    """Takes events, or refuses them."""

    def __init__(self, refuse: BaseException | None = None) -> None:
        self.refuse = refuse
        self.events: list[tuple[str, str, str]] = []

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuse:
            raise self.refuse
        self.events.append((body["type"], body["reason"], body["note"]))
        return body


class Noon(Clock):
    """A clock that stands still."""

    def __init__(self) -> None:
        """Need no threads."""

    def timestamp(self, *, precise: bool = False) -> str:
        return "2026-01-01T12:00:00.000000Z"


def recorder(server: Server) -> EventRecorder:
    return EventRecorder(cast("FencedClient", server), Noon())


def raw(uid: str = "uid-1", *conditions: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ToolGateway",
        "metadata": {"name": "tools", "namespace": "ns", "uid": uid, "resourceVersion": "1"},
        "status": {"conditions": list(conditions)},
    }


def condition(type_: str, reason: str, message: str, status: str = "False") -> dict[str, Any]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


async def test_a_warning_is_reported_once_until_it_goes_and_comes_back() -> None:
    server = Server()
    reported = recorder(server)

    for warnings in ((ONE,), (ONE,), (ONE, OTHER), (OTHER,), (ONE, OTHER)):
        await reported.warnings(KEY, raw(), warnings)

    assert [note for _, _, note in server.events] == [str(ONE), "other", str(ONE)]
    assert {kind for kind, _, _ in server.events} == {"Warning"}


async def test_the_first_warnings_get_events_and_a_count_follows() -> None:
    server, many = Server(), [plan_warning(WarningReason.CONFIG_KEY_UNKNOWN, f"{n:04}") for n in range(3000)]
    with structlog.testing.capture_logs() as lines:
        await recorder(server).warnings(KEY, raw(), tuple(many))

    assert [note for _, _, note in server.events[:2]] == ["0000", "0001"]
    assert server.events[-1] == ("Warning", "ConfigKeyUnknown", "there are 2980 more warnings")
    assert len(server.events) == len(lines) == 21


async def test_a_warning_whose_event_was_failed_run_is_reported_again() -> None:
    server = Server(asyncio.CancelledError())
    reported = recorder(server)
    with pytest.raises(asyncio.CancelledError):
        await reported.warnings(KEY, raw(), (ONE,))

    server.refuse = None
    await reported.warnings(KEY, raw(), (ONE,))

    assert [note for _, _, note in server.events] == [str(ONE)]


async def test_a_recreated_gateway_is_reported_again() -> None:
    server = Server()
    reported = recorder(server)

    await reported.warnings(KEY, raw("uid-1"), (ONE,))
    await reported.warnings(KEY, raw("uid-2"), (ONE,))

    assert len(server.events) == 2


async def test_a_failure_in_both_conditions_is_one_event() -> None:
    server = Server()
    reported = recorder(server)

    for type_ in ("ToolGatewayConfigured", "ToolGatewayReady"):
        await reported.condition(KEY, raw(), condition(type_, "ConfigPatchInvalid", str(FAILURE)), FAILURE)

    assert server.events == [("Warning", "ConfigPatchInvalid", str(FAILURE))]


async def test_progress_is_one_event_and_what_is_known_is_none() -> None:
    server = Server()
    reported = recorder(server)
    first = condition("ToolGatewayReady", "DeploymentRollingOut", "0 of 1")

    await reported.condition(KEY, raw(), first, None)
    await reported.condition(KEY, raw("u", first), {**first, "message": "1 of 1"}, None)
    await reported.condition(KEY, raw("u", first), first, None)

    assert server.events == [("Normal", "DeploymentRollingOut", "0 of 1")]


async def test_each_applied_edit_gets_an_event() -> None:
    server = Server()
    reported = recorder(server)
    first = {
        **condition("ToolGatewayConfigured", "ConfigurationApplied", "applied", "True"),
        "observedGeneration": 1,
    }
    second = {**first, "observedGeneration": 2}
    ready = {**first, "type": "ToolGatewayReady"}

    await reported.condition(KEY, raw("u", first), first, None)
    assert server.events == []
    await reported.condition(KEY, raw("u", first), second, None)
    await reported.condition(KEY, raw("u", ready), {**ready, "observedGeneration": 2}, None)

    assert server.events == [("Normal", "ConfigurationApplied", "applied")]


async def test_a_log_line_names_object_field_and_cure() -> None:
    with structlog.testing.capture_logs() as lines:
        reported = recorder(Server())
        failed = condition("ToolGatewayConfigured", "ConfigPatchInvalid", str(FAILURE))
        await reported.condition(KEY, raw(), failed, FAILURE)
        await reported.warnings(KEY, raw(), (ONE,))

    faults: tuple[Failure | Finding, ...] = (FAILURE, ONE)
    for line, fault in zip(lines, faults, strict=True):
        assert line["log_level"] == "warning"
        assert line["gateway"] == "ToolGateway ns/tools"
        assert (line["field"], line["cure"]) == (fault.field, fault.cure)


REFUSALS = [
    ("forbidden", ApiError(403, "Forbidden", "no right")),
    ("unreachable", ApiUnreachableError("no answer")),
]


@pytest.mark.parametrize(("case", "error"), REFUSALS, ids=[case[0] for case in REFUSALS])
async def test_an_event_that_cannot_be_written_is_a_log_line(case: str, error: Exception) -> None:
    with structlog.testing.capture_logs() as lines:
        await recorder(Server(error)).warnings(KEY, raw(), (ONE,))

    assert lines[-1]["event"] == "event not written", case
    assert lines[-1]["error"] == str(error)


async def test_a_terminating_namespace_takes_no_events_silently() -> None:
    goes = StatusDetails(causes=frozenset(("NamespaceTerminating",)))
    with structlog.testing.capture_logs() as lines:
        error = ApiError(403, "Forbidden", "it is being terminated", details=goes)
        await recorder(Server(error)).warnings(KEY, raw(), (ONE,))

    assert [line["event"] for line in lines] == [ONE.reason]
