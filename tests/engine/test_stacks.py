"""Stacks on the real engine, provider and API server."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as
from gateway_components.engine.errors import ClusterUnreachableError, EngineInterruptedError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.plan.findings import Reason
from gateway_components.plan.generate import generate
from gateway_components.plan.objects import GatewayObjects
from lab import ControlPlane, KubectlError, wait_until

SECONDS = 120.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[ScratchFolder]:
    with ScratchFolder(tmp_path / "state") as folder:
        yield folder


@pytest.fixture
def stacks(state: ScratchFolder, lab: ControlPlane) -> Stacks:
    return Stacks(state, lab.kubeconfig, SECONDS)


def wanted(namespace: str, name: str, model: str = "gpt-4o", **spec: Any) -> tuple[Identity, GatewayObjects]:
    manifest = {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"aiModels": [{"name": model, "provider": "openai"}], **spec},
    }
    gateway = parse_as(AiGateway, manifest)
    return gateway.identity, generate(gateway, {}, {}, {}).objects


def config(lab: ControlPlane, namespace: str, name: str) -> str:
    return lab.kubectl("-n", namespace, "get", "configmap", f"{name}-config", "-o", "jsonpath={.data}")


def test_a_run_touches_only_its_gateways(stacks: Stacks, lab: ControlPlane, lab_namespace: str) -> None:
    first = dict([wanted(lab_namespace, "a"), wanted(lab_namespace, "b")])
    assert stacks.apply(lab_namespace, first, (), refresh=False).failures == {}

    assert (
        stacks.apply(
            lab_namespace, dict([wanted(lab_namespace, "a", "new-model")]), (), refresh=False
        ).failures
        == {}
    )

    assert "new-model" in config(lab, lab_namespace, "a")
    assert "gpt-4o" in config(lab, lab_namespace, "b")
    assert stacks.states.held(lab_namespace).keys() == first.keys()


def test_what_is_released_stays_on_the_cluster(stacks: Stacks, lab: ControlPlane, lab_namespace: str) -> None:
    (key, objects), (other, others) = wanted(lab_namespace, "a"), wanted(lab_namespace, "b")
    stacks.apply(lab_namespace, {key: objects, other: others}, (), refresh=False)

    stacks.states.release(lab_namespace, [key])

    assert stacks.states.held(lab_namespace).keys() == {other}
    assert "gpt-4o" in config(lab, lab_namespace, "a")


def test_one_that_fails_holds_up_no_other(stacks: Stacks, lab: ControlPlane, lab_namespace: str) -> None:
    bad, objects = wanted(lab_namespace, "bad", podMetadata={"labels": {"team": "not valid!"}})
    good, others = wanted(lab_namespace, "good")

    for refresh in (False, True):
        outcome = stacks.apply(lab_namespace, {bad: objects, good: others}, (), refresh=refresh)
        failures = outcome.failures
        assert outcome.held.keys() == {good}
        assert not outcome.undetermined, "that one was refused is known"
        assert {key: failure.reason for key, failure in failures.items()} == {bad: Reason.DEPLOYMENT_FAILED}
        assert 'Deployment.apps "bad" is invalid' in failures[bad].message

    assert "gpt-4o" in config(lab, lab_namespace, "good")
    assert stacks.apply(lab_namespace, dict([wanted(lab_namespace, "bad")]), (), refresh=True).failures == {}


def test_a_refresh_brings_back_what_was_deleted_by_hand(
    stacks: Stacks, lab: ControlPlane, lab_namespace: str
) -> None:
    gateway = dict([wanted(lab_namespace, "a")])
    stacks.apply(lab_namespace, gateway, (), refresh=False)
    lab.kubectl("-n", lab_namespace, "delete", "configmap/a-config", "service/a")
    with pytest.raises(KubectlError):
        config(lab, lab_namespace, "a")

    assert stacks.apply(lab_namespace, gateway, (), refresh=True).failures == {}

    assert "gpt-4o" in config(lab, lab_namespace, "a")
    lab.kubectl("-n", lab_namespace, "get", "service", "a")


def test_a_lost_state_is_no_loss(
    stacks: Stacks, lab: ControlPlane, lab_namespace: str, tmp_path: Path
) -> None:
    old = wanted(lab_namespace, "a", "old", podMetadata={"labels": {"gone": "yes"}})
    stacks.apply(lab_namespace, dict([old]), (), refresh=False)
    before = json.loads(lab.kubectl("-n", lab_namespace, "get", "deployment", "a", "-o", "json"))

    with ScratchFolder(tmp_path / "fresh") as folder:
        fresh = Stacks(folder, lab.kubeconfig, SECONDS)
        assert (
            fresh.apply(lab_namespace, dict([wanted(lab_namespace, "a", "new")]), (), refresh=False).failures
            == {}
        )

    after = json.loads(lab.kubectl("-n", lab_namespace, "get", "deployment", "a", "-o", "json"))
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "gone" not in after["spec"]["template"]["metadata"]["labels"]
    assert "openai/new" in config(lab, lab_namespace, "a")


def test_fields_of_others_stay(stacks: Stacks, lab: ControlPlane, lab_namespace: str) -> None:
    stacks.apply(lab_namespace, dict([wanted(lab_namespace, "a", "old")]), (), refresh=False)
    lab.kubectl("-n", lab_namespace, "annotate", "deployment", "a", "team/note=theirs")
    lab.kubectl("-n", lab_namespace, "scale", "deployment", "a", "--replicas=2")

    stacks.apply(lab_namespace, dict([wanted(lab_namespace, "a", "new")]), (), refresh=False)

    after = json.loads(lab.kubectl("-n", lab_namespace, "get", "deployment", "a", "-o", "json"))
    assert after["metadata"]["annotations"]["team/note"] == "theirs"
    assert after["spec"]["replicas"] == 2


def test_neither_credentials_nor_copies_of_them_are_left_behind(
    stacks: Stacks,
    state: ScratchFolder,
    lab: ControlPlane,
    lab_namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("KUBECONFIG", str(lab.kubeconfig))

    stacks.apply(lab_namespace, dict([wanted(lab_namespace, "a")]), (), refresh=False)

    assert list(temporary.iterdir()) == []
    files = [file.read_bytes() for file in state.path.rglob("*") if file.is_file()]
    assert not [content for content in files if lab.admin_token.encode() in content]


def test_an_unreachable_cluster_is_nobodys_failure(
    state: ScratchFolder, tmp_path: Path, lab: ControlPlane
) -> None:
    text = lab.kubeconfig.read_text().replace(lab.url, "https://127.0.0.1:9")
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(text)

    with pytest.raises(ClusterUnreachableError, match="unreachable"):
        Stacks(state, elsewhere, SECONDS).apply("ns", dict([wanted("ns", "a")]), (), refresh=False)


def test_a_forgotten_stack_starts_over(stacks: Stacks, lab: ControlPlane, lab_namespace: str) -> None:
    gateway = dict([wanted(lab_namespace, "a")])
    stacks.apply(lab_namespace, gateway, (), refresh=False)

    stacks.states.forget(lab_namespace)

    assert stacks.states.held(lab_namespace) == {}
    assert stacks.apply(lab_namespace, gateway, (), refresh=False).failures == {}
    assert stacks.states.held(lab_namespace).keys() == gateway.keys()


def test_a_run_past_its_limit_fails_its_gateways(
    stacks: Stacks, state: ScratchFolder, lab: ControlPlane, lab_namespace: str
) -> None:
    gateway = dict([wanted(lab_namespace, "a", "old")])
    stacks.apply(lab_namespace, gateway, (), refresh=False)

    new = dict([wanted(lab_namespace, "a", "new")])
    hurried = Stacks(state, lab.kubeconfig, 0.2)
    failures = hurried.apply(lab_namespace, new, (), refresh=False).failures

    ((key, failure),) = failures.items()
    assert (key.name, failure.reason) == ("a", Reason.WORKLOAD_FAILED)
    assert "did not finish within 0.2 s" in failure.message
    assert stacks.apply(lab_namespace, new, (), refresh=True).failures == {}


def test_a_run_can_be_interrupted_before_it_begins(
    stacks: Stacks, lab: ControlPlane, lab_namespace: str
) -> None:
    first = dict([wanted(lab_namespace, "early")])
    stacks.interrupt(lab_namespace)

    with stacks.beginning(lab_namespace):
        stacks.interrupt(lab_namespace)
        with pytest.raises(EngineInterruptedError):
            stacks.apply(lab_namespace, first, (), refresh=False)

    assert stacks.apply(lab_namespace, first, (), refresh=False).failures == {}, "it is over with that run"


def test_an_interrupted_run_says_nothing_and_the_next_works(stacks: Stacks, lab_namespace: str) -> None:
    gateway, raised = dict([wanted(lab_namespace, "a")]), []

    def apply() -> None:
        try:
            stacks.apply(lab_namespace, gateway, (), refresh=False)
        except EngineInterruptedError as error:
            raised.append(error)

    stacks.interrupt(lab_namespace)
    thread = threading.Thread(target=apply)
    thread.start()
    engine = wait_until(_applying, timeout=SECONDS, what="a running engine")
    # It cannot end by itself, so it is killed and leaves its lock behind.
    engine.suspend()
    assert stacks.running() == {lab_namespace}

    stacks.interrupt(lab_namespace)
    thread.join(30)

    assert len(raised) == 1
    assert stacks.running() == frozenset()
    assert stacks.apply(lab_namespace, gateway, (), refresh=True).failures == {}


def _applying() -> psutil.Process | None:
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "up" in child.cmdline():
                return child
    return None
