"""`duplex serve`: the engine in its own process, the application on a socket of its own.

Knows sockets, processes and options; the application itself is `runtime.webrtc.app`.
"""

import errno
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.model.weights.fetch import fetch
from runtime.cli.common import ConfigFile, ModelOptions, out, runtime_config
from runtime.cli.option_groups import with_option_groups
from runtime.cli.values import LARGEST_PORT, number
from runtime.errors import DuplexError

if TYPE_CHECKING:
    from runtime.engine.engine import EngineClient
    from runtime.engine.worker import Loader

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
    loader: "Loader | None" = None,
) -> None:
    """Load `model` in a process of its own and serve until interrupted; without a `loader` by its name or folder.

    Raises:
        ConfigError: TLS files are missing. PortInUse: the address is taken. ModelLoadError: the model cannot be loaded.
    """
    config.check_files()
    from runtime.engine.process import start_engine_process
    from runtime.engine.worker import load_model

    with listen(config.host, config.port) as listener:
        threading.Thread(target=_import_web, name="import-web", daemon=True).start()
        client = start_engine_process(model, runtime.engine, loader or load_model)
        try:
            serve_engine(client, config, runtime, listener, ready)
        finally:
            client.close()


def serve_engine(
    client: "EngineClient", config: ServeConfig, runtime: RuntimeConfig, listener: socket.socket, ready: Ready
) -> None:
    """Serve a running engine on a listening socket until interrupted; the caller closes both."""
    from runtime.clock import SystemClock
    from runtime.metrics import Metrics
    from runtime.sessions import SessionHub
    from runtime.webrtc import web_server
    from runtime.webrtc.app import create_app

    clock, metrics = SystemClock(), Metrics()
    hub = SessionHub(client, runtime, clock, metrics)
    application = create_app(config, hub, clock, metrics=metrics, page=page_folder())
    web_server.run(application, config, listener, lambda: ready(address(config, listener)))


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


def _import_web() -> None:
    """Import what serves the page while the engine loads its model; whoever needs it next is told what is missing."""
    with suppress(ImportError):
        import_module("runtime.webrtc.web_server")
        import_module("runtime.webrtc.app")


def page_folder() -> Path:
    """The page's files."""
    return Path(str(resources.files("demos"))) / "page"


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
