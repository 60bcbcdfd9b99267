"""The token, and how often it may be guessed."""

from typing import Any

import pytest
from fastapi import Request

from configs.runtime.serve import GuessesConfig
from runtime.clock import ManualClock
from runtime.webrtc.token_check import TokenCheck, TooManyGuesses, Unauthorized

LIMITS = GuessesConfig(most=3, window_s=60)


def request(given: str = "", address: str = "192.0.2.1") -> Request:
    headers = [(b"authorization", f"Bearer {given}".encode())] if given else []
    scope: dict[str, Any] = {"type": "http", "headers": headers, "query_string": b"", "client": (address, 1)}
    return Request(scope)


def test_an_address_that_guesses_waits_and_others_do_not() -> None:
    clock = ManualClock()
    check = TokenCheck("s3cret", LIMITS, clock)
    for _ in range(3):
        with pytest.raises(Unauthorized):
            check(request("wrong"))
        clock.advance(1.0)
    with pytest.raises(TooManyGuesses, match="try again in 57 s"):
        check(request("s3cret"))
    check(request("s3cret", "192.0.2.2"))
    clock.advance(57.0)
    check(request("s3cret"))


def test_a_missing_token_is_no_guess() -> None:
    check = TokenCheck("s3cret", LIMITS, ManualClock())
    for _ in range(10):
        with pytest.raises(Unauthorized):
            check(request())
    check(request("s3cret"))


def test_what_is_remembered_of_guesses_is_bounded() -> None:
    check = TokenCheck("s3cret", LIMITS, ManualClock())
    for number in range(10_000):
        with pytest.raises(Unauthorized):
            check(request("wrong", f"address {number}"))
    assert len(check._wrong) <= 4096


def test_without_a_token_everybody_passes() -> None:
    TokenCheck(None, LIMITS, ManualClock())(request("anything"))
