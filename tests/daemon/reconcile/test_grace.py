"""How long what was deleted is awaited."""

from dataclasses import replace

from gateway_components.daemon.reconcile.grace import Grace
from gateway_components.identity import Identity
from gateway_components.plan.objects import EMPTY_DIGEST
from gateway_components.plan.snapshot import Content, Snapshot

KEYS = Identity("Secret", "ns", "api-key-secrets")
OTHER = Identity("Secret", "ns", "other")
RUNNING = {Identity("AiGateway", "ns", "chat"): {"secret-hash": "one"}}

THERE = Snapshot(contents={KEYS: Content("one")}, running=RUNNING)
GONE = Snapshot(absent=frozenset({KEYS}), running=RUNNING)


def awaited(grace: Grace, snapshot: Snapshot, now: float) -> bool:
    return KEYS in grace.apply(snapshot, now).awaited


def test_what_was_deleted_is_awaited_for_a_while() -> None:
    grace = Grace()

    assert not awaited(grace, THERE, 0)
    assert grace.due is None
    assert awaited(grace, GONE, 100)
    assert grace.due == 130
    assert awaited(grace, GONE, 129)
    assert not awaited(grace, GONE, 130)
    assert grace.due is None
    assert not awaited(grace, GONE, 1000)


def test_each_deletion_is_awaited_again() -> None:
    grace = Grace()
    steps = ((THERE, 0), (GONE, 1), (THERE, 29), (GONE, 40), (GONE, 60))

    assert [awaited(grace, snapshot, now) for snapshot, now in steps] == [False, True, False, True, True]


def test_what_never_existed_is_not_awaited() -> None:
    grace = Grace()
    grace.apply(THERE, 0)

    both = Snapshot(contents=THERE.contents, absent=frozenset({OTHER}), running=RUNNING)
    assert grace.apply(both, 1).awaited == frozenset()


def test_a_new_daemon_waits_where_pods_run() -> None:
    assert awaited(Grace(), GONE, 0), "it may have been deleted while no daemon ran"
    assert not awaited(Grace(), Snapshot(absent=GONE.absent), 0), "there are no pods to keep"


def test_keys_that_no_pod_has_are_not_awaited() -> None:
    without = {"runtime.agentic-layer.ai/secret-hash": EMPTY_DIGEST}
    alone = replace(GONE, running={Identity("AiGateway", "ns", "chat"): without})
    assert not awaited(Grace(), alone, 0)
    assert awaited(Grace(), replace(alone, running={**RUNNING, **alone.running, OTHER: {}}), 0)

    other = replace(alone, absent=frozenset({KEYS, OTHER}))
    assert Grace().apply(other, 0).awaited == {OTHER}, "its hash tells nothing of one among several"


def test_keys_of_what_is_awaited_are_remembered() -> None:
    grace = Grace()
    names = frozenset({"OPENAI_API_KEY"})
    grace.apply(Snapshot(contents={KEYS: Content("one", keys=names)}, running=RUNNING), 0)

    assert grace.apply(GONE, 1).remembered == {KEYS: names}
    assert grace.apply(GONE, 2).remembered == {KEYS: names}
    assert grace.apply(GONE, 31).remembered == {}
    assert Grace().apply(GONE, 0).remembered == {}, "a new daemon never saw them"
