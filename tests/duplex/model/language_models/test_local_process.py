"""A local model in a process of its own: one start, several conversations, cancelled, killed and started again."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duplex.model.language_models.interface import ChatMessage, Generation, LlmError
from duplex.model.language_models.load_llm import load_llm
from duplex.model.language_models.local_process import LocalProcess
from duplex.model.language_models.local_worker import NICE
from tests.duplex.model.language_models.tiny_llm import SYSTEM, answer, local_model, tiny_config, write_folder

QUESTION = [SYSTEM, ChatMessage("user", "What is the tallest mountain?")]
OTHER = [SYSTEM, ChatMessage("user", "Who painted the Mona Lisa?")]
PATIENCE_MS = 120_000.0
"""A wait ends with the answer; only a test that fails waits for so long."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("llm"))


@pytest.fixture(scope="module")
def process(folder: Path) -> Iterator[LocalProcess]:
    model = load_llm(tiny_config(folder, longest=200))
    assert isinstance(model, LocalProcess)
    yield model
    model.close()


def priority(process: LocalProcess) -> int:
    """How much less urgent it is than this process."""
    assert process.pid is not None
    return os.getpriority(os.PRIO_PROCESS, process.pid) - os.getpriority(os.PRIO_PROCESS, 0)


def text_of(generation: Generation) -> str:
    """The whole answer."""
    pieces = generation.take(PATIENCE_MS)
    assert pieces[-1].finish in ("stop", "length"), pieces[-1]
    assert [piece.at_ms for piece in pieces] == sorted(piece.at_ms for piece in pieces)
    return "".join(piece.text for piece in pieces)


def test_two_conversations_are_answered_at_the_same_time(process: LocalProcess, folder: Path) -> None:
    process.prefill(0, QUESTION)
    one, other = process.generate(0, QUESTION), process.generate(1, OTHER)
    here = local_model(folder, longest=200)
    assert text_of(other) == answer(here, OTHER, 1)
    assert text_of(one) == answer(here, QUESTION, 0)
    assert (process.name, process.fingerprint) == (here.name, here.fingerprint)
    assert priority(process) == NICE
    assert sys.platform != "linux" or os.sched_getscheduler(process.pid or 0) == os.SCHED_IDLE


def test_a_cancelled_answer_gives_nothing_more_and_the_next_one_is_whole(process: LocalProcess, folder: Path) -> None:
    dropped = process.generate(0, QUESTION)
    dropped.cancel()
    dropped.cancel()
    assert dropped.take(PATIENCE_MS) == []
    replaced = process.generate(0, QUESTION)
    asked = process.generate(0, OTHER)
    assert replaced.take(PATIENCE_MS) == []
    assert text_of(asked) == answer(local_model(folder, longest=200), OTHER)
    process.forget(0)


def test_what_cannot_be_answered_is_an_error_and_the_process_goes_on(process: LocalProcess) -> None:
    [piece] = process.generate(0, [SYSTEM, ChatMessage("user", "long " * 2000)]).take(PATIENCE_MS)
    assert piece.finish == "error"
    assert "raise 'context'" in piece.error
    assert text_of(process.generate(0, QUESTION))


def test_a_process_that_dies_ends_its_answers_and_the_next_question_starts_it_again(process: LocalProcess) -> None:
    said, first = text_of(process.generate(0, QUESTION)), process.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)  # so that the answers are under way when it dies
    under_way = [process.generate(0, QUESTION), process.generate(1, OTHER)]
    os.kill(first, signal.SIGKILL)
    for generation in under_way:
        [piece] = generation.take(PATIENCE_MS)
        assert piece.finish == "error"
        assert piece.error == (
            "the language model's process ended (signal 9, perhaps because memory ran out); the next question starts "
            "it again"
        )
    assert text_of(process.generate(0, QUESTION)) == said
    assert process.pid != first
    assert priority(process) == NICE


def test_a_closed_process_answers_nothing(process: LocalProcess) -> None:
    under_way = process.generate(0, QUESTION)
    process.close()
    process.close()
    assert under_way.take(PATIENCE_MS) == []
    with pytest.raises(LlmError, match="was closed"):
        process.generate(0, QUESTION)
    process.prefill(0, QUESTION)
    process.forget(0)


def test_a_model_that_cannot_be_loaded_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(LlmError, match=r"has no config\.json, so it is no language model"):
        LocalProcess(tiny_config(_without_config(tmp_path)))


def _without_config(folder: Path) -> Path:
    write_folder(folder)
    (folder / "config.json").unlink()
    return folder
