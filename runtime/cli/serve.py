"""`duplex serve`: runs the engine in a process of its own and serves the application on a socket.

This module handles sockets, processes and options; the application itself is `runtime.webrtc.app`.
"""

import errno
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urldefrag, urlsplit

import typer

from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.model.weights.fetch import fetch
from runtime.cli.common import ConfigFile, ModelOptions, out, runtime_config
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file
from runtime.cli.token_file import choose_token
from runtime.cli.values import LARGEST_PORT, number
from runtime.errors import DuplexError
from runtime.session.disk import check_folder
from runtime.webrtc.page_addresses import EVERY_ADDRESS, interface_addresses, page_urls, reachable

if TYPE_CHECKING:
    from runtime.engine.client import EngineClient
    from runtime.engine.worker import Loader
    from runtime.records import EngineInfo

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MOST_SESSIONS = 4096
_DEFAULTS = ServeConfig()
OnReady = Callable[[str], None]
"""Called with the page's address when clients can connect."""
OnLoaded = Callable[["EngineInfo"], None]
"""Called with what the engine runs when its model is loaded."""


class PortInUse(DuplexError):  # noqa: N818 - reads as what it is
    """The wanted address cannot be listened on."""

    code = "port_in_use"


def serve(
    model: str,
    config: ServeConfig,
    runtime: RuntimeConfig,
    ready: OnReady = lambda url: None,
    loader: "Loader | None" = None,
    loaded: OnLoaded = lambda info: None,
) -> None:
    """Load `model` in a process of its own (without a `loader`: by its name or folder) and serve until interrupted.

    Raises:
        ConfigError, DiskFull: see `prepare`. PortInUse: the address is taken. ModelLoadError: the model cannot be
            loaded.
    """
    from runtime.engine.process import start_engine_process
    from runtime.engine.worker import load_model

    config = prepare(config, runtime)
    with listen(config.host, config.port) as listener:
        threading.Thread(target=_import_web, name="import-web", daemon=True).start()
        client = start_engine_process(model, runtime.engine, loader or load_model)
        try:
            loaded(client.info)
            serve_engine(client, config, runtime, listener, ready)
        finally:
            client.close()


def prepare(config: ServeConfig, runtime: RuntimeConfig) -> ServeConfig:
    """Check what can be checked before anything heavy is loaded, and make the requested certificate.

    Raises:
        ConfigError: the TLS files or the recordings folder cannot be used. DiskFull: there is no room for recordings.
    """
    from runtime.webrtc.self_signed import make_certificate
    from runtime.webrtc.tls import check_tls

    check_folder(runtime.recording)
    if config.self_signed:
        files = make_certificate(config.cert_folder.expanduser(), reachable(config.host, interface_addresses()))
        config = config.model_copy(update=dict(zip(("certfile", "keyfile"), files, strict=True)))
    if config.certfile and config.keyfile:
        check_tls(config.certfile, config.keyfile)
    return config


def serve_engine(
    client: "EngineClient", config: ServeConfig, runtime: RuntimeConfig, listener: socket.socket, ready: OnReady
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
    """Open a socket that listens at the address before anything heavy is loaded; early clients wait.

    Raises:
        PortInUse: the address is taken, does not belong to this machine, or is not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's delay off (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if host == EVERY_ADDRESS and socket.has_dualstack_ipv6():
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, UnicodeError) as error:
        listener.close()
        raise PortInUse(f"cannot listen on {host}:{port}: {_explain_listening(error)}") from None
    return listener


def _explain_listening(error: OSError | UnicodeError) -> str:
    """Why nobody can listen at an address, and which option changes that."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "there is no such address; give one of this machine with --host, for example 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        return "another program listens there; choose another one with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "the address is not one of this machine; choose another one with --host"
    return f"{error.strerror or error}; choose another port with --port, or another address with --host"


def address(config: ServeConfig, listener: socket.socket) -> str:
    """Address of the page for a browser on this machine, with the token (if one is needed) in its fragment."""
    return page_urls(config, listener.getsockname()[1], reachable(config.host, ())[:1])[0]


def _import_web() -> None:
    """Import the web server while the engine loads its model; a later import reports missing packages."""
    with suppress(ImportError):
        import_module("runtime.webrtc.web_server")
        import_module("runtime.webrtc.app")


def page_folder() -> Path:
    """Folder of the page's files."""
    return Path(str(resources.files("demos"))) / "page"


@app.command()
@with_option_groups
def command(
    chosen: ModelOptions,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs a token.")
    ] = _DEFAULTS.host,
    port: Annotated[int, number(0, LARGEST_PORT, "Port of the page; 0 takes a free one.", whole=True)] = _DEFAULTS.port,
    token_file: Annotated[Path | None, file("--token-file", help="File with the token that clients give.")] = None,
    token: Annotated[
        str | None, typer.Option(help="The token itself; lists of processes show it.", envvar="DUPLEX_TOKEN")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which browsers reach this server, if not by its address; give several."),
    ] = None,
    certfile: Annotated[Path | None, typer.Option(help="TLS certificate (PEM).")] = None,
    keyfile: Annotated[Path | None, typer.Option(help="TLS key (PEM).")] = None,
    self_signed: Annotated[
        bool, typer.Option("--self-signed", help="TLS with a certificate made here; browsers warn about it once.")
    ] = False,
    cert_folder: Annotated[
        Path, typer.Option(help="Where the certificate of --self-signed is kept.")
    ] = _DEFAULTS.cert_folder,
    sessions: Annotated[
        int | None, number(1, MOST_SESSIONS, "Conversations at once; further ones are refused.", whole=True)
    ] = None,
    recordings: Annotated[Path | None, typer.Option(help="Folder for recordings, logs and transcripts.")] = None,
    record: Annotated[bool, typer.Option(help="Record conversations to disk.")] = True,
    config: ConfigFile = None,
) -> None:
    """Serve the page: talk to the model in the browser."""
    word = choose_token(token, token_file)
    values = {"host": host, "port": port, "token": word, "certfile": certfile, "keyfile": keyfile}
    tls = {"self_signed": self_signed, "cert_folder": cert_folder}
    network = ServeConfig.from_options(values | tls | {"allowed_hosts": tuple(allow_host or ())})
    runtime = _with_options(runtime_config(config), sessions, recordings, record)
    network = prepare(network, runtime)
    fetch(chosen.model, chosen.changes)
    out().print(f"Loading {chosen.model} ...")
    serve(chosen.model, network, runtime, lambda url: _tell(url, network), chosen.loader)


def _with_options(runtime: RuntimeConfig, sessions: int | None, recordings: Path | None, record: bool) -> RuntimeConfig:
    """The configuration, with the command line's values overriding the file's."""
    engine: dict[str, Any] = {} if sessions is None else {"max_sessions": sessions}
    recording: dict[str, Any] = {} if recordings is None else {"folder": recordings}
    if not record:
        recording["enabled"] = False
    changed = {
        "engine": runtime.engine.model_copy(update=engine),
        "recording": runtime.recording.model_copy(update=recording),
    }
    return runtime.model_copy(update=changed)


def _tell(url: str, config: ServeConfig) -> None:
    if not out().is_terminal:  # output that is kept holds no token
        url, config = urldefrag(url).url, config.model_copy(update={"token": None})
    out().print(f"Duplex is ready: open {url} and press Start talking. Ctrl-C ends it.", style="bold")
    for line in hints(url, config, interface_addresses()):
        out().print(line)


def hints(url: str, config: ServeConfig, interfaces: Sequence[str]) -> list[str]:
    """What users on other machines need to know.

    Args:
        url: address of the page on this machine. config: configuration of the server. interfaces: addresses of this
            machine.
    """
    others = page_urls(config, urlsplit(url).port or 0, reachable(config.host, interfaces)[1:])
    lines = [f"From other machines: {', '.join(others)}"] if others else []
    if not config.tls and not config.loopback:
        lines.append(
            "Browsers give a microphone only on localhost or over TLS: for other machines start with --self-signed, "
            "or with --certfile and --keyfile."
        )
    if config.self_signed and config.certfile:
        from runtime.webrtc.self_signed import fingerprint

        lines.append(
            "The browser warns once, because this server made its certificate itself; continue if it shows the SHA-256 "
            f"fingerprint {fingerprint(config.certfile)}"
        )
    return lines
