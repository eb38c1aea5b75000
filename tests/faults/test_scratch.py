"""Whatever becomes of the scratch folder, the passphrase or the parts of a state, the next run mends it."""

import base64
import json
from pathlib import Path

import pytest

from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, alone, elected
from tests.daemon.manifests import gateway
from tests.faults.crashes import started
from tests.faults.truth import assert_true


def at_rest(place: Namespace) -> None:
    assert_true(place.lab, [place.name], seconds=SECONDS)


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
        place.delete("Secret", parts[0])
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
            place.delete("Secret", PASSPHRASE_SECRET)
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


def test_a_scratch_folder_with_locks_of_an_earlier_run(place: Namespace, tmp_path: Path) -> None:
    with Daemon(place.lab, tmp_path, *alone(place)) as first:
        place.apply(gateway("chat"))
        at_rest(place)
    for name in ("organization", "other"):
        locks = first.state / "backend" / ".pulumi" / "locks" / name / "litellm-gateways" / place.name
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
