"""The ledger: what needs an engine run, and when a failure is tried again."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as
from gateway_components.daemon.reconcile.ledger import Ledger
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.engine.diagnostics import Outcome
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.generate import generate
from gateway_components.plan.ownership import Applied, Drift, Mark
from gateway_components.plan.plan import GatewayPlan, Plan

REFUSED = Failure(Reason.DEPLOYMENT_FAILED, "refused")


def planned(name: str, model: str = "gpt-4o", uid: str = "uid-1") -> GatewayPlan:
    manifest = {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {"name": name, "namespace": "ns", "uid": uid},
        "spec": {"aiModels": [{"name": model, "provider": "openai"}]},
    }
    gateway = parse_as(AiGateway, manifest)
    return GatewayPlan(gateway.identity, uid, 1, generate(gateway, {}, {}, {}).objects, None)


def key_of(name: str) -> Identity:
    return Identity("AiGateway", "ns", name)


def plan_of(*gateways: GatewayPlan) -> Plan:
    return Plan({gateway.key: gateway for gateway in gateways})


def due(ledger: Ledger, plan: Plan, now: float) -> Batch:
    batch = ledger.due(plan, now)
    assert batch is not None, "nothing is due"
    return batch


def names(batch: Batch | None) -> list[str]:
    return sorted(key.name for key in batch.wanted) if batch else []


def held(plan: Plan, batch: Batch, *but: str) -> dict[Identity, Applied]:
    """Return what a state holds after a run over a batch went well, but for some."""
    gateways = {key: plan.gateways[key] for key in batch.wanted if key.name not in but}
    return {
        key: Applied(gateway.uid, gateway.objects.digest, {})
        for key, gateway in gateways.items()
        if gateway.objects
    }


def run(ledger: Ledger, plan: Plan, now: float = 0.0, **failures: Failure) -> None:
    batch = due(ledger, plan, now)
    failed = {key: failures[key.name] for key in batch.wanted if key.name in failures}
    ledger.record(plan, batch, Outcome(failed, held(plan, batch, *failures)), now)


def test_what_was_applied_needs_no_second_run() -> None:
    ledger, plan = Ledger({}), plan_of(planned("a"), planned("b"))
    run(ledger, plan)

    assert ledger.due(plan, 1.0) is None
    assert ledger.is_applied(plan.gateways[Identity("AiGateway", "ns", "a")])


def test_only_what_changed_is_applied() -> None:
    ledger = Ledger({})
    run(ledger, plan_of(planned("a"), planned("b")))

    batch = due(ledger, plan_of(planned("a", "other-model"), planned("b")), 1.0)

    assert names(batch) == ["a"]
    assert not batch.refresh


def test_a_gateway_whose_plan_failed_is_left_as_it_is() -> None:
    ledger = Ledger({})
    run(ledger, plan_of(planned("a")))
    broken = replace(planned("a"), objects=None, failure=Failure(Reason.CONFIG_PATCH_INVALID, "no"))

    assert ledger.due(plan_of(broken), 1.0) is None
    assert ledger.to_release(plan_of(broken)) == frozenset(), "its objects stay in the state"


def test_what_the_state_is_not_sure_of_is_applied_after_a_look() -> None:
    key = Identity("AiGateway", "ns", "a")

    assert due(Ledger({key: None}), plan_of(planned("a")), 0.0).refresh


def test_what_the_state_says_was_applied_is_not_applied_again() -> None:
    gateway = planned("a")
    assert gateway.objects
    known = Applied("uid-1", gateway.objects.digest, {})

    assert Ledger({gateway.key: known}).due(plan_of(gateway), 0.0) is None
    batch = due(Ledger({gateway.key: replace(known, digest="other")}), plan_of(gateway), 0.0)
    assert not batch.refresh, "the state knows what is there"


def test_a_gateway_that_was_made_anew_is_applied_after_a_look() -> None:
    ledger = Ledger({})
    run(ledger, plan_of(planned("a", uid="old")))

    assert due(ledger, plan_of(planned("a", uid="new")), 1.0).refresh


def test_a_failed_gateway_is_tried_again_alone_and_ever_later() -> None:
    ledger, plan = Ledger({}), plan_of(planned("bad"), planned("good"))
    run(ledger, plan, bad=REFUSED)

    assert ledger.failure(plan.gateways[Identity("AiGateway", "ns", "bad")]) == REFUSED
    assert ledger.due(plan, 0.9) is None
    assert ledger.next_run(plan, 0.0) == 1.0
    changed = plan_of(planned("bad"), planned("good", "other-model"))
    assert names(ledger.due(changed, 1.0)) == ["good"], "a retry waits for what is fresh"
    run(ledger, changed, 1.0)
    retry = due(ledger, changed, 1.0)
    assert (names(retry), retry.retry) == (["bad"], True)

    run(ledger, plan, 1.0)
    run(ledger, plan, 1.0, bad=REFUSED)
    assert ledger.next_run(plan, 0.0) == 3.0
    for _ in range(20):
        run(ledger, plan, ledger.next_run(plan, 0.0) or 0.0, bad=REFUSED)
    before = ledger.next_run(plan, 0.0) or 0.0
    run(ledger, plan, before, bad=REFUSED)
    assert (ledger.next_run(plan, 0.0) or 0.0) - before == 300.0


def test_a_gateway_that_failed_for_days_is_tried_on() -> None:
    ledger, plan = Ledger({}), plan_of(planned("bad"))
    run(ledger, plan, bad=REFUSED)
    for _ in range(1100):
        run(ledger, plan, ledger.next_run(plan, 0.0) or 0.0, bad=REFUSED)

    last = ledger.next_run(plan, 0.0) or 0.0
    run(ledger, plan, last, bad=REFUSED)
    assert ledger.next_run(plan, 0.0) == last + 300.0


def edited(number: int) -> Plan:
    return plan_of(planned("bad"), planned("good", f"edited-{number}"))


def test_edits_without_end_leave_a_retry_its_turn() -> None:
    ledger = Ledger({})
    run(ledger, edited(0), bad=REFUSED)
    turns = []
    for now in range(1, 30):
        batch = due(ledger, edited(now), float(now))
        if names(batch) == ["bad"]:
            turns.append(now)
            assert ledger.patience(batch) > 10.0, "nothing preempts it at once"
            failed = Outcome({key_of("bad"): REFUSED})
            ledger.record(edited(now), batch, failed, float(now))
        else:
            ledger.record(edited(now), batch, Outcome(held=held(edited(now), batch)), float(now))

    assert turns == [11, 23], "ten seconds after it was due"


def test_after_a_retry_the_others_get_as_much_time() -> None:
    ledger = Ledger({})
    run(ledger, edited(0), bad=REFUSED)
    batch = due(ledger, edited(1), 11.0)
    assert names(batch) == ["bad"]
    ledger.preempted(edited(1), batch, 21.1, 10.1)

    for number, now in enumerate((21.1, 31.0), start=1):
        assert names(ledger.due(edited(number), now)) == ["good"]
    assert names(ledger.due(edited(3), 34.0)) == ["bad"]


def test_patience_with_a_slow_gateway_grows_until_it_ends() -> None:
    ledger, now, slow = Ledger({}), 0.0, 35.0
    spans = []
    for number in range(500):
        plan = edited(number)
        batch = due(ledger, plan, now)
        patience = ledger.patience(batch)
        if "bad" not in names(batch):
            now += 0.5
            ledger.record(plan, batch, Outcome(held=held(plan, batch)), now)
            continue
        spans.append(patience)
        if patience > slow:
            ledger.record(plan, batch, Outcome(held=held(plan, batch)), now + slow)
            break
        now += patience
        ledger.preempted(plan, batch, now, patience)

    assert ledger.is_applied(plan.gateways[key_of("bad")])
    assert spans == [10.2, 20.2, 40.4]
    again = plan_of(planned("bad", "edited"), planned("good", "edited"))
    assert ledger.patience(due(ledger, again, now)) == 10.2, "it came to its end"


def test_the_oldest_of_the_retries_is_not_held_up_by_others() -> None:
    ledger, plan = Ledger({}), plan_of(planned("hung"), planned("bad"))
    ledger.preempted(plan_of(planned("hung")), due(ledger, plan_of(planned("hung")), 0.0), 11.0, 11.0)
    run(ledger, plan, 13.0, bad=REFUSED)

    assert names(ledger.due(plan, 14.0)) == ["hung"]


GOES = [
    ((), True, "it is to be let go of"),
    (("gone",), False, "nobody knows yet whether it is ours, or the run lets go of it"),
]


@pytest.mark.parametrize(("kept", "preempted", "why"), GOES, ids=[case[2] for case in GOES])
def test_a_deletion_preempts_a_run_that_is_not_about_it(
    kept: tuple[str, ...], preempted: bool, why: str
) -> None:
    ledger = Ledger({key_of("gone"): None})
    before = plan_of(planned("a"))
    batch = due(ledger, before, 0.0)

    assert ledger.is_preempted(before, batch, 0.0, set(map(key_of, kept))) == preempted, why
    assert ledger.is_preempted(plan_of(), batch, 0.0, {key_of("gone")}), "what the run itself is about went"


def failed_run(ledger: Ledger, plan: Plan, batch: Batch) -> None:
    ledger.run_failed(batch, 1.0)


def preempted_by_others(ledger: Ledger, plan: Plan, batch: Batch) -> None:
    ledger.preempted(plan, batch, 1.0, 1.0)


@pytest.mark.parametrize("ends", [failed_run, preempted_by_others])
def test_what_a_failed_run_run_may_have_made_is_released(
    ends: Callable[[Ledger, Plan, Batch], None],
) -> None:
    ledger, plan = Ledger({}), plan_of(planned("new"))
    ends(ledger, plan, due(ledger, plan, 0.0))

    assert ledger.to_release(plan_of()) == {key_of("new")}


def test_a_failed_gateway_that_changes_is_tried_at_once() -> None:
    ledger = Ledger({})
    run(ledger, plan_of(planned("bad")), bad=REFUSED)
    fixed = plan_of(planned("bad", "other-model"))

    assert names(ledger.due(fixed, 0.0)) == ["bad"]
    assert ledger.failure(fixed.gateways[Identity("AiGateway", "ns", "bad")]) is None
    assert ledger.next_run(fixed, 0.0) == 0.0


def test_a_refresh_asked_for_beside_a_run_stays_open() -> None:
    ledger, plan = Ledger({}), plan_of(planned("a"))
    batch = due(ledger, plan, 0.0)
    ledger.refresh(Identity("AiGateway", "ns", "a"))
    ledger.record(plan, batch, Outcome(held=held(plan, batch)), 0.0)

    again = due(ledger, plan, 0.0)
    assert again.refresh
    ledger.record(plan, again, Outcome(held=held(plan, again)), 0.0)
    assert ledger.due(plan, 0.0) is None


(DIGEST,) = (one.objects.digest for one in (planned("bad"),) if one.objects)
UNPROVEN = [
    (None, "the state holds some of its objects"),
    (Applied("uid-1", "other", {}), "the state holds the objects of an earlier plan"),
    (Applied("uid-0", DIGEST, {}), "the state holds those of a gateway of that name that is gone"),
]


@pytest.mark.parametrize(("known", "why"), UNPROVEN, ids=[case[1] for case in UNPROVEN])
def test_what_the_state_does_not_prove_was_not_applied(known: Applied | None, why: str) -> None:
    good, bad = key_of("good"), key_of("bad")
    ledger, plan = Ledger({}), plan_of(planned("good"), planned("bad"))
    batch = due(ledger, plan, 0.0)

    ledger.record(plan, batch, Outcome(held={**held(plan, batch, "bad"), bad: known}), 0.0)

    assert ledger.is_applied(plan.gateways[good])
    assert not ledger.is_applied(plan.gateways[bad]), why
    assert ledger.due(plan, 0.9) is None
    again = due(ledger, plan, 1.0)
    assert (names(again), again.refresh) == (["bad"], True)
    assert list(ledger.failures(plan, again)) == [bad], "its status says so"


def test_unreported_gateways_are_refreshed_with_back_off() -> None:
    ledger, plan = Ledger({}), plan_of(planned("a"))
    for now, next_due in ((0.0, 1.0), (1.0, 3.0), (3.0, 7.0)):
        batch = due(ledger, plan, now)
        ledger.record(plan, batch, Outcome(), now)
        assert ledger.next_run(plan, 0.0) == next_due
    assert not ledger.is_applied(plan.gateways[key_of("a")])


def test_a_crowd_is_applied_in_runs_of_bounded_size() -> None:
    ledger, plan = Ledger({}, 100), plan_of(*(planned(f"g{number:03}") for number in range(250)))
    sizes = []
    while (batch := ledger.due(plan, 0.0)) is not None:
        sizes.append(len(batch.wanted))
        ledger.record(plan, batch, Outcome(held=held(plan, batch)), 0.0)
        more = sum(sizes) < len(plan.gateways)
        assert ledger.next_run(plan, 0.0) == (0.0 if more else None)
    assert sizes == [100, 100, 50]


def test_runs_are_smaller_after_one_that_was_killed() -> None:
    ledger, plan = Ledger({}, 100), plan_of(*(planned(f"g{number:03}") for number in range(250)))
    sizes = []
    for killed in (True, True, False, False, False):
        batch = due(ledger, plan, 0.0)
        sizes.append(len(batch.wanted))
        outcome = Outcome(killed=True) if killed else Outcome(held=held(plan, batch))
        ledger.record(plan, batch, outcome, 0.0)
    assert sizes == [100, 50, 25, 50, 25], "a hundred and fifty wait for their retry"


def test_what_is_ours_no_longer_is_released_until_forgotten() -> None:
    ledger = Ledger({})
    run(ledger, plan_of(planned("a"), planned("b")))
    key = Identity("AiGateway", "ns", "a")

    assert ledger.to_release(plan_of(planned("b"))) == {key}
    ledger.forget([key])
    assert ledger.to_release(plan_of(planned("b"))) == frozenset()
    assert ledger.held == {Identity("AiGateway", "ns", "b")}


def test_repeated_drift_backs_off_and_delays_no_edit() -> None:
    key = Identity("AiGateway", "ns", "a")
    drifted = Drift(Identity("Service", "ns", "a"), ("spec.selector",))
    ledger, plan = Ledger({}), plan_of(planned("a"), planned("b"))
    run(ledger, plan)
    for now in range(5):
        ledger.refresh(key, [drifted])
        assert names(ledger.due(plan, float(now))) == ["a"]
        run(ledger, plan, float(now))
    ledger.refresh(key, [drifted])

    assert ledger.due(plan, 4.5) is None
    assert ledger.next_run(plan, 0.0) == 6.0
    assert names(ledger.due(plan, 6.0)) == ["a"]
    assert names(ledger.due(plan_of(planned("a", "edited"), planned("b")), 4.5)) == ["a"]


def test_drift_during_a_correction_is_seen_afterwards() -> None:
    gateway, service = planned("a"), Identity("Service", "ns", "a")
    assert gateway.objects
    both, one = (
        Mark("u", 1, frozenset(fields)) for fields in (("spec.type", "spec.selector"), ("spec.type",))
    )
    before = Applied("uid-1", gateway.objects.digest, {service: both})
    ledger, plan = Ledger({gateway.key: before}), plan_of(gateway)
    ledger.refresh(gateway.key, [Drift(service, ("spec.type",))])
    batch = due(ledger, plan, 0.0)

    ledger.record(plan, batch, Outcome(held={gateway.key: replace(before, marks={service: one})}), 0.0)

    applied = ledger.applied(gateway.key)
    assert applied is not None
    assert applied.marks[service].fields == both.fields


def test_each_gateway_waits_for_its_own_corrections() -> None:
    gateway, other = planned("a"), planned("b")
    plan, ledger = plan_of(gateway, other), Ledger({})
    run(ledger, plan)
    for now in range(0, 600, 60):
        ledger.refresh(gateway.key, [Drift(gateway.key, ("spec",))])
        run(ledger, plan, now)
    ledger.refresh(gateway.key, [Drift(gateway.key, ("spec",))])
    assert ledger.due(plan, 540.0) is None, "it waits"
    ledger.refresh(other.key, [Drift(other.key, ("spec",))])
    assert names(ledger.due(plan, 540.0)) == ["b"]
    ledger.forget([gateway.key])
    assert names(ledger.due(plan, 540.0)) == ["a", "b"]
