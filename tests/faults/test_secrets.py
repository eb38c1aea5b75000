"""A Secret that is deleted while no daemon runs, and stays away."""

import signal
from pathlib import Path

from gateway_components.plan.objects import EMPTY_DIGEST
from lab import wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, alone
from tests.daemon.manifests import gateway, secret
from tests.faults.impatient import PROGRAM
from tests.faults.truth import assert_true

SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"


def test_a_restarted_daemon_awaits_it_and_then_does_without(place: Namespace, tmp_path: Path) -> None:
    with Daemon(place.lab, tmp_path / "first", *alone(place)) as first:
        place.apply(secret("api-key-secrets", OPENAI_API_KEY="one"), gateway("chat"))
        place.wait_ready("chat")
        first.stop(signal.SIGKILL)
    place.delete("Secret", "api-key-secrets")

    with Daemon(place.lab, tmp_path / "second", *alone(place), program=PROGRAM) as second:
        place.wait_event("chat", "ReferenceNotFound", "was deleted; pods keep its values for now")
        wait_until(
            lambda: place.hashes("chat")[SECRET_HASH] == EMPTY_DIGEST,
            timeout=SECONDS,
            what="pods without keys",
        )
        place.wait_event("chat", "ReferenceNotFound", "does not exist, so pods start without OPENAI_API_KEY")
        place.wait_ready("chat")
        assert_true(place.lab, [place.name])

        message = place.conditions("chat")["AiGatewayConfigured"]["message"]
        assert "the first: Secret" in message
        applied = [line for line in second.events("engine ran") if line["applied"]]
        assert len(applied) == 1, "the pods are replaced once, and not at the start"
