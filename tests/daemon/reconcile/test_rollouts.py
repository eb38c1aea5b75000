"""When pods of gateways that are not ready are looked at, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import pytest
import structlog

from gateway_components.daemon.reconcile.rollouts import PodReader, ReadReasons, StalledRollouts, pod_reasons
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.status import Rollout, StallReason

KEY = Identity("AiGateway", "ns", "chat")
STALLED = Rollout(True, 1, 1, 1, 0, uid="u", generation=1)
READY = replace(STALLED, available=1)
CRASH = StallReason("CrashLoopBackOff", "litellm")


class Pods:
    """Answers why the pods of each gateway do not come."""

    def __init__(self) -> None:
        self.answer: tuple[StallReason, ...] | Exception = (CRASH,)
        self.hook: ReadReasons | None = None
        self.looks: list[Identity] = []
        self.stalls = StalledRollouts(self.read)

    async def read(self, gateway: Identity, deployment: str) -> tuple[StallReason, ...]:
        self.looks.append(gateway)
        if self.hook:
            return await self.hook(gateway, deployment)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def reported(self, rollout: Rollout, now: float) -> tuple[StallReason, ...]:
        return (await self.stalls.explain({KEY: rollout}, now))[KEY].reasons


async def test_whoever_gets_ready_soon_is_not_checked() -> None:
    pods = Pods()

    assert await pods.reported(STALLED, 0) == ()
    assert await pods.reported(READY, 1) == ()
    assert pods.looks == []
    assert pods.stalls.due is None


async def test_looks_back_off_and_passes_between_know_the_last() -> None:
    pods, now, times = Pods(), 0.0, [0.0]
    await pods.reported(STALLED, now)
    for _ in range(12):
        due = pods.stalls.due
        assert due
        times.append(due)
        assert await pods.reported(STALLED, due) == (CRASH,)
        assert await pods.reported(STALLED, due + 0.1) == (CRASH,), "no look"
    pauses = [after - before for before, after in pairwise(times)]

    assert len(pods.looks) == 12
    assert pauses[0] <= 2
    assert all(later >= earlier for earlier, later in pairwise(pauses[:5]))
    assert 48 <= pauses[-1] <= 60


async def test_a_change_of_the_deployment_is_looked_into_soon() -> None:
    pods, now = Pods(), 0.0
    for _ in range(8):
        await pods.reported(STALLED, now)
        now = pods.stalls.due or now

    changed = replace(STALLED, total=2)
    assert await pods.reported(changed, now - 30) == (CRASH,), "until then the last look holds"
    due = pods.stalls.due
    assert due is not None
    assert due <= now - 28


async def test_reasons_of_another_template_are_dropped() -> None:
    pods = Pods()
    await pods.reported(STALLED, 0)
    assert await pods.reported(STALLED, 10) == (CRASH,)

    assert await pods.reported(replace(STALLED, generation=2), 11) == ()
    assert await pods.reported(replace(STALLED, uid="other"), 20) == ()


async def test_orphaned_or_stale_deployments_are_not_looked_into() -> None:
    pods = Pods()
    for now in (0, 10, 20):
        assert await pods.reported(replace(STALLED, uid=""), now) == ()
        assert await pods.reported(replace(STALLED, current=False), now) == ()

    assert pods.looks == []


async def test_what_the_deployment_says_itself_comes_first() -> None:
    pods, refused = Pods(), StallReason("FailedCreate", message="exceeded quota")
    rollout = replace(STALLED, reasons=(refused,))

    assert await pods.reported(rollout, 0) == (refused,), "at once"
    assert await pods.reported(rollout, 10) == (refused, CRASH)


async def test_a_right_that_is_missing_is_the_reason() -> None:
    pods = Pods()
    words = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "ns"'
    pods.answer = ApiError(403, "Forbidden", words)
    await pods.reported(STALLED, 0)

    (reason,) = await pods.reported(STALLED, 10)

    assert reason.reason == "PodsNotReadable"
    assert 'the verb "list" on "pods" in namespace ns' in reason.message


@pytest.mark.parametrize(
    "error", [ApiError(500, "", "no"), ApiUnreachableError("no")], ids=["refused", "away"]
)
async def test_a_failed_look_leaves_what_was_known(error: Exception) -> None:
    pods = Pods()
    await pods.reported(STALLED, 0)
    await pods.reported(STALLED, 10)
    pods.answer = error

    with structlog.testing.capture_logs() as lines:
        assert await pods.reported(STALLED, 100) == (CRASH,)
    assert [line["event"] for line in lines] == ["pods not read"]


async def test_a_failed_run_look_keeps_what_was_known_and_is_due() -> None:
    pods, looking = Pods(), asyncio.Event()
    await pods.reported(STALLED, 0)
    await pods.reported(STALLED, 10)

    async def hang(gateway: Identity, deployment: str) -> tuple[StallReason, ...]:
        looking.set()
        await asyncio.Event().wait()
        return ()

    pods.hook = hang
    going = asyncio.create_task(pods.reported(STALLED, 100))
    await asyncio.wait_for(looking.wait(), 60)
    going.cancel()
    await asyncio.wait((going,))

    assert (pods.stalls.due or 200) <= 100
    pods.hook, pods.answer = None, ApiUnreachableError("no")
    assert await pods.reported(STALLED, 101) == (CRASH,)


async def test_of_a_crowd_some_are_looked_into_at_a_time() -> None:
    pods = Pods()
    crowd = {Identity("AiGateway", "ns", f"g{n}"): STALLED for n in range(100)}
    await pods.stalls.explain(crowd, 0)
    looked, now = [], 3.0
    for _ in range(5):
        await pods.stalls.explain(crowd, now)
        looked.append(len(pods.looks))
        now = max(now + 0.1, pods.stalls.due or 0)

    assert looked[0] == 20
    assert max(after - before for before, after in pairwise(looked)) <= 20


async def test_nothing_is_kept_of_who_is_gone() -> None:
    pods = Pods()
    await pods.reported(STALLED, 0)
    await pods.stalls.explain({}, 1)
    assert pods.stalls.due is None


SECRET = "sk-in-the-output"
GATEWAY = Identity("AiGateway", "ns", "chat")


def container(state: Mapping[str, Any], name: str = "litellm", **fields: Any) -> dict[str, Any]:
    return {"name": name, "ready": False, "image": "litellm:1", "state": state, **fields}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(reason: str, code: int) -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "message": SECRET}}


def pod(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **status: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [*containers], "initContainerStatuses": [*init], **status}}


CRASHED: dict[str, Any] = {"restartCount": 3, "lastState": ended("OOMKilled", 137)}
CRASHING = ["container litellm: CrashLoopBackOff (last OOMKilled, exit code 137)"]
NO_IMAGE = ["container litellm: ImagePullBackOff: image litellm:1"]
SCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}

STATUSES: tuple[tuple[dict[str, Any], list[str], str], ...] = (
    (pod(container(waiting("ImagePullBackOff", SECRET))), NO_IMAGE, "the registry's words may name anything"),
    (pod(container(waiting("ErrImagePull", SECRET))), NO_IMAGE, "it takes turns with the other word"),
    (pod(container(waiting("CrashLoopBackOff", SECRET), **CRASHED)), CRASHING, "it waits to start again"),
    (pod(container({"running": {}}, **CRASHED)), CRASHING, "it runs again and will crash again"),
    (pod(container(ended("OOMKilled", 137), restartCount=3)), CRASHING, "it has just crashed again"),
    (
        pod(container(ended("Error", 1), restartCount=0)),
        ["container litellm: Error (exit code 1)"],
        "the first end",
    ),
    (
        pod(container(waiting("CreateContainerConfigError", 'secret "tokens" not found'))),
        ['container litellm: CreateContainerConfigError: secret "tokens" not found'],
        "this message names objects and keys alone",
    ),
    (
        pod(container(waiting("RunContainerError", SECRET))),
        ["container litellm: RunContainerError"],
        "may hold",
    ),
    (pod(conditions=[SCHEDULED]), ["Unschedulable: 0/3 nodes"], "no node takes it"),
    (pod(phase="Failed", reason="Evicted", message=SECRET), ["Evicted"], "the node threw it out"),
    (
        pod(container(waiting("PodInitializing")), init=(container(ended("Error", 2), "migrate"),)),
        ["init container migrate: Error (exit code 2)"],
        "an init container is named as one",
    ),
    (
        pod(container({"running": {}}, ready=True), container(waiting("ErrImageNeverPull"), "proxy")),
        ["container proxy: ErrImageNeverPull: image litellm:1"],
        "a sidecar of somebody else holds the pod up",
    ),
    (pod(container(waiting("ContainerCreating"))), [], "it starts as it should"),
    (pod(container({"running": {}}, restartCount=0)), [], "it is not ready yet"),
    (pod(init=(container(ended("Completed", 0)),)), [], "an init container is to end"),
    (pod(container({"running": {}}, ready=True, **CRASHED)), [], "it has recovered"),
    ({}, [], "nobody has looked at the pod yet"),
)


@pytest.mark.parametrize(("found", "reported", "why"), STATUSES, ids=[case[2] for case in STATUSES])
def test_a_status_says_why_a_pod_does_not_serve(found: dict[str, Any], reported: list[str], why: str) -> None:
    said = [str(reason) for reason in pod_reasons(found)]

    assert said == reported, why
    assert SECRET not in " ".join(said)


MALFORMED: tuple[Any, ...] = (
    None,
    7,
    "text",
    [],
    [7],
    {},
    [{"state": 7}],
    [{"state": {"waiting": {"reason": 7}}}],
)


@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_a_malformed_status_says_nothing(value: Any) -> None:
    names = ("conditions", "containerStatuses", "initContainerStatuses", "phase", "reason")

    assert list(pod_reasons({"status": dict.fromkeys(names, value)})) == []
    assert list(pod_reasons({"status": value})) == []


def controlled(kind: str, name: str, owner: str, *, revision: int = 1, **fields: Any) -> dict[str, Any]:
    reference = {"kind": kind, "uid": owner, "controller": True}
    labels = {"app": "chat", "pod-template-hash": fields.pop("template", "new")}
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    metadata = {"uid": name, "labels": labels, "annotations": annotations, "ownerReferences": [reference]}
    return {"metadata": {**metadata, **fields.pop("metadata", {})}, **fields}


class Lists:
    """Answers as an API server does that has these ReplicaSets and pods."""

    def __init__(self, sets: list[Any], pods: list[Any]) -> None:
        self._objects = {"replicasets": sets, "pods": pods}
        self.asked: list[tuple[str, Mapping[str, str], int]] = []

    async def pages(
        self, path: str, *, metadata_only: bool, labels: Mapping[str, str], size: int
    ) -> AsyncIterator[tuple[list[Any], str]]:
        assert metadata_only is path.endswith("replicasets")
        self.asked.append((path, labels, size))
        yield self._objects[path.rpartition("/")[2]], "1"
        raise AssertionError("one page is enough")


async def read(sets: list[Any], pods: list[Any]) -> tuple[list[str], Lists]:
    lists = Lists(sets, pods)
    reasons = await PodReader(cast("FencedClient", lists)).read(GATEWAY, "deployment")
    return [str(reason) for reason in reasons], lists


NEW = controlled("Deployment", "new-set", "deployment", revision=10)
OLD = controlled("Deployment", "old-set", "deployment", revision=9, template="old")


def failing(owner: str, word: str, **fields: Any) -> dict[str, Any]:
    return controlled("ReplicaSet", word, owner, status=pod(phase="Failed", reason=word)["status"], **fields)


async def test_pods_of_the_newest_template_speak_each_reason_once() -> None:
    pods = [failing("new-set", "Second"), failing("new-set", "First"), failing("new-set", "First")]
    reported, lists = await read([OLD, NEW], pods)

    assert reported == ["First", "Second"]
    assert [(path, dict(labels)) for path, labels, _ in lists.asked] == [
        ("/apis/apps/v1/namespaces/ns/replicasets", {"app": "chat"}),
        ("/api/v1/namespaces/ns/pods", {"app": "chat", "pod-template-hash": "new"}),
    ]
    assert all(size <= 50 for _, _, size in lists.asked)


async def test_a_revision_of_thousands_of_digits_counts_for_nothing() -> None:
    odd = controlled("Deployment", "odd-set", "deployment")
    odd["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "9" * 5_000}

    reported, _ = await read([odd, NEW], [failing("new-set", "First"), failing("odd-set", "Odd")])

    assert reported == ["First"]


async def test_pods_of_others_with_our_labels_do_not_count() -> None:
    theirs = controlled("Deployment", "their-set", "their-deployment", revision=99)
    loose = {"metadata": {"labels": {"app": "chat"}}, "status": pod(phase="Failed", reason="Loose")["status"]}
    merely_owned = failing("new-set", "Owned")
    merely_owned["metadata"]["ownerReferences"][0]["controller"] = False
    pods = [failing("their-set", "Theirs"), failing("old-set", "Old"), loose, merely_owned]

    reported, _ = await read([theirs, OLD, NEW], pods)

    assert reported == []


async def test_a_pod_that_is_being_deleted_says_nothing() -> None:
    leaving = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    reported, _ = await read(
        [NEW], [failing("new-set", "Killed"), _with(failing("new-set", "Leaving"), leaving)]
    )

    assert reported == ["Killed"]


async def test_without_a_replica_set_no_pods_are_asked_for() -> None:
    reported, lists = await read([], [])

    assert reported == []
    assert len(lists.asked) == 1


@pytest.mark.parametrize(
    "items", [[7], [{}], [{"metadata": 7}], [{"metadata": {"ownerReferences": 7}}]], ids=repr
)
async def test_malformed_lists_say_nothing(items: list[Any]) -> None:
    assert (await read(items, []))[0] == []
    assert (await read([NEW], items))[0] == []


def _with(raw: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "metadata": {**raw["metadata"], **more["metadata"]}}
