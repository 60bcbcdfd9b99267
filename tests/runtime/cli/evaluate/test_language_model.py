"""`duplex evaluate` with a language model: the report names it, and what it does not answer is no measurement."""

import json
from pathlib import Path

import pytest
import soundfile

from configs.model.language_models import PERSONA
from duplex.model.interface import ConversationOptions
from runtime.cli.main import run
from tests.duplex.eval.fakes import write_data
from tests.duplex.model.language_models.servers import free_port, serve
from tests.runtime.fakes import AnsweredFake, load_answered, load_fake

SPEECH = Path(__file__).parents[3] / "data" / "speech" / "capital_of_norway.flac"
QUESTION, ANSWER = "What is the capital of Norway?", "The capital of Norway is Oslo."
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One spoken question to mini; what is heard in its answer is a stand-in."""
    monkeypatch.setattr("duplex.eval.measures.judge.recognise", lambda samples, asr: "the capital of norway is oslo")
    monkeypatch.setenv("TEST_KEY", KEY)
    data = write_data(tmp_path / "data", {QUESTION: "Oslo"})
    soundfile.write(data / "llama_questions" / "0.wav", *soundfile.read(SPEECH))
    common = ["--data", str(data), "--out", str(tmp_path / "out"), "--set", "llm.key_variable=TEST_KEY"]
    return ["evaluate", "spoken-qa", *common]


def told(tmp_path: Path, name: str) -> str:
    (folder,) = (tmp_path / "out").iterdir()
    return (folder / name).read_text(encoding="utf-8")


def test_one_language_model_answers_aloud_and_in_writing_and_is_named(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(lambda exchange: exchange.answer(ANSWER), models=["tiny"]) as server:
        assert run([*arguments, "--llm", server.address, "--set", "llm.temperature=0.5"]) == 0
    assert [chat.body["messages"] for chat in server.chats][-1] == [
        {"role": "system", "content": PERSONA},
        {"role": "user", "content": QUESTION},
    ]
    report = json.loads(told(tmp_path, "report.json"))
    (dialogue,) = report["dialogues"]
    answers = {name: dialogue["measures"][name] for name in ("answer", "text_answer")}
    assert answers == {"answer": ANSWER, "text_answer": ANSWER}
    right = {figure["name"]: figure["hits"] for figure in report["figures"] if "right, exist-match" in figure["name"]}
    assert {name.split()[0] for name in right} == {"S2T", "S2S", "T2T"}
    assert set(right.values()) == {1}
    llm = report["settings"]["llm"]
    fingerprint = llm.pop("fingerprint")
    assert len(fingerprint) == 16
    assert llm == {
        "source": server.address,
        "model": "tiny",
        "answers": "all",
        "system_prompt": "default",
        "settings": {"temperature": 0.5},
    }
    assert "set" not in report["settings"]
    line = f"tiny at {server.address} ({fingerprint}), answers all, temperature 0.5"
    assert f"language model: {line}" in capsys.readouterr().out
    assert f"<dt>language model</dt><dd>{line}</dd>" in told(tmp_path, "report.html")
    assert f"language model {line}" in told(tmp_path, "report.md")
    for name in ("rows.jsonl", "report.json", "report.html", "report.md"):
        assert KEY not in told(tmp_path, name)


def test_a_server_that_does_not_say_which_model_it_has_is_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    assert run([*arguments, "--llm", address, "--llm-answers", "unknown"]) == 1
    assert capsys.readouterr().err.startswith(f"error: No server answers at {address}: the connection was refused.")
    with serve(lambda exchange: exchange.answer(ANSWER), models=["one", "two"]) as server:
        assert run([*arguments, "--llm", server.address]) == 1
    assert "has 2 models. It has one, two. Name one of them with --llm-model." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("fault", "line"), [("missing", "there is no such folder"), ("error", "Its memory is full.")])
def test_a_language_model_that_does_not_answer_is_no_measurement(
    fault: str,
    line: str,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        "runtime.engine.worker.load_model", lambda *given, changes: load_answered(*given, {fault: line})
    )
    assert run([*arguments, "--model", "fake", "--llm", "smollm2"]) == 1
    assert capsys.readouterr().err.strip() == f"error: {line}"
    assert not list(tmp_path.glob("out/*/report.json"))


def test_a_model_without_one_names_none(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("runtime.engine.worker.load_model", load_fake)
    assert run([*arguments[:-2], "--model", "fake"]) == 0
    assert "llm" not in json.loads(told(tmp_path, "report.json"))["settings"]
    assert "language model" not in capsys.readouterr().out + told(tmp_path, "report.html")


class FailsOnce(AnsweredFake):
    """Its language model fails in the second conversation."""

    opened = 0

    def open(self, row: int, options: ConversationOptions) -> None:
        FailsOnce.opened += 1
        self.error = "Its memory is full." if FailsOnce.opened == 2 else ""
        super().open(row, options)


def test_what_was_measured_before_a_failure_is_kept(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path / "data", {QUESTION: "Oslo", "Who?": "I", "When?": "Now"})
    monkeypatch.setattr("runtime.engine.worker.load_model", lambda *given, changes: FailsOnce())
    arguments += ["--model", "fake", "--llm", "smollm2"]
    assert run(arguments) == 1
    assert capsys.readouterr().err.strip() == "error: Its memory is full."
    assert len(told(tmp_path, "rows.jsonl").splitlines()) == 2
    assert run(arguments) == 0
    assert len(json.loads(told(tmp_path, "report.json"))["dialogues"]) == 3
    assert FailsOnce.opened == 4
