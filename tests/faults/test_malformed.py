"""A proxy that answers what no API server sends, or that an object is gone which is not: nothing is released."""

import secrets
from functools import partial

import pytest

from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway, tool_gateway, tool_route
from tests.faults.churn import Churn
from tests.faults.faulty_api import FaultyApi
from tests.faults.malformed import (
    forged_deletions,
    malformed_answers,
    malformed_lines,
    of_the_daemon,
    only_classes,
    page_404,
)
from tests.faults.truth import assert_true

SEEDS = (1, 2, 3)
MISTAKEN = "cache inconsistent, listing again"


@pytest.fixture
def served(ward: Namespace, patient: Daemon) -> Namespace:
    """Return a namespace with gateways of ours that are ready, and a route; none of them may be released."""
    ward.apply(gateway("chat"), tool_gateway("tools"), tool_route("route", "tools"))
    ward.wait_ready("chat")
    ward.wait_route("route", "Reconciled")
    return ward


def assert_kept(place: Namespace, daemon: Daemon) -> None:
    assert not daemon.events("released", namespace=place.name)
    assert place.conditions("chat")
    assert place.url("ToolRoute", "route")
    assert place.get("Secret", STATE_SECRET)


@pytest.mark.parametrize(
    "seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.soak) for seed in SEEDS[1:])]
)
def test_malformed_answers_of_every_kind_under_a_churn_of_edits(
    seed: int, breakable_lab: ControlPlane, api: FaultyApi, served: Namespace, patient: Daemon
) -> None:
    broken = len(patient.events("watch broken"))
    with (
        api.fault(malformed_answers(seed, 0.3), of_the_daemon),
        api.lines(malformed_lines(seed, 0.3)),
        Churn(served, seed) as churn,
    ):
        churn.wait_for(20)

    assert len(patient.events("watch broken")) > broken
    assert_true(breakable_lab, [served.name])
    released = patient.events("released", namespace=served.name, exists=True)
    assert not released, "nothing that exists is let go of"
    assert served.conditions("chat")


def test_a_proxy_that_denies_the_classes_for_long(
    breakable_lab: ControlPlane, api: FaultyApi, served: Namespace, patient: Daemon
) -> None:
    def denied(plural: str) -> int:
        return len(patient.events("watch broken", resource=plural)) - before[plural]

    plurals = "aigatewayclasses", "toolgatewayclasses"
    before = dict.fromkeys(plurals, 0)
    before = {plural: denied(plural) for plural in plurals}
    with api.fault(page_404, only_classes):
        api.cut_watches()
        # The pauses between so many answers are longer than a missing kind takes to be believed.
        wait_until(
            lambda: all(denied(plural) >= 10 for plural in plurals), timeout=120, what="ten denials of each"
        )
        served.apply(gateway("chat", "edited-meanwhile"))
        served.wait_config("chat", "openai/edited-meanwhile")
        assert_kept(served, patient)

    assert_true(breakable_lab, [served.name])
    assert_kept(served, patient)


def test_forged_deletions_of_a_class_and_a_gateway(
    breakable_lab: ControlPlane, api: FaultyApi, served: Namespace, patient: Daemon
) -> None:
    def listed_anew(kind: str, name: str, seen: int) -> bool:
        # Again and again, for a watch that has just begun may have missed one.
        served.patch(kind, name, {"metadata": {"annotations": {"forged": secrets.token_hex(4)}}})
        return len(patient.events(MISTAKEN)) > seen

    for name, kind in (("litellm", "AiGatewayClass"), ("chat", "AiGateway"), ("tools", "ToolGateway")):
        with api.lines(forged_deletions(name)):
            again = partial(listed_anew, kind, name, len(patient.events(MISTAKEN)))
            wait_until(again, timeout=SECONDS, what=f"a new list with {name} in it")

    served.apply(gateway("chat", "edited-afterwards"))
    served.wait_config("chat", "openai/edited-afterwards")
    assert_true(breakable_lab, [served.name])
    assert_kept(served, patient)
