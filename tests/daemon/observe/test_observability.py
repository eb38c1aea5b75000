"""A daemon watched from outside: its probes before and after the CRDs are there, its numbers, and its traces.

It lives through the tests of this module in their order, on a control plane that begins without the CRDs.
"""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway_components.daemon.run import Exit
from lab import ControlPlane, wait_until
from tests.daemon.collector import Collector, attributes
from tests.daemon.conftest import DEPLOY
from tests.daemon.crds import install_crds
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway, secret, tool_gateway, tool_route
from tests.daemon.scrape import Scrape

SECRET = "sk-never-to-be-seen"


HANGING = """
import asyncio
from gateway_components.cli.main import main
from gateway_components.daemon.watch import view
from gateway_components.daemon.observe import health

async def hang(*_):
    await asyncio.Event().wait()

view.ClusterView.snapshot = hang
health._MARGIN_SECONDS = 0.0
main()
"""


def get(daemon: Daemon, path: str) -> tuple[int, str]:
    port = daemon.wait_for("serving health and metrics")["port"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(daemon: Daemon) -> Scrape:
    return Scrape(get(daemon, "/metrics")[1])


@dataclass(frozen=True)
class Observed:
    """A daemon with all that watches it, and what its probes said while there were no CRDs."""

    lab: ControlPlane
    daemon: Daemon
    collector: Collector
    namespace: Namespace
    healthy_before: tuple[int, str]
    ready_before: tuple[int, str]


@pytest.fixture(scope="module")
def observed(bare_lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    lab = bare_lab
    with Collector() as collector, pytest.MonkeyPatch.context() as environment:
        lab.kubectl("create", "namespace", "watched")
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        folder = tmp_path_factory.mktemp("daemon")
        settings = folder / "settings.yaml"
        settings.write_text("http_port: 0\n")
        with Daemon(lab, folder, "--settings", str(settings)) as daemon:
            daemon.wait_for("watch broken", resource="aigateways")
            before = get(daemon, "/healthz"), get(daemon, "/readyz")
            install_crds(lab)
            lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
            wait_until(lambda: get(daemon, "/readyz")[0] == 200, timeout=SECONDS, what="a ready daemon")
            yield Observed(lab, daemon, collector, Namespace(lab, "watched"), *before)


def test_without_crds_it_lives_and_says_what_it_waits_for(observed: Observed) -> None:
    assert observed.healthy_before == (200, "ok\n")
    status, text = observed.ready_before
    assert status == 503
    assert "aigateways: " in text
    assert "kubectl apply --server-side -f deploy/crds" in text
    assert scrape(observed.daemon).value("watch_restarts_total", resource="aigateways", cause="absent") >= 1


def test_the_numbers_follow_what_happens(observed: Observed) -> None:
    daemon, namespace = observed.daemon, observed.namespace
    start = scrape(daemon)
    assert (start.value("leader"), start.value("gateways")) == (1, 0)

    namespace.apply(gateway("first"), tool_gateway("tools"), tool_route("route", "tools"))
    namespace.wait_ready("first")
    namespace.wait_route("route", "Reconciled")
    namespace.wait_ready("tools", "ToolGateway")
    created = wait_scrape(
        daemon, "gateways", 2, condition="AiGatewayReady", status="True", add="ToolGatewayReady"
    )
    assert created.value("ups_total", result="ok") > start.value("ups_total", result="ok")
    # A reconcile is counted when it has ended, and its last status was written before.
    wait_until(
        lambda: (
            scrape(daemon).value("reconciles_total", result="ok")
            > start.value("reconciles_total", result="ok")
        ),
        timeout=SECONDS,
        what="a reconcile that ended well",
    )
    assert created.value("routes", condition="Ready", status="True") == 1
    runs = created.value("up_duration_seconds_count")
    assert runs == created.value("ups_total"), "each run has its duration"
    assert created.value("up_duration_seconds_sum") > 0.1 * runs
    assert created.value("queue_wait_seconds_count") > start.value("queue_wait_seconds_count")

    namespace.apply(gateway("first", "gpt-4o-mini"))
    namespace.wait_config("first", "gpt-4o-mini")
    edited = wait_scrape(daemon, "ups_total", created.value("ups_total") + 1)
    assert edited.value("ups_total", result="failed") == 0

    namespace.apply(gateway("has.dots"))
    namespace.wait_reason("has.dots", "ServiceFailed")
    failed = wait_scrape(daemon, "gateways", 1, condition="AiGatewayConfigured", status="False")
    assert failed.value("ups_total", result="failed") >= 1
    namespace.delete("AiGateway", "has.dots")
    wait_scrape(daemon, "gateways", 0, condition="AiGatewayConfigured", status="False")

    namespace.delete("Service", "first")
    wait_scrape(daemon, "drift_corrected_total", 1, kind="Service")
    wait_scrape(daemon, "queue_depth", 0)


def wait_scrape(daemon: Daemon, name: str, value: float, *, add: str = "", **labels: str) -> Scrape:
    """Wait until a metric has a value, that of another condition added where one is named; return the scrape."""
    found: list[Scrape] = []

    def met() -> bool:
        found[:] = [scrape(daemon)]
        more = found[0].value(name, **{**labels, "condition": add}) if add else 0
        return found[0].value(name, **labels) + more == value

    try:
        wait_until(met, timeout=SECONDS, what=f"{name} {labels} at {value}")
    except TimeoutError as error:
        error.add_note(found[0].text)
        raise
    return found[0]


def test_a_reconcile_is_a_tree_of_spans_without_user_content(observed: Observed) -> None:
    namespace, collector = observed.namespace, observed.collector
    namespace.apply(secret("api-key-secrets", OPENAI_API_KEY=SECRET))
    namespace.apply(gateway("traced", "a-model-by-name", env=[{"name": "NAME", "value": SECRET}]))
    namespace.wait_ready("traced")

    def with_run() -> list[Span]:
        parents = [span.parent_span_id for span in collector.spans() if span.name == "engine run"]
        return [span for span in collector.spans() if span.span_id in parents]

    first = wait_until(with_run, timeout=SECONDS, what="the spans of a reconcile with a run")[-1]
    steps = collector.children(first)
    assert first.name == "reconcile"
    assert not first.parent_span_id
    assert attributes(first)["k8s.namespace.name"] == namespace.name
    assert [span.name for span in steps] == ["snapshot", "plan", "statuses", "engine run", "statuses"]
    run = steps[3]
    assert {"gateways", "refresh", "failed"} <= attributes(run).keys()
    assert all(first.start_time_unix_nano <= span.start_time_unix_nano for span in steps)
    assert all(span.end_time_unix_nano <= first.end_time_unix_nano for span in steps)
    assert collector.services() == {"litellm-gateways"}, (
        "the engine, which sees the same variables, adds nothing"
    )
    for private in (SECRET, "a-model-by-name", "model_list"):
        assert private not in collector.text()
    assert SECRET not in scrape(observed.daemon).text


def test_a_standby_is_ready_and_shows_that_it_does_not_lead(observed: Observed, tmp_path: Path) -> None:
    with Daemon(observed.lab, tmp_path, "--http-port", "0") as standby:
        standby.wait_for("standing by")
        wait_until(lambda: get(standby, "/readyz")[0] == 200, timeout=SECONDS, what="a ready standby")

        assert get(standby, "/healthz") == (200, "ok\n")
        assert scrape(standby).value("leader") == 0
        assert scrape(observed.daemon).value("leader") == 1


def test_a_worker_that_hangs_turns_the_probe_red(observed: Observed, tmp_path: Path) -> None:
    observed.namespace.apply(gateway("stuck"))
    # It hangs before it acts, so it needs no Lease.
    options = ("--no-leader-election", "--http-port", "0", "--engine-seconds", "1", "--stop-seconds", "0")
    with Daemon(observed.lab, tmp_path, *options, program=(sys.executable, "-c", HANGING)) as hanging:
        wait_until(lambda: get(hanging, "/healthz")[0] == 500, timeout=SECONDS, what="a red probe")

        said = get(hanging, "/healthz")[1]
        assert f"the reconcile of namespace {observed.namespace.name} has been stuck in step snapshot" in said
        assert get(hanging, "/readyz")[0] == 503
    assert get(observed.daemon, "/healthz") == (200, "ok\n")


def test_a_port_in_use_is_reported_in_one_line(observed: Observed, tmp_path: Path) -> None:
    port = str(observed.daemon.wait_for("serving health and metrics")["port"])
    with Daemon(observed.lab, tmp_path, "--http-port", port) as second:
        assert second.process.wait(SECONDS) == Exit.BAD_SETTINGS
        assert f"port {port}" in second.events("cannot run")[0]["error"]


def test_a_collector_that_is_gone_disturbs_no_pass(observed: Observed) -> None:
    observed.collector.stop()
    for name in ("untraced", "untraced-too"):
        observed.namespace.apply(gateway(name))
        observed.namespace.wait_ready(name)

    observed.daemon.wait_for("traces not delivered")
    assert len(observed.daemon.events("traces not delivered")) == 1
    assert "Traceback" not in observed.daemon.text()
    assert observed.daemon.stop(seconds=20) == Exit.STOPPED, "nor does it hold up the end"
