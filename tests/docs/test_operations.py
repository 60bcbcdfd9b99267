"""The files for operators fit the server: names of metrics, keys, options, times."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from configs.base import parse_yaml
from configs.layers import build, environment_layer, file_layer
from configs.runtime.ice import IceConfig
from configs.runtime.server import ServerConfig
from runtime.metrics import Metrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "operations"
TOKEN = {"DUPLEX_SERVE__TOKEN": "sixteen-letters-"}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds")
"""Names of prometheus_client, which has them on Linux only."""


def exposed() -> dict[str, tuple[str, ...]]:
    """Every series that a server exposes, with its labels."""
    families = Metrics().registry._names_to_collectors.items()
    kinds = {name: collector for name, collector in families if hasattr(collector, "_type")}
    return {
        name: collector._labelnames
        for name, collector in kinds.items()
        if any(name.endswith(suffix) for suffix in SUFFIXES[collector._type])
    }


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_metric_of_the_dashboard_exists() -> None:
    known = {*exposed(), *PROCESS}
    used = {name for text in expressions() for name in re.findall(r"\b(?:duplex|process)_\w+", text)}
    assert used - known == set()


def test_every_metric_is_on_the_dashboard() -> None:
    used = {family(name) for text in expressions() for name in re.findall(r"\bduplex_\w+", text)}
    assert {family(name) for name in exposed()} - used == set()


def family(name: str) -> str:
    """The metric of a series."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_every_label_of_the_dashboard_exists() -> None:
    series = exposed()
    for text in expressions():
        labels = {label for name in re.findall(r"duplex_\w+", text) for label in series[name]} | {"le"}
        grouped = re.findall(r"by \(([\w, ]+)\)", text)
        assert {label.strip() for group in grouped for label in group.split(",")} <= labels, text


def test_the_page_explains_every_metric_and_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(duplex_\w+)[`{]", text))
    assert named == {family(name) for name in exposed()}


def test_the_example_is_a_configuration() -> None:
    layers = [file_layer(FOLDER / "duplex.yaml"), environment_layer(ServerConfig, TOKEN)]
    config = build(ServerConfig, layers)
    assert (config.recording.keep_days, config.recording.max_total_gb) == (30, 100)


def test_the_page_tells_how_stun_and_turn_are_configured() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "ice:" in block)
    ice = ServerConfig.from_mapping(parse_yaml(example), "the page").serve.ice
    assert [server.relays for server in ice.servers] == [False, True]
    assert ice.secret_file is not None
    assert {key for key in IceConfig.model_fields if f"`{key}`" not in text} == set()


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(FOLDER / "duplex.service")
    return parser


def test_the_unit_leaves_running_conversations_time_and_their_engine() -> None:
    service = unit()["Service"]
    drain_s = build(
        ServerConfig, [file_layer(FOLDER / "duplex.yaml"), environment_layer(ServerConfig, TOKEN)]
    ).serve.drain_s
    assert float(service["TimeoutStopSec"]) >= drain_s + 10
    assert service["KillMode"] == "mixed"


def test_the_variables_of_unit_and_container_are_known() -> None:
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("duplex.service", "Containerfile"))
    variables = dict(re.findall(r"(DUPLEX_\w+__\w+)=(\S+)", text))
    config = build(ServerConfig, [environment_layer(ServerConfig, variables | TOKEN)])
    assert len(variables) == 2
    assert config.recording.folder.name == "conversations"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (FOLDER / "duplex.service").read_text(encoding="utf-8")
    path = tmp_path / "duplex.service"
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    assert "duplex.service" not in done.stderr, done.stderr


def builder() -> str | None:
    """A program that can build containers now."""
    found: Any = [name for name in ("podman", "docker") if shutil.which(name)]
    return next((name for name in found if _works(name)), None)


def _works(name: str) -> bool:
    try:
        return subprocess.run([name, "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def test_the_container_copies_what_exists() -> None:
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for name in line.split()]
    assert {"pyproject.toml", "configs", "tdm", "duplex", "runtime", "demos", "locks", "scripts"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)


def test_the_container_can_be_built() -> None:
    program = builder()
    if program is None:
        pytest.skip("neither podman nor docker runs here")
    command = [program, "build", "-q", "-f", FOLDER / "Containerfile", "-t", "duplex-test", ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    served = subprocess.run(
        [program, "run", "--rm", "duplex-test", "--help"], capture_output=True, text=True, check=False
    )
    assert "--print-config" in served.stdout
