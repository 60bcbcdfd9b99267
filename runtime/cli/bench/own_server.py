"""A server in processes of its own, as for users, that a benchmark starts and ends."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from configs.model.language_models import LanguageModelConfig
from configs.runtime.runtime import EngineConfig, RecordingConfig, RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.model.language_models.description import describe_config
from duplex.model.language_models.interface import LlmError
from runtime.cli.serve import serve
from runtime.engine.worker import Loader, load_model
from runtime.errors import EngineError
from runtime.records import EngineInfo
from runtime.webrtc.web_process import WEB

_START_S = 300.0
_STOP_S = 20.0


@dataclass(frozen=True)
class RunningServer:
    """A server that was started here: its address, what its engine runs, and the ids of its processes.

    `server_pid` is the main process, which has the media; `web_pid` that of HTTP.
    """

    url: str
    info: EngineInfo
    server_pid: int
    engine_pid: int
    web_pid: int

    @property
    def llm(self) -> dict[str, Any] | None:
        """The language model, as reports name it."""
        if self.info.llm is None:
            return None
        return describe_config(LanguageModelConfig.from_mapping(self.info.llm, "llm"), self.info.llm_fingerprint)


@contextmanager
def start_server(model: str, clients: int, loader: Loader = load_model) -> Iterator[RunningServer]:
    """Start a server with room for `clients` in processes of its own.

    Raises:
        EngineError: the server does not start. LlmError: its language model cannot be used.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with TemporaryDirectory() as folder:
        process = context.Process(target=_serve, args=(theirs, model, clients, Path(folder), loader))
        process.start()
        theirs.close()
        try:
            yield _await_server(ours)
        finally:
            if process.pid and process.is_alive():
                os.kill(process.pid, signal.SIGINT)
            process.join(_STOP_S)
            if process.is_alive():
                process.kill()


def _serve(
    pipe: "Connection[RunningServer, RunningServer]", model: str, clients: int, folder: Path, loader: Loader
) -> None:
    """Main function of the server's process."""
    runtime = RuntimeConfig(engine=EngineConfig(max_sessions=clients), recording=RecordingConfig(folder=folder))
    infos: list[EngineInfo] = []

    def tell(url: str) -> None:
        (web,) = [
            child.pid for child in multiprocessing.active_children() if child.name == WEB and child.pid is not None
        ]
        pipe.send(RunningServer(url, infos[0], os.getpid(), infos[0].pid, web))

    with suppress(KeyboardInterrupt):
        serve(model, ServeConfig(port=0), runtime, tell, loader, infos.append)


def _await_server(pipe: "Connection[RunningServer, RunningServer]") -> RunningServer:
    try:
        server = pipe.recv() if pipe.poll(_START_S) else None
    except EOFError:
        server = None
    if server is None:
        raise EngineError("the server did not start; run duplex serve to see why")
    if server.info.llm_missing:
        raise LlmError(server.info.llm_missing)
    return server
