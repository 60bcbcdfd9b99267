"""Sends traces to an OpenTelemetry collector: over HTTP, in a thread of OpenTelemetry's own, never by the caller.

Needs the extra `otel`. Nothing here depends on what is traced.
"""

import logging
import os
import threading
from collections.abc import Mapping
from functools import partial
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from configs.runtime.serve import ServeConfig
from runtime.clock import Clock
from runtime.errors import MissingPackage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from runtime.tracing import TurnTraces

logger = logging.getLogger(__name__)
_ADDRESSES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PATH: Final = "/v1/traces"
_SERVICE: Final = "duplex"
_TIMEOUT_S: Final = 5.0
_FAREWELL_S: Final = 2.0
"""How long the server's end waits for a collector to take the last traces."""
_MISSING: Final = "traces need packages that are not installed; get them with: pip install 'duplex-voice[otel]'"


def traces(
    config: ServeConfig, model: str, clock: Clock, variables: Mapping[str, str] = os.environ
) -> "tuple[TurnTraces, ...]":
    """The observer that traces the turns of conversations, if the configuration or the environment wants it; the caller
    closes it.

    Args:
        config: where to, and whether traces may quote. model: its name. clock: the sessions'. variables: of the
            environment.

    Raises:
        MissingPackage: `serve.trace.endpoint` is set and the extra `otel` is not installed. A wish of the environment
            is only logged then, because it may be meant for other programs.
    """
    if not _is_wanted(config, variables):
        return ()
    check_packages(config)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        from runtime.tracing import TurnTraces

        exporter = OTLPSpanExporter(endpoint=_address(config.trace.endpoint), timeout=_TIMEOUT_S)
        provider = make_provider(exporter, variables)
    except ImportError:
        logger.warning("%s", _MISSING)
        return ()
    tracer, end = provider.get_tracer(_SERVICE), partial(close, provider, exporter)
    return (TurnTraces(tracer, model, clock, quotes=config.log.quotes, end=end),)


def check_packages(config: ServeConfig) -> None:
    """Check that traces can be sent, if the configuration wants it.

    Raises:
        MissingPackage: the extra `otel` is not installed.
    """
    if not config.trace.endpoint:
        return
    try:
        import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        raise MissingPackage(_MISSING) from None


def make_provider(exporter: "SpanExporter", variables: Mapping[str, str]) -> "TracerProvider":
    """What hands spans to `exporter` in a thread of its own; what does not fit into its queue is dropped."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = {} if "OTEL_SERVICE_NAME" in variables else {"service.name": _SERVICE}
    resource = Resource.create({**name, "service.version": metadata.version("duplex-voice")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def close(provider: "TracerProvider", exporter: "SpanExporter") -> None:
    """Send what waits, but for a short time only: a collector that is gone would be tried for longer."""
    late = threading.Timer(_FAREWELL_S, exporter.shutdown)
    late.start()
    provider.shutdown()
    late.cancel()


def _is_wanted(config: ServeConfig, variables: Mapping[str, str]) -> bool:
    off = variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none"
    return bool(config.trace.endpoint) or (not off and any(variables.get(name) for name in _ADDRESSES))


def _address(endpoint: str | None) -> str | None:
    """The address for traces; None leaves it to the environment."""
    if endpoint is None or urlsplit(endpoint).path.strip("/"):
        return endpoint
    return endpoint.rstrip("/") + _PATH
