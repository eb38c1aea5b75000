"""The metrics of the daemon, by `prometheus_client` with a registry of their own."""

import collections
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics import Counter, Gauge, Histogram, Info
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from gateway_components.api.kinds import GATEWAY_KINDS, READY, TOOL_ROUTE
from gateway_components.daemon.observe.telemetry import ReconcileResult, Telemetry, UpResult
from gateway_components.identity import Identity
from gateway_components.kube.projector import ObjectName
from gateway_components.plan.claims import claims
from gateway_components.plan.references import gateway_of_route

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""Media type of what `Metrics.text` returns."""

ConditionCounts = Mapping[tuple[str, str, str], int]
"""Numbers of gateways and routes by kind, type of condition and its status."""

_NAMESPACE = "litellm_gateways"
_PACKAGE = "gateway-components"
_ROUTE = TOOL_ROUTE.kind
_UP_SECONDS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_WAIT_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics(Telemetry):
    """Counts what is reported, and reads the depth of the queue and the conditions at each scrape."""

    def __init__(self, queue_depth: Callable[[], int], conditions: Callable[[], ConditionCounts]) -> None:
        # The start of the process has a series of its own.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has gaps
        registry = self._registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": _NAMESPACE, "registry": registry}
        self._reconciles = Counter("reconciles", "Reconciles of a namespace", ("result",), **common)
        self._ups = Counter("ups", "Runs of the engine", ("result",), **common)
        for passed in ReconcileResult:
            self._reconciles.labels(passed)
        for ran in UpResult:
            self._ups.labels(ran)
        lasted = "Duration of engine runs"
        self._up_seconds = Histogram("up_duration_seconds", lasted, buckets=_UP_SECONDS, **common)
        waited = "Time from the first change of a namespace until a worker takes it"
        self._wait_seconds = Histogram("queue_wait_seconds", waited, buckets=_WAIT_SECONDS, **common)
        drifted = "Objects corrected after others changed or deleted them"
        self._drift = Counter("drift_corrected", drifted, ("kind",), **common)
        broken = "Watches that broke and were restarted"
        self._restarts = Counter("watch_restarts", broken, ("resource", "cause"), **common)
        self._leader = Gauge("leader", "Whether this daemon is the leader", **common)
        Gauge("queue_depth", "Namespaces waiting for a worker", **common).set_function(queue_depth)
        Info("build", "What runs here", **common).info(
            {"version": _version(), "python": platform.python_version()}
        )
        registry.register(_Conditions(conditions))
        ProcessCollector(registry=registry)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def reconciled(self, result: ReconcileResult) -> None:
        """Count a reconcile."""
        self._reconciles.labels(result).inc()

    def engine_ran(self, result: UpResult, seconds: float) -> None:
        """Count an engine run and its duration."""
        self._ups.labels(result).inc()
        self._up_seconds.observe(seconds)

    def taken(self, waited: float) -> None:
        """Note how long a namespace waited."""
        self._wait_seconds.observe(waited)

    def drift_corrected(self, kind: str) -> None:
        """Count an object that was restored."""
        self._drift.labels(kind).inc()

    def watch_restarted(self, resource: str, cause: str) -> None:
        """Count a watch that broke."""
        self._restarts.labels(resource, cause).inc()

    def leads(self, *, leader: bool) -> None:
        """Record whether this daemon leads."""
        self._leader.set(int(leader))


class _Conditions(Collector):
    """Counts gateways and routes at each scrape; nothing is kept that could go stale."""

    def __init__(self, counts: Callable[[], ConditionCounts]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ("kind", "condition", "status")
        gateways = GaugeMetricFamily(f"{_NAMESPACE}_gateways", "Gateways by condition", labels=labels)
        routes = GaugeMetricFamily(f"{_NAMESPACE}_routes", "Routes by condition", labels=labels[1:])
        for (kind, condition, status), number in sorted(self._counts().items()):
            if kind == _ROUTE:
                routes.add_metric((condition, status), number)
            else:
                gateways.add_metric((kind, condition, status), number)
        yield gateways
        yield routes


def _version() -> str:
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


_UNKNOWN = "Unknown"


def count_conditions(
    objects: Callable[[str], Mapping[ObjectName, Any]],
) -> collections.Counter[tuple[str, str, str]]:
    """Count our gateways and routes by kind, type of condition and status, given the objects of a kind by name.

    One that has no such condition yet counts as ``Unknown``.
    """
    counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    ours: set[Identity] = set()
    for kind in GATEWAY_KINDS.values():
        claimed: dict[str | None, bool] = {}
        classes = [known for known in objects(kind.class_kind).values() if known]
        for name, state in objects(kind.kind).items():
            of_class = state.model.spec.class_name if state.model else kind.class_of(state.raw)
            if of_class not in claimed:
                claimed[of_class] = claims(kind, of_class, classes)
            if claimed[of_class]:
                ours.add(Identity(kind.kind, *name))
                for condition in (kind.configured, kind.ready):
                    counts[kind.kind, condition, state.statuses.get(condition, _UNKNOWN)] += 1
    for state in objects(_ROUTE).values():
        # One whose gateway does not exist is known by the status that we wrote.
        if "conditions" in state.owned or (state.model and gateway_of_route(state.model) in ours):
            counts[_ROUTE, READY, state.statuses.get(READY, _UNKNOWN)] += 1
    return counts
