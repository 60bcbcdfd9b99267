"""Where traces go: off by default, on by configuration or environment, sent by a thread of its own."""

import logging
import sys
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from configs.base import ConfigError
from configs.runtime.serve import ServeConfig
from runtime.clock import ManualClock
from runtime.errors import MissingPackage
from runtime.trace_export import _address, check_packages, make_provider, traces
from runtime.tracing import TurnTraces

WANTED = ServeConfig.model_validate({"trace": {"endpoint": "http://127.0.0.1:9"}})
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
ADDRESS = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


class Collector(SpanExporter):
    """Answers nobody until it is told to; notes what is exported and by which thread."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.exported = 0
        self.threads: set[int] = set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.threads.add(threading.get_ident())
        self.answers.wait(60)
        self.exported += len(spans)
        return SpanExportResult.SUCCESS


def make(config: ServeConfig, variables: dict[str, str]) -> tuple[object, ...]:
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


@pytest.mark.parametrize(("variables", "name"), [({}, "duplex"), ({"OTEL_SERVICE_NAME": "voice"}, "voice")])
def test_traces_are_those_of_a_service(variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    provider = make_provider(Collector(), variables)
    assert provider.resource.attributes["service.name"] == name
    provider.shutdown()
