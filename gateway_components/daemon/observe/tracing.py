"""Traces of reconciles by OpenTelemetry: OTLP over HTTP, from its own thread; imported only where they are wanted.

The standard variables of the environment apply (OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_BSP_*). A TRACEPARENT there, as W3C Trace Context has it, is the parent of every reconcile.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway_components.daemon.observe.telemetry import Attribute, Note, Step, Telemetry

_LAST_WORDS_SECONDS = 2.0
"""How long the end of the process waits for the last spans to be delivered."""
_SERVICE = "litellm-gateways"
_SAY_AGAIN_SECONDS = 600.0
_NO_CAUSE = "no successful response in time"


class Tracing(Telemetry):
    """Makes a span of each step, within `parent`: an empty context where none was given."""

    def __init__(self, provider: TracerProvider, parent: Context) -> None:
        self._provider = provider
        self._parent = parent
        self._tracer = provider.get_tracer(__name__)

    @contextmanager
    def step(self, step: Step, namespace: str, **attributes: Attribute) -> Iterator[Note]:
        """Make a span of a step, within the one that surrounds it."""
        with self._tracer.start_as_current_span(
            step.value,
            # Without one the tracer takes the span that is open in this task.
            context=self._parent if step is Step.RECONCILE else None,
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
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def close(self) -> None:
        """Deliver what is left, for a short while; a collector that does not answer holds up no end."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_WORDS_SECONDS)


def tracing_within(environment: Mapping[str, str]) -> Tracing:
    """Return a tracer of reconciles, which are parts of the trace that `environment` names, if any."""
    carrier = {
        name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if name in environment
    }
    return Tracing(_tracer_provider(), TraceContextTextMapPropagator().extract(carrier, Context()))


class SparinglyLogged(SpanExporter):
    """Delivers by another exporter; lost spans are a line in the log now and then, not one each."""

    def __init__(self, exporter: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._exporter = exporter
        self._clock = clock
        self._lost = 0
        self._say_from = float("-inf")
        self._log = structlog.get_logger()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Deliver spans, and say whether that worked."""
        _library_log.cause = _NO_CAUSE
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            return result
        self._lost += len(spans)
        now = self._clock()
        if now >= self._say_from:
            self._log.warning("traces not delivered", spans_lost=self._lost, why=_library_log.cause)
            self._lost, self._say_from = 0, now + _SAY_AGAIN_SECONDS
        return result

    def shutdown(self) -> None:
        """Deliver nothing more."""
        self._exporter.shutdown()


class _LibraryLog(logging.Handler):
    """Keeps of what the library logs for each batch the cause alone: its texts quote URLs, and headers with tokens."""

    cause = _NO_CAUSE

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, Exception):
                self.cause = type(argument).__name__
            elif isinstance(argument, int):
                self.cause = f"HTTP status {argument}"


_library_log = _LibraryLog()


def _tracer_provider() -> TracerProvider:
    """Return the provider for the endpoint that the environment names.

    It is not made the one of the process: Pulumi's SDK may have its own.
    """
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    library.handlers = [_library_log]
    said = OTELResourceDetector().detect()
    resource = Resource.create(dict(Resource({"service.name": _SERVICE}).merge(said).attributes))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(SparinglyLogged(OTLPSpanExporter())))
    return provider
