"""Whatever becomes of the state, the next run mends it, and no pod is harmed."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.daemon.harness import Daemon, Namespace, alone, elected
from tests.daemon.manifests import gateway, tool_gateway
from tests.faults.crashes import started
from tests.faults.truth import assert_true

SECONDS = 120.0


@pytest.fixture
def keeper(idle_lab: ControlPlane, place: Namespace, tmp_path: Path) -> Iterator[Daemon]:
    """Return a daemon whose namespace is at rest, with a gateway of either kind."""
    with Daemon(idle_lab, tmp_path, *alone(place)) as daemon:
        place.apply(gateway("chat"), tool_gateway("tools"))
        at_rest(place)
        yield daemon
        assert not daemon.events("internal error")


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
    place.kubectl("delete", "secret", STATE_SECRET)


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
def test_a_state_that_is(fault: str, place: Namespace, keeper: Daemon, tmp_path: Path) -> None:
    pods = uids(place)
    FAULTS[fault](place)
    # Who runs notices it; all is as before, and no pod was harmed.
    at_rest(place)
    place.apply(gateway("chat", "edited"))
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    assert uids(place) == pods
    keeper.stop()

    FAULTS[fault](place)
    with Daemon(place.lab, tmp_path / "fresh", *alone(place)) as daemon:
        place.apply(gateway("chat", "later"))
        place.wait_config("chat", "openai/later\n")
        at_rest(place)
        assert not daemon.events("internal error")
    assert uids(place) == pods


def uids(place: Namespace) -> set[str]:
    return {
        found["metadata"]["uid"]
        for kind in ("Deployment", "Service", "ConfigMap")
        for found in place.list(kind)
    }


def test_an_older_state_that_is_restored_is_lost_and_reported(
    place: Namespace, keeper: Daemon, tmp_path: Path
) -> None:
    old = state(place)
    place.apply(gateway("chat", "edited"))
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    pods = uids(place)

    write_state(place, old)
    assert "it is older than the last one" in keeper.wait_for("state lost", namespace=place.name)["error"]
    (reported,) = wait_until(
        lambda: place.notes(STATE_SECRET, "StateLost"), timeout=SECONDS, what="an event about the Secret"
    )
    assert (reported["regarding"]["kind"], reported["type"]) == ("Secret", "Warning")
    at_rest(place)
    keeper.stop()

    write_state(place, old)
    with Daemon(place.lab, tmp_path / "fresh", *alone(place)) as daemon:
        daemon.wait_for("state lost", namespace=place.name)
        at_rest(place)
        assert place.config("chat").count("openai/edited")
        assert not daemon.events("internal error")
    assert uids(place) == pods, "nothing was made anew"


def test_a_state_that_is_written_while_a_run_is_under_way(place: Namespace, keeper: Daemon) -> None:
    place.apply(gateway("chat", "edited"))
    wait_until(lambda: state(place)["doubts"] != b"[]", timeout=SECONDS, what="a run")
    write_state(place, {"note": b"mine"})
    place.wait_config("chat", "openai/edited\n")
    at_rest(place)
    assert keeper.events("reconcile failed"), "the conflict was noticed"


def test_a_state_that_is_too_large_for_one_secret(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    small = {"PART_BYTES": "2000"}
    names = [f"gateway-{number}" for number in range(4)]
    with started(idle_lab, tmp_path, alone(place), small) as daemon:
        place.apply(*map(gateway, names))
        at_rest(place)
        parts = [
            one["metadata"]["name"] for one in place.list("Secret") if one["metadata"]["name"] != STATE_SECRET
        ]
        assert len(parts) > 1
        # One part that is gone takes the state with it, and nothing else.
        place.kubectl("delete", "secret", parts[0])
        daemon.stop()
    with started(idle_lab, tmp_path / "fresh", alone(place), small):
        place.apply(gateway(names[0], "edited"))
        place.wait_config(names[0], "openai/edited\n")
        at_rest(place)
    # One that takes it as a whole again removes the parts.
    with Daemon(idle_lab, tmp_path / "whole", *alone(place)):
        place.apply(gateway(names[1], "edited"))
        place.wait_config(names[1], "openai/edited\n")
        at_rest(place)
    assert [one["metadata"]["name"] for one in place.list("Secret")] == [STATE_SECRET]


@pytest.mark.parametrize(
    "change",
    [
        "changed",
        pytest.param("deleted", marks=pytest.mark.soak),
        pytest.param("emptied", marks=pytest.mark.soak),
    ],
)
def test_a_passphrase_that_is(change: str, place: Namespace, tmp_path: Path) -> None:
    # An install namespace of its own: others on this control plane need their passphrase.
    scope = *alone(place), *elected(place)
    with Daemon(place.lab, tmp_path, *scope) as daemon:
        place.apply(gateway("chat"))
        at_rest(place)
        if change == "deleted":
            place.kubectl("delete", "secret", PASSPHRASE_SECRET)
        else:
            other = base64.b64encode(b"another").decode() if change == "changed" else ""
            place.patch("Secret", PASSPHRASE_SECRET, {"data": {"passphrase": other}})
        place.apply(gateway("chat", "edited"))
        place.wait_config("chat", "openai/edited\n")
        assert not daemon.events("internal error")
    with Daemon(place.lab, tmp_path / "fresh", *scope) as daemon:
        place.apply(gateway("chat", "later"))
        place.wait_config("chat", "openai/later\n")
        at_rest(place)
        assert not daemon.events("internal error")


def test_a_scratch_folder_with_locks_of_an_earlier_run(
    place: Namespace, keeper: Daemon, tmp_path: Path
) -> None:
    keeper.stop()
    for name in ("organization", "other"):
        locks = keeper.state / "backend" / ".pulumi" / "locks" / name / "litellm-gateways" / place.name
        locks.mkdir(parents=True, exist_ok=True)
        (locks / "stale.json").write_text('{"pid": 1, "username": "somebody", "hostname": "elsewhere"}')
    with Daemon(place.lab, tmp_path, *alone(place)) as daemon:
        place.apply(gateway("chat", "edited"))
        place.wait_config("chat", "openai/edited\n")
        at_rest(place)
        assert not [line for line in daemon.events("engine ran") if line["failed"]]


def test_a_scratch_folder_that_is_full_for_a_while(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.touch()
    with started(idle_lab, tmp_path, alone(place), {"FULL": str(full)}) as daemon:
        place.apply(gateway("chat"))
        wait_until(
            lambda: "No space left on device" in daemon.text(), timeout=SECONDS, what="a word about it"
        )
        message = daemon.events("reconcile failed") or daemon.events("AiGatewayConfigured")
        assert "--scratch-folder" in json.dumps(message), "it says what to do"
        full.unlink()
        place.wait_ready("chat", seconds=SECONDS)
        at_rest(place)
        assert not daemon.events("internal error")


def test_a_namespace_that_is_deleted_while_its_run_is_under_way(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    name = f"{place.name}-gone"
    idle_lab.kubectl("create", "namespace", name)
    gone = Namespace(idle_lab, name)
    with Daemon(idle_lab, tmp_path, *alone(place), "--namespace", name) as daemon:
        gone.apply(*(gateway(f"gateway-{number}") for number in range(5)))
        wait_until(lambda: gone.get("Secret", STATE_SECRET), timeout=SECONDS, what="a run")
        idle_lab.kubectl("delete", "namespace", name, "--wait=false")
        place.apply(gateway("chat"))
        place.wait_ready("chat", seconds=SECONDS)
        wait_until(
            lambda: idle_lab.api.get(f"/api/v1/namespaces/{name}") is None,
            timeout=SECONDS,
            what="it is gone",
        )
        # It comes back, with nothing of before.
        idle_lab.kubectl("create", "namespace", name)
        gone.apply(gateway("again"))
        gone.wait_ready("again", seconds=SECONDS)
        assert_true(idle_lab, [place.name, name], seconds=SECONDS)
        assert not daemon.events("internal error")


HEALTHY = 50


def test_a_gateway_that_always_fails_slows_no_other(
    idle_lab: ControlPlane, place: Namespace, tmp_path: Path
) -> None:
    bad = {"name": "BAD", "valueFrom": {"fieldRef": {"fieldPath": "no.such.path"}}}
    with Daemon(idle_lab, tmp_path, *alone(place)) as daemon:
        place.apply(
            *(gateway(f"gateway-{number}") for number in range(HEALTHY)), gateway("broken", env=[bad])
        )
        place.wait_reason("broken", "DeploymentFailed")
        for number in range(HEALTHY):
            place.wait_ready(f"gateway-{number}", seconds=SECONDS)
        runs = len(daemon.events("engine ran"))
        for number in range(3):
            place.apply(gateway(f"gateway-{number}", "edited"))
            place.wait_config(f"gateway-{number}", "openai/edited\n")

        def tried_again() -> bool:
            return len([line for line in daemon.events("engine ran") if line["failed"] == ["broken"]]) >= 3

        wait_until(tried_again, timeout=SECONDS, what="some more tries")
        later = daemon.events("engine ran")[runs:]
        assert all(line["applied"] == [] for line in later if line["failed"]), "it runs alone"
        assert len([line for line in later if not line["failed"]]) <= 4, "the others run once for each edit"
        assert_true(idle_lab, [place.name], refused=["broken"], seconds=SECONDS)
