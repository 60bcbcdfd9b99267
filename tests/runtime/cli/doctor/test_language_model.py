"""What the doctor says of a language model."""

from duplex.model.language_models.check import LlmReport
from runtime.cli.doctor.language_model import check_language_model, judge
from tests.duplex.model.language_models.servers import Exchange, free_port, serve


def test_without_one_there_is_nothing_to_say() -> None:
    assert check_language_model({"device": "cpu"}) == []


def test_a_quick_one_is_well() -> None:
    check = judge(LlmReport("some model", "Paris.", first_text_s=0.3, pieces_per_s=20.0))
    assert (check.level, check.found) == ("ok", "some model answers after 0.30 s, 20 pieces a second")


def test_a_late_one_and_a_slow_one_are_warned_of() -> None:
    late = judge(LlmReport("some model", "Paris.", first_text_s=2.5, pieces_per_s=20.0))
    slow = judge(LlmReport("some model", "Paris.", first_text_s=0.5, pieces_per_s=3.0))
    assert (late.level, slow.level) == ("warn", "warn")
    assert "wait" in late.fix
    assert "pause" in slow.fix


def test_a_server_that_answers() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("Paris.")
        exchange.end()

    with serve(answer) as server:
        (check,) = check_language_model({"llm.source": server.address, "llm.model": "some-model"})
    assert check.level in ("ok", "warn"), check.found
    assert "some-model" in check.found


def test_a_server_that_is_not_there() -> None:
    (check,) = check_language_model({"llm.source": f"http://127.0.0.1:{free_port()}/v1", "llm.model": "some-model"})
    assert check.level == "fail"
    assert "refused" in check.found


def test_a_value_that_is_wrong() -> None:
    (check,) = check_language_model({"llm.source": "smollm2", "llm.temperature": 9})
    assert (check.level, "temperature" in check.found) == ("fail", True)
