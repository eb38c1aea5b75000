"""The engine with its state in the cluster, with stand-ins for both: what is written before and after a run."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.daemon.state import StoredEngine
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    StateUnreadableError,
)
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError
from gateway_components.kube.recorder import Event
from gateway_components.kube.state_reader import StateDamagedError, StoredState
from gateway_components.kube.state_secrets import StateSecrets
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Applied

T = TypeVar("T")
A, B = (Identity("AiGateway", "ns", name) for name in "ab")
OBJECTS = cast("GatewayObjects", None)
APPLIED = Applied("uid", "digest", {})
FORBIDDEN = ApiError(403, "Forbidden", "secrets is forbidden")


class Place(Clock):
    """Engine, Secrets and threads in one; `steps` tells what was done."""

    local = True

    @property
    def states(self) -> "Place":
        return self

    def __init__(self, stored: StoredState | None = None) -> None:
        self.steps: list[str] = []
        self.reported: list[str] = []
        self.stored = stored
        self.interruptible: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.state: dict[Identity, Applied | None] = {A: APPLIED, B: APPLIED}
        self.outcome: Outcome | None = None
        self.bytes = 0

    def size(self, namespace: str) -> int:
        return self.bytes

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        return work(*args)

    async def load(self, namespace: str) -> StoredState | None:
        self._step("load")
        return self.stored

    async def intend(self, namespace: str, pending: Collection[str], version: str | None) -> str:
        self._step(f"intend {','.join(sorted(pending))} on {version}")
        return "2"

    async def save(
        self,
        namespace: str,
        checkpoint: bytes | None,
        version: str | None,
        pending: Collection[str] = (),
    ) -> str:
        self._step(
            f"save {checkpoint!r} on {version}" + (f" but {','.join(sorted(pending))}" if pending else "")
        )
        return "2" if pending else "3"

    async def remove(self, namespace: str, version: str) -> None:
        self._step(f"remove {version}")

    def open(self, namespace: str, checkpoint: bytes | None) -> Mapping[Identity, Applied | None]:
        self._step(f"open {checkpoint!r}")
        return self.state if checkpoint else {}

    def held(self, namespace: str) -> Mapping[Identity, Any]:
        self._step("held")
        return self.state

    def apply(
        self,
        namespace: str,
        wanted: Mapping[Identity, Any],
        release: Collection[Identity],
        *,
        refresh: bool,
    ) -> Outcome:
        self._step(f"up {','.join(key.name for key in wanted)}{' refresh' if refresh else ''}")
        return self.outcome or Outcome({}, {key: self.state[key] for key in wanted}, release)

    @contextmanager
    def beginning(self, namespace: str) -> Iterator[None]:
        self.interruptible = list(self.steps)
        yield

    def interrupt(self, namespace: str) -> None:
        self._step("interrupt")

    def release(self, namespace: str, keys: Collection[Identity]) -> None:
        self._step(f"release {','.join(key.name for key in keys)}")

    def checkpoint(self, namespace: str) -> bytes | None:
        return b"new" if self.local else None

    def forget(self, namespace: str) -> None:
        self._step("forget")

    async def emit(self, regarding: Mapping[str, Any], event: Event) -> None:
        self.reported.append(f"{regarding['metadata']['name']} {event.reason}: {event.note}")

    def _step(self, step: str) -> None:
        self.steps.append(step)
        fault = self.faults.pop(step.split(maxsplit=1)[0], None)
        if fault:
            raise fault


def engine(place: Place) -> StoredEngine:
    return StoredEngine(cast("Stacks", place), cast("StateSecrets", place), place, place.emit)


def stored(*pending: Identity) -> StoredState:
    return StoredState("1", b"old", frozenset(map(str, pending)))


async def test_a_run_is_noted_first_and_stored_before_it_is_reported() -> None:
    place = Place(stored())
    tried = engine(place)

    assert await tried.held("ns") == {A: APPLIED, B: APPLIED}
    outcome = await tried.apply("ns", Batch({A: OBJECTS}, release=[B], refresh=True))

    assert outcome == Outcome({}, {A: APPLIED}, [B])
    assert place.steps == [
        "load",
        "open b'old'",
        f"intend {A},{B} on 1",
        "up a refresh",
        "save b'new' on 2",
    ]
    assert tried.version("ns") == 3


async def test_what_an_earlier_daemon_was_about_is_to_be_checked() -> None:
    assert await engine(Place(stored(A))).held("ns") == {A: None, B: APPLIED}


async def test_the_first_state_is_written_on_none() -> None:
    place = Place()
    tried = engine(place)

    assert await tried.held("ns") == {}
    await tried.apply("ns", Batch({A: OBJECTS}))

    assert f"intend {A} on None" in place.steps


async def test_letting_go_needs_no_run() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    place.steps.clear()

    outcome = await tried.apply("ns", Batch(release=[B]))

    assert place.steps == ["release b", "save b'new' on 1"]
    assert outcome.released == [B]


LOST = (
    ("load", StateDamagedError("its checksum is wrong", "7"), "what was stored is damaged"),
    ("open", StateUnreadableError("no state of Pulumi"), "what was stored is something else"),
)


@pytest.mark.parametrize(("step", "fault", "why"), LOST, ids=[case[2] for case in LOST])
async def test_an_unreadable_state_counts_as_none_and_is_overwritten(
    step: str, fault: Exception, why: str
) -> None:
    place = Place(stored())
    place.faults = {step: fault}
    tried = engine(place)

    assert await tried.held("ns") == {}, why
    assert place.steps[-1] == "open None"
    assert tried.version("ns") == (7 if step == "load" else 1)
    assert place.reported == [f"litellm-gateways-state StateLost: {fault}"]


async def test_no_run_begins_without_the_right_to_note_it() -> None:
    place = Place()
    place.faults = {"load": FORBIDDEN, "intend": FORBIDDEN}
    tried = engine(place)
    await tried.held("ns")

    outcome = await tried.apply("ns", Batch({A: OBJECTS}))

    assert not [step for step in place.steps if step.startswith("up")]
    assert not outcome.released
    failure = outcome.failures[A]
    assert failure.reason == Reason.WORKLOAD_FAILED
    assert "Secret ns/litellm-gateways-state: secrets is forbidden" in failure.message
    assert "get, create, patch and delete Secrets" in failure.cure


async def test_no_run_begins_while_the_state_is_too_large() -> None:
    place = Place(stored())
    place.bytes = 49 * 1024 * 1024
    tried = engine(place)
    await tried.held("ns")
    place.steps.clear()

    outcome = await tried.apply("ns", Batch({A: OBJECTS}))

    assert place.steps == []
    assert outcome.failures[A].reason == Reason.WORKLOAD_FAILED
    assert "the state of namespace ns has" in outcome.failures[A].message
    assert outcome.failures[A].cure
    assert (await tried.apply("ns", Batch(release=[B]))).released == [B]


async def test_a_server_in_trouble_is_nobodys_failure() -> None:
    place = Place()
    tried = engine(place)
    await tried.held("ns")
    place.faults = {"intend": ApiError(500, "InternalError", "etcd is away")}

    with pytest.raises(ApiError):
        await tried.apply("ns", Batch({A: OBJECTS}))


async def test_an_engine_that_cannot_work_is_reported_on_each_gateway() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    place.faults = {"up": EngineError("the scratch folder /x cannot be written: No space left on device")}

    outcome = await tried.apply("ns", Batch({A: OBJECTS}, release=[B]))

    assert "No space left on device" in outcome.failures[A].message
    assert (outcome.held, outcome.released) == ({}, ()), "nothing is known"
    assert place.steps[-1].startswith("save"), "what is known is stored"


async def test_a_run_that_breaks_off_leaves_its_note() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    place.faults = {"up": ClusterUnreachableError("no answer")}

    with pytest.raises(ClusterUnreachableError):
        await tried.apply("ns", Batch({A: OBJECTS}))

    assert place.steps[-1] == "up a"
    assert tried.version("ns") == 2, "the next note is written on this one"


async def test_what_a_broken_off_run_was_about_stays_noted() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    place.faults = {"up": EngineInterruptedError("no")}
    with pytest.raises(EngineInterruptedError):
        await tried.apply("ns", Batch({A: OBJECTS}))
    place.steps.clear()

    await tried.apply("ns", Batch({B: OBJECTS}))

    assert place.steps[0] == f"intend {A},{B} on 2"
    assert place.steps[-1] == f"save b'new' on 2 but {A}"
    await tried.apply("ns", Batch({A: OBJECTS}))
    assert place.steps[-1] == "save b'new' on 2"


async def test_a_run_can_be_interrupted_from_before_its_begin() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")

    await tried.apply("ns", Batch({A: OBJECTS}))

    assert place.interruptible == ["load", "open b'old'"], "that it is under way was said before it was noted"
    tried.interrupt("ns")
    assert place.steps[-1] == "interrupt"


async def test_of_another_backend_only_the_notes_are_stored() -> None:
    place = Place(StoredState("1", None, frozenset()))
    place.local = False
    tried = engine(place)

    assert await tried.held("ns") == {A: APPLIED, B: APPLIED}
    await tried.apply("ns", Batch({A: OBJECTS}))

    assert place.steps[-1] == "save None on 2"


async def test_a_state_that_was_never_stored_is_not_removed() -> None:
    place = Place()
    tried = engine(place)
    await tried.held("ns")
    await tried.forget("ns")
    assert place.steps[-1] == "forget"

    place.stored = stored()
    await tried.held("ns")
    await tried.forget("ns")
    assert place.steps[-1] == "remove 1"


async def test_what_a_killed_engine_did_not_report_stays_noted() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    killed = Failure(Reason.WORKLOAD_FAILED, "the engine was ended")
    place.outcome = Outcome({A: killed}, undetermined=[A, B])

    await tried.apply("ns", Batch({A: OBJECTS}, release=[B]))

    assert place.steps[-1] == f"save b'new' on 2 but {A},{B}"
    place.outcome = Outcome({A: killed}, released=[B])
    await tried.apply("ns", Batch({A: OBJECTS}, release=[B]))
    assert place.steps[-1] == "save b'new' on 2", "that it failed in order is known"


async def test_of_a_run_that_raised_nothing_is_settled() -> None:
    place = Place(stored())
    tried = engine(place)
    await tried.held("ns")
    place.faults = {"up": EngineError("the state cannot be read")}

    await tried.apply("ns", Batch({A: OBJECTS}, release=[B]))

    assert place.steps[-1] == f"save b'new' on 2 but {A},{B}"


async def test_a_note_of_what_the_state_does_not_hold_is_dropped() -> None:
    gone = Identity("AiGateway", "ns", "gone")
    place = Place(stored(A, gone))
    tried = engine(place)

    assert await tried.held("ns") == {A: None, B: APPLIED}

    assert place.steps[-1] == f"intend {A} on 1"
    await tried.apply("ns", Batch({B: OBJECTS}))
    assert place.steps[-1] == f"save b'new' on 2 but {A}"


async def test_a_note_that_cannot_be_dropped_holds_nothing_up() -> None:
    place = Place(stored(Identity("AiGateway", "ns", "gone")))
    place.faults = {"intend": FORBIDDEN}

    assert await engine(place).held("ns") == {A: APPLIED, B: APPLIED}
