"""A real HTTP server on the loopback that does what a test scripts: the test's events drive it, no clock does."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIMIT_S = 30.0
"""How long anything may take on a slow machine; nothing that goes well waits so long."""


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Exchange:
    """One request, and the response that a script gives."""

    def __init__(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        self.request = request
        self._handler, self._chunked = handler, False

    def begin(self, status: int = 200, kind: str = "text/event-stream", chunked: bool = False, **headers: str) -> None:
        """Send status and headers. `chunked`: the client can tell a cut body from a whole one."""
        self._handler.send_response_only(status)
        self._chunked = chunked
        headers["content_type"] = kind
        if chunked:
            headers["transfer_encoding"] = "chunked"
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def send(self, text: str | bytes) -> None:
        """Send a part of the body."""
        part = text.encode() if isinstance(text, str) else text
        self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part)

    def delta(self, content: str = "", finish: str | None = None, **delta: Any) -> None:
        """Send a chunk of a chat."""
        choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish}
        self.send(f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n")

    def end(self, finish: str = "stop") -> None:
        """End a chat in good order."""
        self.delta(finish=finish)
        self.send("data: [DONE]\n\n")
        if self._chunked:
            self._handler.wfile.write(b"0\r\n\r\n")

    def answer(self, *texts: str, finish: str = "stop") -> None:
        """A whole chat."""
        self.begin()
        for text in texts:
            self.delta(text)
        self.end(finish)

    def call(self, name: str, text: str = "", **arguments: Any) -> None:
        """A whole chat that says `text` and calls a function; its arguments come in two parts."""
        self.begin()
        self.delta(text)
        written = json.dumps(arguments)
        function = {"name": name, "arguments": written[:3]}
        self.delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": function}])
        self.delta(tool_calls=[{"index": 0, "function": {"arguments": written[3:]}}])
        self.end("tool_calls")

    def report(self, status: int, body: Any, kind: str = "application/json", **headers: str) -> None:
        """A whole response that is no chat."""
        self.begin(status, kind, chunked=False, **headers)
        self.send(body if isinstance(body, str | bytes) else json.dumps(body))

    def wait_until_closed(self) -> bool:
        """Whether the client closes the connection."""
        self._handler.connection.settimeout(LIMIT_S)
        try:
            return self._handler.connection.recv(1) == b""
        except (ConnectionError, ssl.SSLEOFError):
            return True
        except TimeoutError:
            return False

    def reset(self) -> None:
        """The server dies: the connection is reset."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self._handler.connection.detach())


Script = Callable[[Exchange], None]


@dataclass
class ScriptedServer:
    """Answers each chat with the next script, and the last one again; keeps what it was asked."""

    scripts: list[Script]
    models: list[str] | None = None
    """None: there is no list of models."""
    chats: list[Request] = field(default_factory=list)
    lists: int = 0
    address: str = ""
    faults: list[BaseException] = field(default_factory=list)

    def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        if exchange.request.path.endswith("/models"):
            self.lists += 1
            return self._list(exchange)
        self.chats.append(exchange.request)
        try:
            self.scripts[min(len(self.chats), len(self.scripts)) - 1](exchange)
        except ConnectionError:
            pass  # the client is gone
        except BaseException as fault:
            self.faults.append(fault)
        return None

    def _list(self, exchange: Exchange) -> None:
        if self.models is None:
            return exchange.report(404, {"error": "not found"})
        return exchange.report(200, {"object": "list", "data": [{"id": name} for name in self.models]})


@contextmanager
def serve(
    *scripts: Script, models: list[str] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedServer]:
    """A server on a free port of the loopback, until the block ends. A script that fails makes the test fail."""
    scripted = ScriptedServer(list(scripts), models)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, json.loads(body) if body else None)
            with suppress(ConnectionError):
                scripted.handle(Exchange(self, request))

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False  # the end of the block waits for the scripts
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scripted.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield scripted
        finally:
            server.shutdown()
            thread.join()
    if scripted.faults:
        raise scripted.faults[0]


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS for a server on the loopback, and the certificate that its clients must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(loopback, critical=False).sign(key, hashes.SHA256())
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context, certificate_file


def free_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
