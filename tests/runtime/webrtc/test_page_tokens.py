"""Tokens of pages: they hold for a limited time, are renewed, outlive a restart, and none is made without the token."""

import httpx
import pytest

from configs.runtime.serve import PageTokensConfig
from runtime.webrtc.page_tokens import Expired, PageTokens
from tests.runtime.webrtc.conftest import MakeServer

TOKEN = "open-sesame-open"
LIMITS = PageTokensConfig(hold_s=100, longest_s=250)


class Times:
    """The time, which stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def tokens(times: Times) -> PageTokens:
    return PageTokens(TOKEN, LIMITS, times)


def test_a_pages_token_holds_for_its_time_and_no_longer(tokens: PageTokens, times: Times) -> None:
    given, holds_s = tokens.issue()
    assert holds_s == 100
    times.now += 99.5
    assert tokens.check(given)
    times.now += 0.5
    with pytest.raises(Expired, match="needs the server's token again"):
        tokens.check(given)


def test_a_token_is_renewed_up_to_its_longest_time(tokens: PageTokens, times: Times) -> None:
    given, lengths = tokens.issue()[0], []
    for _ in range(4):
        times.now += 60
        given, holds_s = tokens.issue(given)
        lengths.append(holds_s)
    assert lengths == [100, 100, 70, 10]
    times.now += 10
    with pytest.raises(Expired):
        tokens.issue(given)


def test_a_token_outlives_a_restart_and_ends_with_the_servers(tokens: PageTokens, times: Times) -> None:
    given, _ = tokens.issue()
    assert PageTokens(TOKEN, LIMITS, times).check(given)
    assert not PageTokens("another-token-of", LIMITS, times).check(given)


def test_tokens_are_random_and_do_not_hold_the_servers(tokens: PageTokens) -> None:
    many = {tokens.issue()[0] for _ in range(100)}
    assert len(many) == 100
    assert not any(TOKEN in given for given in many)


def test_no_changed_letter_passes(tokens: PageTokens) -> None:
    given, _ = tokens.issue()
    assert tokens.check(given)
    for place in range(len(given)):
        changed = given[:place] + ("A" if given[place] != "A" else "B") + given[place + 1 :]
        assert not tokens.check(changed), place


@pytest.mark.parametrize("given", ["", "page.", "page", "page.x", "page." + "A" * 85, TOKEN, "page.ä", "page.\n" * 9])
def test_what_is_no_token_of_a_page_is_told_apart(given: str, tokens: PageTokens) -> None:
    assert not tokens.check(given)


async def exchange(http: httpx.AsyncClient, given: str) -> httpx.Response:
    return await http.post("/api/page-token", headers={"authorization": f"Bearer {given}"})


async def test_a_page_uses_and_renews_the_token_that_it_got_for_the_servers(make_server: MakeServer) -> None:
    async with make_server(token=TOKEN) as server:
        given = (await exchange(server.http, TOKEN)).json()
        status = await server.http.get("/api/status", headers={"authorization": f"Bearer {given['token']}"})
        later = await exchange(server.http, given["token"])
        beacon = {"attempt": "a" * 16, "token": given["token"]}
        left = await server.http.post("/api/leave", json=beacon)
        direct = await server.http.get("/api/status", headers={"authorization": f"Bearer {TOKEN}"})
    assert given["holds_s"] == 12 * 3600
    assert (status.status_code, later.status_code, left.status_code, direct.status_code) == (200, 200, 204, 200)
    assert later.json()["token"] != given["token"]


async def test_wrong_tokens_of_both_kinds_are_guesses(make_server: MakeServer) -> None:
    forged = PageTokens("another-token-of", PageTokensConfig(), Times()).issue()[0]
    async with make_server(token=TOKEN, guesses={"most": 2}) as server:
        answers = [await exchange(server.http, given) for given in ("wrong", forged, TOKEN)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [answer.json()["error"]["code"] for answer in answers] == ["unauthorized"] * 2 + ["too_many_guesses"]


async def test_a_token_that_has_ended_is_no_guess(make_server: MakeServer) -> None:
    long_ago = Times()
    long_ago.now = 1_000_000_000.0
    ended = PageTokens(TOKEN, PageTokensConfig(), long_ago).issue()[0]
    async with make_server(token=TOKEN, guesses={"most": 1}) as server:
        refused = await exchange(server.http, ended)
        answer = await exchange(server.http, TOKEN)
    assert (refused.status_code, answer.status_code) == (401, 200)
    assert refused.json()["error"]["code"] == "unauthorized"


async def test_a_server_without_a_token_has_none_for_pages(make_server: MakeServer) -> None:
    async with make_server() as server:
        answer = await exchange(server.http, "anything")
    assert answer.json() == {"token": None, "holds_s": None}
