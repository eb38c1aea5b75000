"""What is made of the numbers: fits, marks, tables, page and plots."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.numbers import Samples, exponent, steepest
from bench.phases import PHASES, phases_of
from bench.report import page, write_plots
from bench.targets import growth_of, judged
from tests.bench.results import gateways, results, routes


@pytest.mark.parametrize(
    ("values", "fitted"),
    [
        ({10: 3.0, 100: 3.0, 1000: 3.0}, 0),  # nothing grows
        ({10: 1.0, 100: 10.0, 1000: 100.0}, 1),  # in proportion
        ({10: 1.0, 100: 100.0, 1000: 10000.0}, 2),  # with the square
    ],
)
def test_the_exponent_tells_how_something_grows(values: dict[float, float], fitted: float) -> None:
    assert exponent(values) == pytest.approx(fitted)
    assert steepest(values) == pytest.approx(fitted)


def test_the_steepest_exponent_shows_what_a_fixed_cost_hides() -> None:
    hidden: dict[float, float] = {10: 5.0, 100: 5.0, 1000: 500.0}

    assert exponent(hidden) == pytest.approx(1)
    assert steepest(hidden) == pytest.approx(2)


def test_samples_of_one_have_percentiles_too() -> None:
    assert Samples([2.0]).as_json() == {"p50": 2, "p95": 2, "least": 2, "most": 2, "samples": [2]}


def test_phases_add_up_to_the_whole() -> None:
    spans = [
        ("pulumi", 1.0, 9.0),
        ("pulumi-plan", 3.0, 8.5),
        ("pulumirpc.LanguageRuntime/Run", 4.0, 8.0),
        ("newPlugin", 4.5, 5.0),
        ("pulumirpc.ResourceProvider/Configure", 5.0, 5.5),
        ("pulumirpc.ResourceProvider/Update", 6.0, 7.0),
    ]

    phases = phases_of(spans, began=0.0, ended=10.0)

    assert list(phases.values()) == pytest.approx([1, 2, 1, 0.5, 0.5, 0.5, 1.5, 1, 1, 1])


def test_a_phase_that_a_run_does_not_have_takes_no_time() -> None:
    phases = phases_of([("pulumi", 1.0, 9.0)], began=0.0, ended=10.0)

    assert sum(phases.values()) == pytest.approx(10)
    assert phases[PHASES[4].name] == 0


def test_a_target_is_marked_as_reached_or_missed() -> None:
    measured = results(gateways=gateways({10: 1.0, 100: 10.0, 1000: 61.0}, engine_runs=3))

    marks = {row.measure: row.reached for row in judged(measured)}

    assert marks["1000 gateways created at once in 20 namespaces, all configured"] is False
    assert marks["restart with 1000 gateways: all statuses verified"] is True
    assert marks["restart with 1000 gateways: engine runs"] is False
    assert marks["idle with 1000 gateways: engine runs"] is True


def test_linear_growth_has_a_constant_marginal_cost() -> None:
    seconds = {count: 3 + 0.05 * count for count in (10, 100, 1000)}

    (growth, *_) = growth_of(results(routes=routes(seconds)))

    assert growth.each == pytest.approx([0.05, 0.05])


def test_what_was_measured_at_another_size_is_not_judged() -> None:
    small = results(gateways=gateways({10: 1.0, 100: 500.0}))

    marks = {row.measure: row.reached for row in judged(small)}

    assert marks["100 gateways created at once in 20 namespaces, all configured"] is None


def test_superlinear_growth_misses_its_target() -> None:
    measured = results(routes=routes({10: 10.0, 100: 10.0, 1000: 200.0}))

    marks = {row.measure: row.reached for row in judged(measured)}

    assert marks["growth with routes: created at once, until all are ready, steepest exponent"] is False
    assert marks["growth with routes: memory at rest, steepest exponent"] is True


def test_the_page_holds_the_tables_the_plots_and_what_failed() -> None:
    measured = results(gateways=gateways({10: 1.0, 1000: 59.0}), routes={"error": "no control plane"})

    text = page(measured, [("Time", "time.svg")])

    assert "| 1000 gateways created at once in 20 namespaces, all configured | 59 s | ≤ 60 s | ✓ |" in text
    assert "![Time](time.svg)" in text
    assert "- routes: no control plane" in text


def test_plots_are_svg_and_equal_for_equal_numbers(tmp_path: Path) -> None:
    measured = results(routes=routes({10: 1.0, 100: 2.0}))
    again = tmp_path / "again"
    again.mkdir()

    files = [file for _, file in write_plots(measured, tmp_path)]
    write_plots(measured, again)

    assert len(files) == 2
    for file in files:
        text = (tmp_path / file).read_text()
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314  (just written)
        assert "linear: exponent 1" in text
        assert (again / file).read_text() == text
