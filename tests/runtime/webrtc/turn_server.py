"""A real TURN server (coturn) on 127.0.0.1, and connections that have this address only."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aioice.ice
import pytest

TURNSERVER = shutil.which("turnserver")
needs_turnserver = pytest.mark.skipif(TURNSERVER is None, reason="no turnserver on this machine (apt install coturn)")
SECRET = "a-secret-of-the-tests"
ACCOUNT = "user=tester:password-of-the-tests\nlt-cred-mech"
SHARED = f"use-auth-secret\nstatic-auth-secret={SECRET}"
_READY = "Total General servers"
_SETTINGS = """
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={port}
{accounts}
realm=duplex.test
allow-loopback-peers
no-cli
no-tls
no-dtls
no-multicast-peers
userdb={folder}/turndb
pidfile={folder}/turnserver.pid
log-file=stdout
simple-log
"""


@dataclass(frozen=True)
class TurnServer:
    """A running server: its port, and the process."""

    port: int
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Its address for packets over UDP."""
        return f"turn:127.0.0.1:{self.port}"


@contextmanager
def turn_server(folder: Path, accounts: str = SHARED) -> Iterator[TurnServer]:
    """Start a server whose accounts are `ACCOUNT` or `SHARED`, wait until it listens, and stop it at the end."""
    assert TURNSERVER is not None
    port = _free_port()
    settings = folder / "turnserver.conf"
    settings.write_text(_SETTINGS.format(port=port, accounts=accounts, folder=folder))
    command = [TURNSERVER, "-c", str(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said: list[str] = []
            for line in process.stdout:
                said.append(line)
                if _READY in line:
                    break
            else:
                raise AssertionError(f"turnserver did not start: {''.join(said)}")
            yield TurnServer(port, process)
        finally:
            process.kill()


def use_loopback_only(monkeypatch: pytest.MonkeyPatch, address: str = "127.0.0.1") -> None:
    """Give connections one address, whatever this machine has."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [address])


def candidate_types(sdp: str) -> set[str]:
    """The types of the candidates of an offer or an answer."""
    lines = [line for line in sdp.splitlines() if line.startswith("a=candidate:")]
    return {line.split(" typ ")[1].split()[0] for line in lines}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
