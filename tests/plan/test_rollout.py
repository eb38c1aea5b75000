"""How a rollout that makes no progress is told of."""

import pytest

from gateway_components.plan.status import Rollout, StallReason

REASONS = (
    (
        StallReason("Unschedulable", message="0/1 nodes are available"),
        "Unschedulable: 0/1 nodes are available",
        "it is about the pod",
    ),
    (
        StallReason("CrashLoopBackOff", "litellm", ended="OOMKilled", exit_code=137),
        "container litellm: CrashLoopBackOff (last OOMKilled, exit code 137)",
        "how it ended is why it crashes",
    ),
    (
        StallReason("Error", "migrate", init=True, exit_code=0),
        "init container migrate: Error (exit code 0)",
        "zero is an exit code",
    ),
    (StallReason("RunContainerError", "litellm"), "container litellm: RunContainerError", "a word is enough"),
)


@pytest.mark.parametrize(("reason", "reported", "why"), REASONS, ids=[case[2] for case in REASONS])
def test_a_reason_is_one_line(reason: StallReason, reported: str, why: str) -> None:
    assert str(reason) == reported, why


def test_reasons_follow_the_progress() -> None:
    stalled = Rollout(True, 1, 1, 1, 0, reasons=(StallReason("A"), StallReason("B", message="b")))

    assert str(stalled) == "1 of 1 replicas updated, 0 available; A; B: b"


def test_many_long_reasons_stay_readable() -> None:
    many = tuple(StallReason("R" * 9999, f"c{n}", ended="E" * 9999, message="m" * 9999) for n in range(99))

    assert len(str(Rollout(True, 1, 1, 1, 0, reasons=many))) < 10_000


def test_reasons_of_an_older_template_are_not_reported() -> None:
    outdated = Rollout(False, 1, 1, 1, 0, reasons=(StallReason("FailedCreate"),))

    assert str(outdated) == "the Deployment has not observed the latest configuration yet"
