"""What is told turns up in `/metrics`, under names that dashboards can rely on."""

from collections.abc import Callable

import pytest

from gateway_components.daemon.observe.metrics import Metrics
from gateway_components.daemon.observe.telemetry import ReconcileResult, Telemetry, UpResult
from tests.daemon.scrape import Scrape


def scrape(metrics: Metrics) -> Scrape:
    return Scrape(metrics.text().decode())


NAMES = {
    "build_info",
    "drift_corrected",
    "gateways",
    "leader",
    "queue_depth",
    "queue_wait_seconds",
    "reconciles",
    "routes",
    "up_duration_seconds",
    "ups",
    "watch_restarts",
}


def test_the_names_stay() -> None:
    names = scrape(Metrics(lambda: 0, dict)).names()

    assert {name for name in names if name.startswith("litellm")} == {f"litellm_gateways_{n}" for n in NAMES}
    assert "process_resident_memory_bytes" in names


Report = Callable[[Telemetry], None]
REPORTS: list[tuple[str, Report, str, dict[str, str], float]] = [
    (
        "a reconcile",
        lambda reported: reported.reconciled(ReconcileResult.OK),
        "reconciles_total",
        {"result": "ok"},
        1,
    ),
    (
        "a failed run",
        lambda reported: reported.engine_ran(UpResult.FAILED, 1.2),
        "ups_total",
        {"result": "failed"},
        1,
    ),
    (
        "its duration",
        lambda reported: reported.engine_ran(UpResult.OK, 1.2),
        "up_duration_seconds_bucket",
        {"le": "1.5"},
        1,
    ),
    (
        "not a shorter one",
        lambda reported: reported.engine_ran(UpResult.OK, 1.2),
        "up_duration_seconds_bucket",
        {"le": "1.0"},
        0,
    ),
    ("a wait", lambda reported: reported.taken(0.25), "queue_wait_seconds_sum", {}, 0.25),
    (
        "a correction",
        lambda reported: reported.drift_corrected("Service"),
        "drift_corrected_total",
        {"kind": "Service"},
        1,
    ),
    (
        "a broken watch",
        lambda reported: reported.watch_restarted("secrets", "expired"),
        "watch_restarts_total",
        {"resource": "secrets", "cause": "expired"},
        1,
    ),
    ("leading", lambda reported: reported.leads(leader=True), "leader", {}, 1),
]


@pytest.mark.parametrize(
    ("case", "report", "name", "labels", "value"), REPORTS, ids=[case[0] for case in REPORTS]
)
def test_what_is_reported_is_shown(
    case: str, report: Report, name: str, labels: dict[str, str], value: float
) -> None:
    metrics = Metrics(lambda: 0, dict)
    before = scrape(metrics).value(name, **labels)

    report(metrics)

    assert scrape(metrics).value(name, **labels) - before == value


def test_results_are_there_before_the_first_pass() -> None:
    text = Metrics(lambda: 0, dict).text().decode()

    assert 'litellm_gateways_reconciles_total{result="internal_error"} 0.0' in text
    assert 'litellm_gateways_ups_total{result="failed"} 0.0' in text
    assert "_created" not in text


def test_leading_ends() -> None:
    metrics = Metrics(lambda: 0, dict)
    metrics.leads(leader=True)
    metrics.leads(leader=False)

    assert scrape(metrics).value("leader") == 0


def test_depth_and_conditions_are_asked_for_at_each_scrape() -> None:
    depth = [4]
    counts = {
        ("AiGateway", "AiGatewayReady", "True"): 3,
        ("AiGateway", "AiGatewayReady", "False"): 1,
        ("ToolRoute", "Ready", "True"): 2,
    }
    metrics = Metrics(lambda: depth[0], lambda: counts)
    first = scrape(metrics)
    depth[0] = 0
    counts.pop(("AiGateway", "AiGatewayReady", "False"))
    second = scrape(metrics)

    assert [found.value("queue_depth") for found in (first, second)] == [4, 0]
    assert [found.value("gateways", status="False") for found in (first, second)] == [1, 0]
    assert first.value("gateways", kind="AiGateway", condition="AiGatewayReady", status="True") == 3
    assert first.value("routes", condition="Ready", status="True") == 2


def test_two_daemons_in_one_process_count_apart() -> None:
    one, other = Metrics(lambda: 0, dict), Metrics(lambda: 0, dict)
    one.reconciled(ReconcileResult.OK)

    assert scrape(other).value("reconciles_total") == 0
