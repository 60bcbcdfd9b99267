"""How a benchmark's clients begin and end conversations with a server, over its HTTP API."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from aiortc import InvalidStateError

from runtime.cli.bench.relay import Relay
from runtime.errors import EngineError
from runtime.webrtc.client import VoiceClient

_ANSWER_S = FIRST_SLOT_S = 30.0
"""How long a server may take to answer a request, or the first slot."""
_LEAVE_S = 5.0


async def begin(client: VoiceClient, url: str, pattern: str | None = None, relay: Relay | None = None) -> None:
    """Let `client` talk to the server at `url`; returns when its first slot is answered.

    Args:
        client, url: see above.
        pattern: interaction pattern of the conversation, for models that have several.
        relay: the network between them.

    Raises:
        EngineError: the server does not answer, or refuses the client. TimeoutError: no slot is answered.
    """
    options = {} if pattern is None else {"pattern": pattern}

    def offer(body: dict[str, Any]) -> Awaitable[dict[str, Any]]:
        return asyncio.to_thread(post, f"{url}/api/offer", body)

    await client.connect(relay.through(offer) if relay else offer, options)
    await client.wait_for(lambda message: message["type"] == "slot", FIRST_SLOT_S)


async def leave(client: VoiceClient) -> None:
    """End a conversation as a user does, and wait for the server's last message; a server that is gone sends none."""
    with suppress(TimeoutError, InvalidStateError):
        client.say_goodbye()
        await client.wait_for(lambda message: message["type"] == "ended", _LEAVE_S)


async def read(url: str) -> str:
    """The text at an address of the server.

    Raises:
        EngineError: the server does not answer, or has nothing there.
    """
    return await asyncio.to_thread(_get, url)


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S) as response:
            text: str = response.read().decode()
            return text
    except OSError as error:
        raise EngineError(f"{url} does not answer ({error}); run duplex serve to see why") from None


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request of the API.

    Raises:
        EngineError: the server refuses it, or does not answer.
    """
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise EngineError(f"{url} refused a client: {json.load(error)['error']['message']}") from None
    except OSError as error:
        raise EngineError(f"{url} does not answer ({error}); check --url") from None
