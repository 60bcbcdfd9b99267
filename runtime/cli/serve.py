"""`duplex serve`: runs media in this process, and engine and HTTP in processes of their own.

This module handles sockets, processes and options; the application itself is `runtime.webrtc.app`.
"""

import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urldefrag, urlsplit

import typer

from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.model.weights.fetch import fetch
from runtime.cli.common import ConfigFile, ModelOptions, out
from runtime.cli.option_groups import with_option_groups
from runtime.cli.qr import show_qr
from runtime.cli.serve_options import ServerOptions
from runtime.clock import SystemClock
from runtime.errors import DuplexError
from runtime.logs import set_up_logs
from runtime.session.disk import check_folder
from runtime.webrtc.page_addresses import EVERY_ADDRESS, interface_addresses, page_urls, reachable

if TYPE_CHECKING:
    from runtime.engine.client import EngineClient
    from runtime.engine.worker import Loader
    from runtime.records import EngineInfo
    from runtime.webrtc.supervised_web import SupervisedWeb

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
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
        ConfigError, DiskFull, MissingPackage: see `prepare`. PortInUse: the address is taken. ModelLoadError: the
            model cannot be loaded. WebDied: HTTP cannot be served any more.
    """
    from runtime.engine.process import start_engine_process
    from runtime.engine.supervised import SupervisedEngine
    from runtime.engine.worker import load_model
    from runtime.webrtc.supervised_web import SupervisedWeb
    from runtime.webrtc.web_process import start_web_process

    config, clock = prepare(config, runtime), SystemClock()
    with listen(config.host, config.port) as listener, ExitStack() as running:
        web = SupervisedWeb(partial(start_web_process, listener, config, page_folder()), config.web, clock)
        running.callback(web.close)
        threading.Thread(target=_import_media, name="import-media", daemon=True).start()
        start = partial(start_engine_process, model, runtime.engine, loader or load_model)
        client = SupervisedEngine(start, runtime.engine, clock)
        running.callback(client.close)
        loaded(client.info)
        serve_engine(client, web, config, runtime, lambda: ready(address(config, listener)))


def prepare(config: ServeConfig, runtime: RuntimeConfig) -> ServeConfig:
    """Check what can be checked before anything heavy is loaded, remove surplus recordings, make the requested
    certificate, and read the secrets of STUN and TURN servers from their files.

    Raises:
        ConfigError: the TLS files, the recordings folder or a file with a secret cannot be used. DiskFull: there is no
            room for recordings. MissingPackage: traces are wanted without their extra.
    """
    from runtime.cli.secret_files import read_secrets
    from runtime.session.retention import remove_surplus
    from runtime.trace_export import check_packages
    from runtime.webrtc.self_signed import make_certificate
    from runtime.webrtc.tls import check_tls

    remove_surplus(runtime.recording, (), time.time())
    check_folder(runtime.recording)
    check_packages(config)
    if config.self_signed:
        files = make_certificate(config.cert_folder.expanduser(), reachable(config.host, interface_addresses()))
        config = config.model_copy(update=dict(zip(("certfile", "keyfile"), files, strict=True)))
    if config.certfile and config.keyfile:
        check_tls(config.certfile, config.keyfile)
    return config.model_copy(update={"ice": read_secrets(config.ice)})


def serve_engine(
    client: "EngineClient",
    web: "SupervisedWeb",
    config: ServeConfig,
    runtime: RuntimeConfig,
    ready: Callable[[], None],
) -> None:
    """Serve a running engine to those who come over HTTP until interrupted; the caller closes both."""
    from runtime.event_log import EventLog
    from runtime.metrics import Metrics
    from runtime.observers import Observers
    from runtime.session.file_writer import ThreadWriter
    from runtime.session.retention import Retention
    from runtime.sessions import SessionHub
    from runtime.trace_export import traces
    from runtime.webrtc.gateway import Gateway
    from runtime.webrtc.media_process import MediaProcess
    from runtime.webrtc.media_server import ServerFacts

    clock, metrics, writer = SystemClock(), Metrics(), ThreadWriter()
    traced = traces(config, client.info.model, clock)
    observer = Observers(metrics, EventLog(config.log.quotes), Retention(runtime.recording), *traced)
    hub = SessionHub(client, runtime, clock, observer, writer)
    gateway, facts = Gateway(hub, config, clock, metrics, observer), ServerFacts(client.info, runtime.recording)
    try:
        MediaProcess(gateway, web, facts, observer).run(ready)
    finally:
        writer.close()
        for one in traced:
            one.close()


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


def _import_media() -> None:
    """Import what media need while the engine loads its model; a later import reports missing packages."""
    with suppress(ImportError):
        import_module("runtime.webrtc.media_process")


def page_folder() -> Path:
    """Folder of the page's files."""
    return Path(str(resources.files("demos"))) / "page"


@app.command()
@with_option_groups
def command(
    chosen: ModelOptions,
    server: ServerOptions,
    config: ConfigFile = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the configuration as a file for --config, without secrets.")
    ] = False,
) -> None:
    """Serve the page: talk to the model in the browser."""
    settings = server.configure(config, os.environ)
    if print_config:
        out().print(settings.to_public_yaml(), end="")
        return
    set_up_logs(settings.serve.log, sys.stderr, SystemClock())
    network = prepare(settings.serve, settings)
    fetch(chosen.model, chosen.changes)
    out().print(f"Loading {chosen.model} ...")
    serve(chosen.model, network, settings, lambda url: _tell(url, network), chosen.loader)


def _tell(url: str, config: ServeConfig) -> None:
    if not out().is_terminal:  # output that is kept holds no token
        url, config = urldefrag(url).url, config.model_copy(update={"token": None})
    out().print(f"Duplex is ready: open {url} and press Start talking. Ctrl-C ends it.", style="bold")
    for line in hints(url, config, interface_addresses()):
        out().print(line)
    show_qr(out(), url, config, interface_addresses())


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
