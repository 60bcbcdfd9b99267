"""Where traces go: off by default, on by configuration or environment, sent by a thread of its own."""

import gzip
import logging
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from configs.base import ConfigError
from configs.runtime.serve import ServeConfig
from runtime import trace_export
from runtime.clock import ManualClock
from runtime.errors import MissingPackage
from runtime.trace_export import _address, check_packages, close, make_provider, traces
from runtime.tracing import TurnTraces
from tests.runtime.test_metrics import make_row

WANTED = ServeConfig.model_validate({"trace": {"endpoint": "http://127.0.0.1:9"}})
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
ADDRESS = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


class Collector(SpanExporter):
    """Answers nobody until it is told to; notes what is exported and by which thread."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.exported = 0
        self.ended = False
        self.threads: set[int] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.threads.add(threading.get_ident())
        self.answers.wait(60)
        self.exported += 0 if self.ended else len(spans)
        return SpanExportResult.FAILURE if self.ended else SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.ended = True
        self.answers.set()


def make(config: ServeConfig, variables: dict[str, str]) -> tuple[TurnTraces, ...]:
    return traces(config, "fake", ManualClock(), variables)


def test_there_are_none_unless_they_are_wanted() -> None:
    assert make(ServeConfig(), {}) == ()
    assert make(ServeConfig(), {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}) == ()
    assert make(ServeConfig(), ADDRESS | {"OTEL_SDK_DISABLED": "true"}) == ()
    assert make(ServeConfig(), ADDRESS | {"OTEL_TRACES_EXPORTER": "none"}) == ()


@pytest.mark.parametrize(("config", "variables"), [(WANTED, {}), (ServeConfig(), ADDRESS)], ids=["file", "environment"])
def test_configuration_or_environment_switch_them_on(config: ServeConfig, variables: dict[str, str]) -> None:
    (observer,) = make(config, variables)
    assert isinstance(observer, TurnTraces)


def test_a_missing_extra_is_one_line_if_the_configuration_wants_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    with pytest.raises(MissingPackage, match=r"pip install 'duplex-voice\[otel\]'"):
        check_packages(WANTED)
    check_packages(ServeConfig())


def test_a_missing_extra_is_logged_if_the_environment_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    with caplog.at_level(logging.WARNING):
        assert make(ServeConfig(), ADDRESS) == ()
    assert "duplex-voice[otel]" in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        (None, None),
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://collector.example/own/path", "https://collector.example/own/path"),
    ],
)
def test_an_address_without_a_path_gets_that_of_traces(endpoint: str | None, address: str | None) -> None:
    assert _address(endpoint) == address


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="endpoint"):
        ServeConfig.from_mapping({"trace": {"endpoint": "127.0.0.1:4318"}}, "the file")


def test_a_collector_that_does_not_answer_holds_nobody_up_and_takes_a_bounded_queue() -> None:
    collector = Collector()
    provider = make_provider(collector, {})
    tracer = provider.get_tracer("test")
    for _ in range(5000):
        tracer.start_span("turn").end()
    collector.answers.set()
    provider.shutdown()
    assert 0 < collector.exported < 5000
    assert threading.get_ident() not in collector.threads


def test_the_end_does_not_wait_for_a_collector_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector()
    monkeypatch.setattr(trace_export, "_FAREWELL_S", 0.0)
    provider = make_provider(collector, {})
    provider.get_tracer("test").start_span("turn").end()
    close(provider, collector)
    assert collector.ended
    assert collector.exported == 0


class Receiver(BaseHTTPRequestHandler):
    """A collector's HTTP side."""

    got: queue.SimpleQueue[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.got.put((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *given: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.SimpleQueue[tuple[str, bytes]]]]:
    """A collector on this machine: its address, and the paths and bodies that it gets."""
    got: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Receiver,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_turn_arrives_at_the_collector_over_http(
    receiver: tuple[str, queue.SimpleQueue[tuple[str, bytes]]],
) -> None:
    address, got = receiver
    (observer,) = make(ServeConfig.model_validate({"trace": {"endpoint": address}}), {})
    for slot, event in enumerate(["start", "", "end", "", "", "", "", ""]):
        observer.on_delivered("0a", replace(make_row({}), slot=slot, event=event))
    observer.close()
    path, body = got.get(timeout=60)
    text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
    (resource,) = ExportTraceServiceRequest.FromString(text).resource_spans
    assert path == "/v1/traces"
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["answer", "turn"]


@pytest.mark.parametrize(("variables", "name"), [({}, "duplex"), ({"OTEL_SERVICE_NAME": "voice"}, "voice")])
def test_traces_are_those_of_a_service(variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    provider = make_provider(Collector(), variables)
    assert provider.resource.attributes["service.name"] == name
    provider.shutdown()
