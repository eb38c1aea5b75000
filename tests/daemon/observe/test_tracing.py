"""Traces: which spans a reconcile leaves and what stands in them; a collector that fails disturbs nobody."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs

from gateway_components.daemon.observe.telemetry import Step, start_tracing
from gateway_components.daemon.observe.tracing import SparinglyLogged
from lab import wait_until
from tests.daemon.collector import Collector, attributes

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as running:
        monkeypatch.setenv(ENDPOINT, running.endpoint)
        yield running


def test_steps_become_spans_within_the_pass(collector: Collector) -> None:
    tracing = start_tracing({ENDPOINT: collector.endpoint})
    assert tracing is not None

    with tracing.step(Step.RECONCILE, "team-a"):
        with tracing.step(Step.PLAN, "team-a") as note:
            note(gateways=3)
        with tracing.step(Step.ENGINE_RUN, "team-a", refresh=True):
            pass
    with tracing.step(Step.RECONCILE, "team-b"):
        pass
    tracing.close()

    first, plan, run, second = collector.spans()
    assert [span.name for span in (first, plan, run, second)] == [
        "reconcile",
        "plan",
        "engine run",
        "reconcile",
    ]
    assert collector.children(first) == [plan, run]
    assert attributes(plan) == {"k8s.namespace.name": "team-a", "gateways": 3}
    assert attributes(run) == {"k8s.namespace.name": "team-a", "refresh": True}
    assert not first.parent_span_id
    assert first.trace_id != second.trace_id, "each reconcile is a trace of its own"
    assert collector.services() == {"litellm-gateways"}


def test_a_failed_step_names_the_type_of_the_error_alone(collector: Collector) -> None:
    tracing = start_tracing({ENDPOINT: collector.endpoint})
    assert tracing is not None

    with pytest.raises(ValueError, match="sk-secret"), tracing.step(Step.RECONCILE, "team-a"):
        raise ValueError("sk-secret")
    tracing.close()

    (span,) = collector.spans()
    assert (span.status.code, span.status.message) == (2, "ValueError")
    assert "sk-secret" not in collector.text()


def test_the_environment_names_service_and_parent(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateways-of-europe")
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    environment = {ENDPOINT: collector.endpoint, "TRACEPARENT": f"00-{trace}-{parent}-01"}
    tracing = start_tracing(environment)
    assert tracing is not None

    with tracing.step(Step.RECONCILE, "team-a"):
        pass
    tracing.close()

    (span,) = collector.spans()
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)
    assert collector.services() == {"gateways-of-europe"}


NO_TRACES = [
    ("nothing is set", {}, ""),
    ("set to nothing", {ENDPOINT: ""}, ""),
    ("switched off", {ENDPOINT: "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, ""),
    ("no exporter", {ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, ""),
    ("an address without a scheme", {ENDPOINT: "collector:4318"}, "http://"),
]


@pytest.mark.parametrize(("case", "environment", "said"), NO_TRACES, ids=[case[0] for case in NO_TRACES])
def test_without_a_usable_endpoint_there_are_no_traces(
    case: str, environment: dict[str, str], said: str
) -> None:
    with capture_logs() as lines:
        assert start_tracing(environment) is None
    assert [said in line["why"] for line in lines] == ([True] if said else [])


def test_a_refused_variable_is_a_warning_without_its_value(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "98765")
    with capture_logs() as lines:
        assert start_tracing({ENDPOINT: collector.endpoint}) is None

    assert [line["event"] for line in lines] == ["no traces"]
    assert "98765" not in str(lines)


def test_nothing_of_opentelemetry_is_loaded_without_an_endpoint() -> None:
    program = (
        "import sys; from gateway_components.daemon.observe.telemetry import start_tracing; start_tracing({});"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class _Refusing(SpanExporter):
    result = SpanExportResult.FAILURE

    def export(self, spans: object) -> SpanExportResult:
        return self.result


def test_lost_spans_are_a_line_now_and_then() -> None:
    now = [0.0]
    refusing = _Refusing()
    exporter = SparinglyLogged(refusing, lambda: now[0])
    span = ReadableSpan("reconcile")

    with capture_logs() as lines:
        for _ in range(100):
            exporter.export([span, span])
            now[0] += 1.0
        assert [line["spans_lost"] for line in lines] == [2]
        now[0] = 700.0
        exporter.export([span])
        assert [line["spans_lost"] for line in lines] == [2, 199], "and what got lost meanwhile is counted"
        refusing.result = SpanExportResult.SUCCESS
        now[0] = 2000.0
        exporter.export([span])
    assert len(lines) == 2, "what is delivered is no news"


def test_a_refusing_collector_is_logged_once_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=sk-token, malformed sk-token")
    with Collector(HTTPStatus.UNAUTHORIZED) as collector, capture_logs() as lines:
        monkeypatch.setenv(ENDPOINT, collector.endpoint)
        tracing = start_tracing({ENDPOINT: collector.endpoint})
        assert tracing is not None
        with tracing.step(Step.RECONCILE, "team-a"):
            pass
        tracing.close()
        wait_until(lambda: len(lines) == 2, timeout=60, what="the line about what got lost")

    assert lines[1] == {
        "event": "traces not delivered",
        "spans_lost": 1,
        "why": "HTTP status 401",
        "log_level": "warning",
    }
    assert capfd.readouterr().err == "", "the library's own log stays silent"
    assert not logging.getLogger("opentelemetry").propagate


def test_spans_go_where_the_environment_says_and_nowhere_else(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{collector.endpoint}/v1/traces"
    with Collector(HTTPStatus.TEMPORARY_REDIRECT, Location=place) as asked:
        monkeypatch.setenv(ENDPOINT, asked.endpoint)
        tracing = start_tracing({ENDPOINT: asked.endpoint})
        assert tracing is not None
        with tracing.step(Step.RECONCILE, "team-a"):
            pass
        tracing.close()

    assert asked.spans()
    assert collector.spans() == []
