"""The STUN and TURN servers of one connection, with an account that holds for a limited time.

Time is an argument, in seconds since 1970, because TURN servers compare it with their own clock. Nothing here depends
on sessions or HTTP.
"""

import base64
import hashlib
import hmac
import logging

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from configs.runtime.ice import IceConfig, IceServer

ACCOUNT = "duplex"
"""The name in an account that holds for a limited time; TURN servers show it in their logs."""
logger = logging.getLogger(__name__)


class IssuedServer(BaseModel):
    """A server as browsers take it (`RTCIceServer`)."""

    urls: list[str]
    username: str | None = None
    credential: str | None = Field(default=None, repr=False)


class IceAnswer(BaseModel):
    """What a client gives its connection (`RTCConfiguration` of browsers, in their spelling)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    ice_servers: list[IssuedServer] = []
    ice_transport_policy: str = "all"


def issue(ice: IceConfig, unix_s: float) -> IceAnswer:
    """What a client uses for a connection that it makes at `unix_s`, seconds since 1970."""
    servers = [_issue(server, server.urls, ice, unix_s) for server in ice.servers]
    return IceAnswer(ice_servers=servers, ice_transport_policy="relay" if ice.relay_only else "all")


def issue_own(ice: IceConfig, unix_s: float) -> IceAnswer:
    """The same for the server's own end of a connection."""
    if ice.pages_only:
        return IceAnswer()
    servers = [_issue(server, server.own_urls, ice, unix_s) for server in ice.servers]
    return IceAnswer(ice_servers=servers, ice_transport_policy="relay" if ice.relay_only else "all")


def make_account(secret: str, expires: int) -> tuple[str, str]:
    """Username and password that a TURN server with this secret takes until `expires`, seconds since 1970.

    This is what coturn calls `use-auth-secret`: the password is the HMAC-SHA1 of the username.
    """
    username = f"{expires}:{ACCOUNT}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def report_missing(sdp: str, issued: IceAnswer) -> None:
    """Write a line of the log for each kind of server that gave no address for the answer `sdp`."""
    urls = [url for server in issued.ice_servers for url in server.urls]
    for scheme, kind, name in (("turn", "relay", "TURN"), ("stun", "srflx", "STUN")):
        asked = [url for url in urls if url.startswith(scheme)]
        wanted = kind == "relay" or issued.ice_transport_policy == "all"
        if asked and wanted and f" typ {kind}" not in sdp:
            logger.warning("the %s server gave no address (%s); check that it runs, and its account", name, asked[0])


def _issue(server: IceServer, urls: tuple[str, ...], ice: IceConfig, unix_s: float) -> IssuedServer:
    if not server.relays:
        return IssuedServer(urls=list(urls))
    if server.username:
        return IssuedServer(urls=list(urls), username=server.username, credential=server.credential or ice.credential)
    assert ice.secret, "the files were read at the start"
    username, password = make_account(ice.secret, int(unix_s + ice.lifetime_s))
    return IssuedServer(urls=list(urls), username=username, credential=password)
