"""Watches that are cut, expire, fall silent or bring rubbish, under a churn of edits: all is true in the end."""

import random
from collections import Counter

import pytest

from gateway_components.kube import resources
from gateway_components.kube.resources import CUSTOM_RESOURCES
from lab import ControlPlane
from tests.daemon.harness import Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.faults.churn import Churn
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import only_watches, stale_connection
from tests.faults.truth import assert_true

EXPIRED = "watch expired, listing again"
WATCHED = {
    kind.collection()
    for kind in (
        *CUSTOM_RESOURCES.values(),
        resources.CONFIG_MAPS,
        resources.DEPLOYMENTS,
        resources.NAMESPACES,
        resources.SECRETS,
        resources.SERVICES,
    )
}


@pytest.mark.soak
def test_watches_that_are_cut_again_and_again(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace
) -> None:
    cut = 0
    with Churn(ward) as churn:
        for _ in range(6):
            churn.wait_for(2)
            cut += api.cut_watches()

    assert cut > 20
    assert_true(breakable_lab, [ward.name])


def test_watches_that_break_off_in_the_middle_of_a_line(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace, patient: Daemon
) -> None:
    chance = random.Random(3)

    def halve(line: bytes) -> bytes:
        return line[: len(line) // 2] if chance.random() < 0.2 else line

    with api.lines(halve), Churn(ward) as churn:
        churn.wait_for(15)

    assert_true(breakable_lab, [ward.name])


def test_a_compaction_that_expires_every_watch(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace, patient: Daemon
) -> None:
    ward.apply(gateway("old"), gateway("goes"))
    for name in ("old", "goes"):
        ward.wait_ready(name)
    answered, expired = len(api.answered), len(patient.events(EXPIRED))

    with api.fault(stale_connection, only_watches), api.lines(lambda _: None):
        api.cut_watches()
        ward.apply(gateway("old", "changed-meanwhile"), gateway("new"))
        ward.delete("AiGateway", "goes")
        breakable_lab.compact()
        # The API server's own memory of what happened reaches further back than etcd's.
        breakable_lab.stop_api_server()
        breakable_lab.start_api_server()

    assert_true(breakable_lab, [ward.name], seconds=120)
    assert "openai/changed-meanwhile" in ward.config("old")
    # Not those that an API server refuses which has just started.
    lists = Counter(path for path in api.answered[answered:] if path in WATCHED)
    # A bookmark at the right moment spares one or the other kind.
    assert len(lists) > len(WATCHED) / 2, "what has expired is listed anew"
    # An API server that has just started may refuse the next watch too. Without growing pauses it would be hundreds.
    assert max(lists.values()) < 20, "and not again and again"
    assert len(patient.events(EXPIRED)) > expired + len(WATCHED) / 2


def test_watches_that_are_silent_for_ever(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace, patient: Daemon
) -> None:
    with api.lines(lambda _: None):
        ward.apply(gateway("unseen", "first"))
        # While nothing comes of any watch, neither of the old ones nor of new ones.
        ward.wait_config("unseen", "openai/first")
        ward.apply(gateway("unseen", "second"))
        ward.wait_config("unseen", "openai/second")
        assert_true(breakable_lab, [ward.name])

    assert patient.events("watch silent, listing again")
