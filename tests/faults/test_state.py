"""Whatever becomes of the state, the next run mends it, and no pod is harmed."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest

from gateway_components.kube.state_format import STATE_SECRET
from lab import wait_until
from tests.conftest import SharedDaemon
from tests.daemon.harness import Namespace
from tests.daemon.manifests import gateway, tool_gateway
from tests.faults.truth import assert_true

SECONDS = 120.0


@pytest.fixture
def place(namespace: Namespace, shared_daemon: SharedDaemon) -> Iterator[Namespace]:
    """Return a namespace that is at rest, with a gateway of either kind."""
    namespace.apply(gateway("chat"), tool_gateway("tools"))
    at_rest(namespace)
    yield namespace
    assert not shared_daemon.running().events("internal error")


def at_rest(place: Namespace) -> None:
    assert_true(place.lab, [place.name], seconds=SECONDS)


def state(place: Namespace) -> dict[str, bytes]:
    return {
        key: base64.b64decode(value) for key, value in place.existing("Secret", STATE_SECRET)["data"].items()
    }


def write_state(place: Namespace, data: Mapping[str, bytes]) -> None:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    place.patch("Secret", STATE_SECRET, {"data": encoded})


def delete_state(place: Namespace) -> None:
    place.delete("Secret", STATE_SECRET)


def corrupt(place: Namespace) -> None:
    whole = state(place)["checkpoint"]
    write_state(place, {"checkpoint": whole[:100] + bytes(100) + whole[200:]})


def truncate(place: Namespace) -> None:
    write_state(place, {"checkpoint": state(place)["checkpoint"][:200]})


def write_nonsense(place: Namespace) -> None:
    packed = zlib.compress(b'{"somebody": "else"}')
    write_state(place, {"checkpoint": packed, "sha256": sha256(packed).hexdigest().encode()})


def write_that_of_another_stack(place: Namespace) -> None:
    whole = json.loads(zlib.decompress(state(place)["checkpoint"]))
    for resource in whole["checkpoint"]["latest"]["resources"]:
        for field in ("urn", "parent"):
            if field in resource:
                resource[field] = resource[field].replace(f":{place.name}::", ":elsewhere::")
    write_checkpoint(place, whole)


def leave_operations_pending(place: Namespace) -> None:
    whole = json.loads(zlib.decompress(state(place)["checkpoint"]))
    latest = whole["checkpoint"]["latest"]
    latest["pending_operations"] = [
        {"resource": resource, "type": "creating"}
        for resource in latest["resources"]
        if resource["type"].endswith("Patch")
    ]
    write_checkpoint(place, whole)


def write_checkpoint(place: Namespace, whole: Mapping[str, Any]) -> None:
    packed = zlib.compress(json.dumps(whole).encode())
    write_state(place, {"checkpoint": packed, "sha256": sha256(packed).hexdigest().encode()})


FAULTS: Mapping[str, Callable[[Namespace], None]] = {
    "deleted": delete_state,
    "corrupted": corrupt,
    "truncated": truncate,
    "replaced by something else": write_nonsense,
    "replaced by the state of another stack": write_that_of_another_stack,
    "imported with pending operations": leave_operations_pending,
}


LONG = {"truncated", "replaced by something else", "imported with pending operations"}
"""What the state then holds is read in unit tests, too."""


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[pytest.mark.soak] * (fault in LONG)) for fault in FAULTS]
)
def test_a_state_that_is(fault: str, place: Namespace, shared_daemon: SharedDaemon) -> None:
    daemon, pods = shared_daemon.running(), uids(place)
    FAULTS[fault](place)
    # Who runs notices it; all is as before, and no pod was harmed.
    at_rest(place)
    place.apply(gateway("chat", "edited"))
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    assert uids(place) == pods
    shared_daemon.stop()
    assert not daemon.events("internal error")

    FAULTS[fault](place)
    shared_daemon.running()
    place.apply(gateway("chat", "later"))
    place.wait_config("chat", "openai/later\n")
    at_rest(place)
    assert uids(place) == pods


def uids(place: Namespace) -> set[str]:
    return {
        found["metadata"]["uid"]
        for kind in ("Deployment", "Service", "ConfigMap")
        for found in place.list(kind)
    }


def test_an_older_state_that_is_restored_is_lost_and_reported(
    place: Namespace, shared_daemon: SharedDaemon
) -> None:
    daemon, old = shared_daemon.running(), state(place)
    place.apply(gateway("chat", "edited"))
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    pods = uids(place)

    write_state(place, old)
    assert "it is older than the last one" in daemon.wait_for("state lost", namespace=place.name)["error"]
    (reported,) = wait_until(
        lambda: place.notes(STATE_SECRET, "StateLost"), timeout=SECONDS, what="an event about the Secret"
    )
    assert (reported["regarding"]["kind"], reported["type"]) == ("Secret", "Warning")
    at_rest(place)
    shared_daemon.stop()
    assert not daemon.events("internal error")

    write_state(place, old)
    shared_daemon.running().wait_for("state lost", namespace=place.name)
    at_rest(place)
    assert place.config("chat").count("openai/edited")
    assert uids(place) == pods, "nothing was made anew"


def test_a_state_that_is_written_while_a_run_is_under_way(
    place: Namespace, shared_daemon: SharedDaemon
) -> None:
    place.apply(gateway("chat", "edited"))
    wait_until(lambda: state(place)["doubts"] != b"[]", timeout=SECONDS, what="a run")
    write_state(place, {"note": b"mine"})
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    failed = shared_daemon.running().events("reconcile failed", namespace=place.name)
    assert failed, "the conflict was noticed"


def test_a_namespace_that_is_deleted_while_its_run_is_under_way(
    namespace: Namespace, shared_daemon: SharedDaemon
) -> None:
    place, lab, name = namespace, namespace.lab, f"{namespace.name}-gone"
    daemon = shared_daemon.running()
    lab.kubectl("create", "namespace", name)
    gone = Namespace(lab, name)
    gone.apply(*(gateway(f"gateway-{number}") for number in range(5)))
    wait_until(lambda: gone.get("Secret", STATE_SECRET), timeout=SECONDS, what="a run")
    lab.kubectl("delete", "namespace", name, "--wait=false")
    place.apply(gateway("chat"))
    place.wait_ready("chat", seconds=SECONDS)
    wait_until(
        lambda: lab.api.get(f"/api/v1/namespaces/{name}") is None,
        timeout=SECONDS,
        what="it is gone",
    )
    # It comes back, with nothing of before.
    lab.kubectl("create", "namespace", name)
    gone.apply(gateway("again"))
    gone.wait_ready("again", seconds=SECONDS)
    assert_true(lab, [place.name, name], seconds=SECONDS)
    lab.empty(name)
    assert not daemon.events("internal error")


HEALTHY = 20


def test_a_gateway_that_always_fails_slows_no_other(
    namespace: Namespace, shared_daemon: SharedDaemon
) -> None:
    place, daemon = namespace, shared_daemon.running()
    bad = {"name": "BAD", "valueFrom": {"fieldRef": {"fieldPath": "no.such.path"}}}
    place.apply(*(gateway(f"gateway-{number}") for number in range(HEALTHY)), gateway("broken", env=[bad]))
    place.wait_reason("broken", "DeploymentFailed")
    for number in range(HEALTHY):
        place.wait_ready(f"gateway-{number}", seconds=SECONDS)
    runs = len(daemon.events("engine ran", namespace=place.name))
    for number in range(3):
        place.apply(gateway(f"gateway-{number}", "edited"))
        place.wait_config(f"gateway-{number}", "openai/edited\n")

    def tried_again() -> bool:
        return (
            len(
                [
                    line
                    for line in daemon.events("engine ran", namespace=place.name)
                    if line["failed"] == ["broken"]
                ]
            )
            >= 3
        )

    wait_until(tried_again, timeout=SECONDS, what="some more tries")
    later = daemon.events("engine ran", namespace=place.name)[runs:]
    assert all(line["applied"] == [] for line in later if line["failed"]), "it runs alone"
    assert len([line for line in later if not line["failed"]]) <= 4, "the others run once for each edit"
    assert_true(place.lab, [place.name], refused=["broken"], seconds=SECONDS)
