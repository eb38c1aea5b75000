"""How spans leave the daemon: OTLP over HTTP, from a thread of its own; imported only where traces are wanted."""

import logging
import time
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

__all__ = ["SparinglyLogged", "tracer_provider"]

_SERVICE = "litellm-gateways"
_SAY_AGAIN_SECONDS = 600.0
_NO_CAUSE = "no good answer in time"


class SparinglyLogged(SpanExporter):
    """Delivers by another exporter; spans that get lost are a line in the log now and then, not one each.

    Parameters
    ----------
    exporter
        Delivers.
    clock
        Seconds, monotonic.
    """

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
            self._log.warning("traces are not delivered", spans_lost=self._lost, why=_library_log.cause)
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


def tracer_provider() -> TracerProvider:
    """Return what makes spans and delivers them to the endpoint that the environment names.

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
