"""What the parts of the daemon report about their work, and where traces of it go."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from gateway_components.daemon.observe.tracing import Tracing

Attribute = str | int | bool
"""What may be noted about a step: names and numbers, never what a user wrote."""

Note = Callable[..., None]
"""Adds attributes, given by name, to the step it was handed out for."""


class ReconcileResult(StrEnum):
    """How a reconcile of a namespace ended."""

    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal_error"


class UpResult(StrEnum):
    """How an engine run ended: `FAILED` with gateways that failed, `ERROR` with nothing known about any."""

    OK = "ok"
    FAILED = "failed"
    ERROR = "error"
    INTERRUPTED = "interrupted"


class Step(StrEnum):
    """A part of the work that is timed; the others happen within a reconcile."""

    RECONCILE = "reconcile"
    SNAPSHOT = "snapshot"
    PLAN = "plan"
    ENGINE_RUN = "engine run"
    STATUSES = "statuses"


class Telemetry:
    """A listener that ignores everything; subclasses override what they record."""

    def reconciled(self, result: ReconcileResult) -> None:
        """Record that a reconcile ended."""

    def engine_ran(self, result: UpResult, seconds: float) -> None:
        """Record that an engine run ended, `seconds` after its start."""

    def taken(self, waited: float) -> None:
        """Record that a worker took a namespace, `waited` seconds after its first change."""

    def drift_corrected(self, kind: str) -> None:
        """Record that an object of `kind` was restored after others changed or deleted it."""

    def watch_restarted(self, resource: str, cause: str) -> None:
        """Record that a watch of `resource` (its name in paths) broke; `cause` has few values."""

    def leads(self, *, leader: bool) -> None:
        """Record whether this daemon leads."""

    def step(self, step: Step, namespace: str, **attributes: Attribute) -> AbstractContextManager[Note]:  # noqa: ARG002  (for those who listen)
        """Surround a step of the work on `namespace`; gives what takes further attributes."""
        return nullcontext(_ignore)


def _ignore(**_: Attribute) -> None: ...


NOBODY = Telemetry()
"""For a part that nobody listens to."""


_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def start_tracing(environment: Mapping[str, str]) -> "Tracing | None":
    """Return a tracer for the endpoint of `environment`; None where it is unset or unusable.

    Anything wrong with it is a warning in the log: no gateway has to wait for traces.
    """
    endpoint = _first(environment, _ENDPOINTS)
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if not endpoint or disabled or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    log = structlog.get_logger()
    if not endpoint.startswith(("http://", "https://")):
        log.warning(
            "no traces", why="the endpoint must begin with http:// or https://", variable=_ENDPOINTS[1]
        )
        return None
    protocol = _first(environment, _PROTOCOLS) or _PROTOCOL
    if protocol != _PROTOCOL:
        log.warning("trace protocol not supported", wanted=protocol, used=_PROTOCOL)
    # Its modules cost time and memory.
    from gateway_components.daemon.observe.tracing import tracing_within  # noqa: PLC0415

    try:
        tracing = tracing_within(environment)
    except Exception as error:  # noqa: BLE001  (each variable that the library reads can be wrong in its own way)
        log.warning("no traces", why=type(error).__name__, cure="check the OTEL_ variables")
        return None
    log.info("tracing")
    return tracing


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
