"""What ends a reconcile, and when the next one over the same namespace is due."""

from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from gateway_components.daemon.observe.telemetry import NOBODY, ReconcileResult, Telemetry
from gateway_components.daemon.reconcile.work_queue import Requeue
from gateway_components.engine.errors import EngineError, EngineInterruptedError
from gateway_components.kube.errors import ApiError, ApiUnreachableError, FencedError, StatusDetails
from gateway_components.kube.state_reader import StateConflictError


class Heard(Telemetry):
    def __init__(self) -> None:
        self.results: list[ReconcileResult] = []

    def reconciled(self, result: ReconcileResult) -> None:
        self.results.append(result)


def ending(outcome: float | Exception | None) -> Callable[[str], Awaitable[float | None]]:
    async def reconcile(namespace: str) -> float | None:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return reconcile


async def test_what_a_reconcile_asks_for_is_handed_on() -> None:
    heard = Heard()

    assert await Requeue(heard).run("ns", ending(3.5)) == 3.5
    assert await Requeue(heard).run("ns", ending(None)) is None
    assert heard.results == [ReconcileResult.OK, ReconcileResult.OK]


TERMINATING = StatusDetails(causes=frozenset(("NamespaceTerminating",)))
GOING = ApiError(403, "Forbidden", "because it is being terminated", details=TERMINATING)
GONE = ApiError(
    404, "NotFound", 'namespaces "ns" not found', details=StatusDetails(kind="namespaces", name="ns")
)

ENDS = (
    (GOING, ReconcileResult.INTERRUPTED),
    (GONE, ReconcileResult.INTERRUPTED),
    (ExceptionGroup("", [GOING, ApiError(500, "InternalError", "no")]), ReconcileResult.FAILED),
    (
        ApiError(404, "NotFound", "no", details=StatusDetails(kind="secrets", name="ns")),
        ReconcileResult.FAILED,
    ),
    (ApiError(403, "Forbidden", "no right"), ReconcileResult.FAILED),
    (ApiError(500, "InternalError", "no"), ReconcileResult.FAILED),
    (ApiUnreachableError("no"), ReconcileResult.FAILED),
    (EngineError("no"), ReconcileResult.FAILED),
    (StateConflictError("no"), ReconcileResult.FAILED),
    (EngineInterruptedError("no"), ReconcileResult.INTERRUPTED),
    (FencedError("no"), ReconcileResult.INTERRUPTED),
    (ExceptionGroup("", [FencedError("no"), FencedError("no")]), ReconcileResult.INTERRUPTED),
    (ExceptionGroup("", [FencedError("no"), ApiUnreachableError("no")]), ReconcileResult.FAILED),
    (
        ExceptionGroup("", [ApiError(500, "", "no"), ZeroDivisionError("ours")]),
        ReconcileResult.INTERNAL_ERROR,
    ),
    (ZeroDivisionError("a fault of ours"), ReconcileResult.INTERNAL_ERROR),
)


@pytest.mark.parametrize(("error", "result"), ENDS, ids=[repr(case[0]) for case in ENDS])
async def test_a_failed_reconcile_is_retried_and_ends_nothing(
    error: Exception, result: ReconcileResult
) -> None:
    heard = Heard()

    again = await Requeue(heard).run("ns", ending(error))

    assert again
    assert heard.results == [result]


async def test_failures_in_a_row_back_off_for_each_by_itself() -> None:
    requeue = Requeue(NOBODY)
    pauses = [await requeue.run("ns", ending(EngineError("no"))) or 0.0 for _ in range(8)]

    assert pauses[0] <= 1.0
    assert 24.0 <= pauses[-1] <= 30.0
    assert (await requeue.run("other", ending(EngineError("no"))) or 0.0) <= 1.0
    await requeue.run("ns", ending(None))
    assert (await requeue.run("ns", ending(EngineError("no"))) or 0.0) <= 1.0


async def test_a_state_that_somebody_else_wrote_is_read_again_soon() -> None:
    requeue = Requeue(NOBODY)

    pauses = [await requeue.run("ns", ending(StateConflictError("no"))) or 0.0 for _ in range(8)]

    assert max(pauses) <= 2.0


async def test_nothing_is_reported_about_a_namespace_that_goes() -> None:
    with capture_logs() as logged:
        await Requeue(NOBODY).run("ns", ending(ExceptionGroup("", [GOING, GONE])))

    assert logged == []


async def test_everything_that_ended_a_reconcile_is_reported_once() -> None:
    errors = [
        ApiError(403, "", "one"),
        ExceptionGroup("", [ApiUnreachableError("two"), ApiError(403, "", "one")]),
    ]

    with capture_logs() as logged:
        await Requeue(NOBODY).run("ns", ending(ExceptionGroup("", errors)))

    assert [(line["event"], line["error"]) for line in logged] == [
        ("reconcile failed", "one"),
        ("reconcile failed", "two"),
    ]
