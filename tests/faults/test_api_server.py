"""An API server that is away, slow or refuses, under a churn of edits: all is true in the end."""

import time
from collections import Counter

import pytest

from lab import ControlPlane, wait_until
from tests.daemon.harness import Daemon, Namespace
from tests.faults.churn import Churn
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import (
    at_random,
    bad_gateway,
    broken_inside,
    conflict,
    lost_answer,
    only_writes,
    page_of_a_load_balancer,
    slow,
    stale_connection,
    too_many,
)
from tests.faults.test_watches import WATCHED
from tests.faults.truth import assert_true

OUTAGE_SECONDS = 120.0
TRIES = 3
REQUESTS = 100


@pytest.mark.soak
def test_a_restart_of_the_api_server(breakable_lab: ControlPlane, ward: Namespace) -> None:
    with Churn(ward) as churn:
        churn.wait_for(5)
        breakable_lab.stop_api_server()
        breakable_lab.start_api_server()
        churn.wait_for(5)

    # Kubernetes' own controllers come back in their own time.
    assert_true(breakable_lab, [ward.name], seconds=120)


def test_an_outage_of_the_api_server(breakable_lab: ControlPlane, ward: Namespace, patient: Daemon) -> None:
    with Churn(ward) as churn:
        churn.wait_for(5)
        before = Counter(line["resource"] for line in patient.events("watch broken"))
        breakable_lab.stop_api_server()
        # Until each watch has met it more than once, and knows no better.
        wait_until(
            lambda: (
                len(tried := Counter(line["resource"] for line in patient.events("watch broken")) - before)
                == len(WATCHED)
                and min(tried.values()) >= TRIES
            ),
            timeout=120,
            what="every watch broken",
        )
        breakable_lab.start_api_server()
        churn.wait_for(5)

    assert_true(breakable_lab, [ward.name], seconds=120)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_two_minutes_without_the_api_server(
    breakable_lab: ControlPlane, ward: Namespace, patient: Daemon
) -> None:
    with Churn(ward) as churn:
        churn.wait_for(5)
        breakable_lab.stop_api_server()
        back = time.monotonic() + OUTAGE_SECONDS
        wait_until(lambda: time.monotonic() > back, timeout=OUTAGE_SECONDS + 60, what="the end of the outage")
        tried = len(patient.events("watch broken"))
        breakable_lab.start_api_server()
        churn.wait_for(5)

    assert_true(breakable_lab, [ward.name], seconds=120)
    assert tried < OUTAGE_SECONDS * len(WATCHED), "each kind is asked for less than once in a second"


def test_a_slow_api_server(breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace) -> None:
    with api.fault(slow(0.2, 1.0)), Churn(ward) as churn:
        churn.wait_for(15)

    assert_true(breakable_lab, [ward.name])


def test_refusals_and_lost_answers_at_random(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace
) -> None:
    troubles = too_many, broken_inside, page_of_a_load_balancer, bad_gateway, stale_connection, lost_answer
    asked = len(api.asked)
    with (
        api.fault(at_random(0.5, conflict), only_writes),
        api.fault(at_random(0.4, *troubles)),
        Churn(ward) as churn,
    ):
        churn.wait_for(12)
        wait_until(lambda: len(api.asked) > asked + REQUESTS, timeout=120, what="many requests treated so")

    assert_true(breakable_lab, [ward.name])
