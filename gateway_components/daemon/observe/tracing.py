"""Traces of passes by OpenTelemetry, where an endpoint is set; its modules are loaded only then.

The standard variables of the environment apply (OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_BSP_*). A TRACEPARENT there, as W3C Trace Context has it, is the parent of every pass.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from gateway_components.daemon.observe.telemetry import Attribute, Note, Step, Telemetry

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["Tracing", "start_tracing"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_LAST_WORDS_SECONDS = 2.0
"""How long the end of the process waits for the last spans to be delivered."""


class Tracing(Telemetry):
    """Makes a span of each step.

    Parameters
    ----------
    provider
        Makes and delivers spans.
    parent
        What every pass is a part of; an empty context for passes that stand alone.
    """

    def __init__(self, provider: "TracerProvider", parent: "Context") -> None:
        # Loaded by now: whoever has a provider has its modules.
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self._provider = provider
        self._parent = parent
        self._tracer = provider.get_tracer(__name__)
        self._error = StatusCode.ERROR

    @contextmanager
    def step(self, step: Step, namespace: str, **attributes: Attribute) -> Iterator[Note]:
        """Make a span of a step, within the one that surrounds it."""
        with self._tracer.start_as_current_span(
            step.value,
            # Without one the tracer takes the span that is open in this task.
            context=self._parent if step is Step.PASS else None,
            attributes={"k8s.namespace.name": namespace, **attributes},
            # The text of an exception may quote what users wrote.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def note(**further: Attribute) -> None:
                span.set_attributes(further)

            try:
                yield note
            except BaseException as error:
                span.set_status(self._error, type(error).__name__)
                raise

    def close(self) -> None:
        """Deliver what is left, for a short while; a collector that does not answer holds up no end."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_WORDS_SECONDS)


def start_tracing(environment: Mapping[str, str]) -> Tracing | None:
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
        log.warning("traces are sent in another protocol", wanted=protocol, used=_PROTOCOL)
    from opentelemetry.context import Context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    from gateway_components.daemon.observe.delivery import tracer_provider  # noqa: PLC0415

    try:
        provider = tracer_provider()
    except Exception as error:  # noqa: BLE001  (each variable that the library reads can be wrong in its own way)
        log.warning("no traces", why=type(error).__name__, cure="look at the OTEL_ variables")
        return None
    carrier = {
        name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if name in environment
    }
    log.info("tracing")
    return Tracing(provider, TraceContextTextMapPropagator().extract(carrier, Context()))


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
