"""Every measure on the lab, with the least numbers: that each measures what it says, not how much."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.among import measure_among
from bench.failing import measure_failing
from bench.fairness import measure_fairness
from bench.growth import measure_gateways, measure_routes
from bench.parts import crowds_on, edits_on
from bench.report import page
from bench.scale import Scale
from bench.stage import Stage, open_stage
from bench.tables import tables
from tests.bench.results import results

pytestmark = pytest.mark.lab

TINY = Scale(
    edits=1,
    naive_runs=1,
    together=2,
    namespaces=2,
    among=(1, 3),
    among_edits=1,
    healthy=2,
    healthy_edits=1,
    limited=(2,),
    memory_mib=2048,
    beside=2,
    large=(4, 2),
    gateways=(4,),
    routes=(3,),
    step_edits=1,
    idle_seconds=1.0,
)


def quiet(_: str) -> None:
    """Say nothing."""


def measured() -> dict[str, Any]:
    with open_stage(workloads=True) as stage:
        edits, crowds = edits_on(stage, TINY, quiet), crowds_on(stage, TINY, quiet)
    with open_stage(workloads=False) as stage:
        gateways = measure_gateways(stage, 4, TINY.namespaces, TINY.step_edits, TINY.idle_seconds)
        routes = measure_routes(stage, 3, TINY.step_edits)
        # The last, for what fails goes on to run engines.
        fairness = measure_fairness(stage, TINY.beside, TINY.among_edits).as_json()
        failing = measure_failing(stage, TINY.healthy, TINY.healthy_edits).as_json()
    return {
        "edits": edits,
        "crowds": crowds,
        "gateways": {"steps": [gateways]},
        "routes": {"steps": [routes]},
        "failing": failing,
        "fairness": fairness,
    }


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with open_stage(workloads=False) as found:
        yield found


def test_a_crowd_is_measured_from_its_creation_to_its_restart(stage: Stage) -> None:
    step = measure_gateways(stage, 2, 1, TINY.step_edits, idle_seconds=0.2)

    assert step["restart"]["engine_runs"] == step["idle"]["engine_runs"] == 0
    assert min(step["crowd"]["processor"][who] for who in ("daemon", "engine", "control_plane")) > 0
    assert "## " in page(results(gateways={"steps": [step]}), [])


def test_edits_are_compared_among_few_and_many(stage: Stage) -> None:
    part = measure_among(stage, (1, 30), 1)

    alone, among = part["steps"]
    assert (alone["gateways"], among["gateways"]) == (1, 30)
    for step in part["steps"]:
        assert 0 < step["to_config_map"]["p50"] <= step["to_status"]["p50"]
        assert 0 < step["written_kib"] < 40
    made = {table.title: table for table in tables(results(among=part))}
    assert len(made["One edit among the gateways of its namespace"].rows) == 2
    (first, *_) = made["Targets"].rows
    assert first[0] == "edit of one of 30 gateways → ConfigMap, in those of one alone"


@pytest.mark.soak
def test_every_measure_measures_and_is_reported() -> None:
    parts = measured()

    assert parts["crowds"]["one"]["engine_runs"] >= 1
    assert parts["crowds"]["spread"]["engine_runs"] >= 2
    assert parts["crowds"]["shared"]["engine_runs"] >= 1
    assert parts["crowds"]["spread"]["ready"] >= parts["crowds"]["spread"]["configured"]
    (step,) = parts["gateways"]["steps"]
    assert step["restart"]["engine_runs"] == step["resync"]["engine_runs"] == step["idle"]["engine_runs"] == 0
    # What the benchmark itself takes may be too little to be counted.
    assert min(step["crowd"]["processor"][who] for who in ("daemon", "engine", "control_plane")) > 0
    assert parts["failing"]["failed_runs"] >= 1
    text, made = page(results(**parts), []), tables(results(**parts))
    assert len(made) == 9
    assert all(f"## {table.title}" in text for table in made)
