"""A server that nobody here wrote: `transformers serve`, with a tiny model of random weights."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from duplex.model.language_models.interface import ChatMessage
from tests.duplex.model.language_models.asking import QUESTION, model_at, take_all, text_of
from tests.duplex.model.language_models.servers import free_port
from tests.duplex.model.language_models.tiny_llm import write_folder

STARTED = "Application startup complete"
COMMAND = "from transformers.cli.transformers import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-c", COMMAND, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, "--device", "cpu"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if STARTED in line:
                break
        assert STARTED in lines[-1], "".join(lines)
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.kill()


def test_it_answers_in_pieces(address: str, folder: Path) -> None:
    with model_at(address, model=str(folder), longest=12) as model:
        pieces = take_all(model.generate(0, QUESTION))
    assert pieces[-1].error == ""
    assert text_of(pieces)


def test_its_only_model_is_taken(address: str) -> None:
    with model_at(address, model=None, longest=4) as model:
        pieces = take_all(model.generate(0, [ChatMessage("user", "Hello.")]))
    assert pieces[-1].error == "" or "--llm-model" in pieces[-1].error


def test_an_answer_that_nobody_wants_leaves_the_server_well(address: str, folder: Path) -> None:
    with model_at(address, model=str(folder), longest=4) as model:
        model.generate(0, QUESTION).cancel()
        assert take_all(model.generate(0, QUESTION))[-1].error == ""
