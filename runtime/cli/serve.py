"""`duplex serve`: the engine in its own process, the application on a socket of its own.

Knows sockets, processes and options; the application itself is `runtime.webrtc.app`.
"""

import errno
import socket
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
import uvicorn
from fastapi import FastAPI

from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.model.weights.fetch import fetch
from runtime.cli.common import ConfigFile, ModelOptions, out, runtime_config
from runtime.cli.option_groups import with_option_groups
from runtime.cli.values import LARGEST_PORT, number
from runtime.clock import SystemClock
from runtime.engine.engine import EngineClient
from runtime.engine.process import start_engine_process
from runtime.engine.worker import Loader, load_model, settle_heap
from runtime.errors import DuplexError
from runtime.metrics import Metrics
from runtime.sessions import SessionHub
from runtime.webrtc.app import create_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MOST_SESSIONS = 4096
_DEFAULTS = ServeConfig()
Ready = Callable[[str], None]
"""Called with the page's address when clients can come."""


class PortInUse(DuplexError):  # noqa: N818 - reads as what it is
    """Nobody can listen at the wanted address."""

    code = "port_in_use"


def serve(
    model: str,
    config: ServeConfig,
    runtime: RuntimeConfig,
    ready: Ready = lambda url: None,
    loader: Loader = load_model,
) -> None:
    """Load `model` in a process of its own and serve until interrupted.

    Raises:
        ConfigError: TLS files are missing. PortInUse: the address is taken. ModelLoadError: the model cannot be loaded.
    """
    config.check_files()
    with listen(config.host, config.port) as listener:
        client = start_engine_process(model, runtime.engine, loader)
        try:
            serve_engine(client, config, runtime, listener, ready)
        finally:
            client.close()


def serve_engine(
    client: EngineClient, config: ServeConfig, runtime: RuntimeConfig, listener: socket.socket, ready: Ready
) -> None:
    """Serve a running engine on a listening socket until interrupted; the caller closes both."""
    clock, metrics = SystemClock(), Metrics()
    hub = SessionHub(client, runtime, clock, metrics)
    application = create_app(config, hub, clock, metrics=metrics, page=page_folder())
    _Server(_uvicorn_config(application, config), lambda: ready(address(config, listener))).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the address, before anything heavy is loaded; early clients wait.

    Raises:
        PortInUse: the address is taken, not ours or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else str(error)
        raise PortInUse(f"cannot listen on {host}:{port}: {why}; choose another one with --port") from None
    return listener


def address(config: ServeConfig, listener: socket.socket) -> str:
    """Where a browser finds the page, with the token where one is needed."""
    scheme = "https" if config.certfile else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    query = f"/?token={quote(config.token, safe='')}" if config.token else ""
    return f"{scheme}://{host}:{listener.getsockname()[1]}{query}"


def page_folder() -> Path:
    """The page's files."""
    return Path(str(resources.files("demos"))) / "page"


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            settle_heap()
            self._ready()


def _uvicorn_config(app: FastAPI, config: ServeConfig) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=2,
        ssl_certfile=config.certfile,
        ssl_keyfile=config.keyfile,
    )


@app.command()
@with_option_groups
def command(
    chosen: ModelOptions,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs --token.")
    ] = _DEFAULTS.host,
    port: Annotated[int, number(0, LARGEST_PORT, "Port of the page; 0 takes a free one.", whole=True)] = _DEFAULTS.port,
    token: Annotated[str | None, typer.Option(help="Word that clients have to give.", envvar="DUPLEX_TOKEN")] = None,
    certfile: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="TLS key (PEM).")] = None,
    sessions: Annotated[
        int | None, number(1, MOST_SESSIONS, "Conversations at once; one more is refused.", whole=True)
    ] = None,
    recordings: Annotated[Path | None, typer.Option(help="Folder for recordings, logs and transcripts.")] = None,
    record: Annotated[bool, typer.Option(help="Keep what is said on disk.")] = True,
    config: ConfigFile = None,
) -> None:
    """Serve the page: talk to the model in the browser."""
    values = {"host": host, "port": port, "token": token, "certfile": certfile, "keyfile": keyfile}
    network = ServeConfig.from_mapping(values, "serve")
    runtime = _with_options(runtime_config(config), sessions, recordings, record)
    fetch(chosen.model, chosen.changes)
    out().print(f"Loading {chosen.model} ...")
    serve(chosen.model, network, runtime, _tell, chosen.loader)


def _with_options(runtime: RuntimeConfig, sessions: int | None, recordings: Path | None, record: bool) -> RuntimeConfig:
    """The configuration with the command line's values over the file's."""
    engine: dict[str, Any] = {} if sessions is None else {"max_sessions": sessions}
    recording: dict[str, Any] = {} if recordings is None else {"folder": recordings}
    if not record:
        recording["enabled"] = False
    changed = {
        "engine": runtime.engine.model_copy(update=engine),
        "recording": runtime.recording.model_copy(update=recording),
    }
    return runtime.model_copy(update=changed)


def _tell(url: str) -> None:
    out().print(f"Duplex is ready: open {url} and press Start talking. Ctrl-C ends it.", style="bold")
