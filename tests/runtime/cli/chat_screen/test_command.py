"""`duplex chat`: once and line by line, with models of random weights; the embedded model answers in writing."""

import io
import json
from pathlib import Path

import pytest
import soundfile

from runtime.cli.main import run
from tests.runtime.user_audio import QUESTION, write_wav

TINY = ["--model", "funaudiochat-tiny", "--longest", "12", "--seed", "2"]


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """A question."""
    return write_wav(tmp_path / "question.wav", QUESTION)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was said on stderr."""
    return [line.rstrip() for line in capsys.readouterr().err.splitlines() if line.strip()]


def type_lines(monkeypatch: pytest.MonkeyPatch, *text: str) -> None:
    """What the user will type."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in text)))


def test_the_embedded_model_answers_in_writing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chat", "--model", "mini", "--pattern", "T2T", "--text", "what is the capital of france"]) == 0
    assert capsys.readouterr().out == "The capital of France is Paris.\n"


def test_speech_in_speech_out(tmp_path: Path, wav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer, figures = tmp_path / "answer.wav", tmp_path / "chat.json"
    arguments = ["--pattern", "s2m", "--in", str(wav), "--out", str(answer), "--json", str(figures)]
    assert run(["chat", *TINY, *arguments]) == 0
    (turn,) = json.loads(figures.read_text())["turns"]
    info = soundfile.info(answer)
    assert (info.samplerate, info.channels) == (24_000, 1)
    assert info.duration == pytest.approx(turn["seconds"], abs=1e-3)
    assert turn["seconds"] > 0
    assert (turn["pattern"], turn["in"], turn["out"]) == ("S2M", str(wav), str(answer))
    assert f"{answer}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--text", "Hi."], "T2T"),
        (["--in"], "S2T"),
        (["--transcribe", "--in"], "S2T"),
        (["--pattern", "SUC", "--in"], "SUC"),
    ],
)
def test_the_pattern_that_fits(
    tmp_path: Path, wav: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], pattern: str
) -> None:
    given = [*arguments, str(wav)] if arguments[-1] == "--in" else arguments
    assert run(["chat", *TINY, *given, "--json", str(tmp_path / "c.json")]) == 0
    told = json.loads((tmp_path / "c.json").read_text())
    assert set(told) == {"model", "fingerprint", "turns"}, "this model answers by itself"
    (turn,) = told["turns"]
    assert turn["pattern"] == pattern
    assert ("Please help me transcribe" in turn["text"]) is ("--transcribe" in arguments)
    assert any("untested" in line for line in lines(capsys)) is (pattern == "SUC")


def test_options_of_a_question_are_lettered(tmp_path: Path, wav: Path) -> None:
    figures = tmp_path / "c.json"
    asked = ["--text", "Who speaks?", "--choice", "a man", "--choice", "a child"]
    assert run(["chat", *TINY, "--in", str(wav), *asked, "--json", str(figures)]) == 0
    assert json.loads(figures.read_text())["turns"][0]["text"].endswith("options:\n(A)a man\n(B)a child")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--pattern", "S2S"], "unknown pattern 'S2S'; choose one of S2M"),
        (["--pattern", "S2M", "--text", "Hi."], "pattern S2M hears speech; give a recording with --in"),
        (["--pattern", "T2T", "--in", "WAV"], "pattern T2T reads text; leave out --in"),
        (["--pattern", "S2T", "--in", "WAV", "--out", "a.wav"], "pattern S2T only writes; leave out --out"),
        (["--text", "Hi.", "--out", "a.mp3"], "--out a.mp3: is not a wav file"),
        (["--transcribe", "--text", "Hi."], "--transcribe has its own instruction"),
        (["--transcribe"], "--transcribe needs a recording and pattern S2T"),
        (["--choice", "a"], "--choice needs a question"),
        (["--in", "NOAUDIO"], "is not a readable sound file"),
        (["--in", "missing.wav"], "missing.wav: there is no such file"),
        (["--text", "Hi.", "--model", "nonsense"], "no model 'nonsense'"),
        (["--text", "Hi.", "--tools", "nonsense"], "--tools nonsense: is neither"),
        (["--text", "Hi.", "--places", "20"], "the system prompt and tools leave no room in 20 places"),
        (["--text", "Hi.", "--history", "none"], "error: --history: Input should be 'text' or 'speech'"),
        (["--text", "Hi.", "--dtype", "int8"], "--dtype: 'int8' is not one of 'bfloat16', 'float32'"),
        (["--text", "Hi.", "--set", "dtype=int8"], "'dtype' is wrong"),
        (["--text", "Hi.", "--out", "a.wav", "--voice", "nobody"], "no voice 'nobody'; there are: random"),
        (["--text", "x" * 600], "the turn takes 6"),
        (["--model", "tiny", "--text", "Hi.", "--tools", "json:dumps"], "has no type; annotate it"),
        (["--model", "tiny", "--text", "Hi.", "--longest", "3"], "tiny takes only --seed, --temperature and --system"),
        (["--model", "tiny", "--pattern", "STC", "--in", "WAV"], "tiny does not know pattern STC; it has S2M"),
        (["--model", "scripted-vad", "--text", "Hi."], "'scripted-vad' only says fixed sentences"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, wav: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], error: str
) -> None:
    (tmp_path / "no.wav").write_bytes(b"RIFF....")
    files = {"WAV": str(wav), "NOAUDIO": str(tmp_path / "no.wav")}
    model = [] if "--model" in arguments else ["--model", "funaudiochat-tiny"]
    assert run(["chat", *model, *(files.get(argument, argument) for argument in arguments)]) in (1, 2)
    (line,) = lines(capsys)
    assert line.startswith("error: ")
    assert error in line


def weather(city: str) -> str:
    """The weather of a city."""
    return f"Rain in {city}."


def test_functions_of_a_module_are_offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = ["--tools", f"{__name__}:weather", "--text", "Hi."]
    assert run(["chat", *TINY, *tools, "--places", "1500"]) == 0
    assert run(["chat", *TINY, *tools, "--places", "500"]) == 2
    assert "the system prompt and tools leave no room in 500 places" in lines(capsys)[-1]


def test_line_by_line(
    tmp_path: Path, wav: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    type_lines(
        monkeypatch, "Hello.", "", "/wav x.wav", "/pattern S2M", f"/wav '{wav}' What is it?", "/wav", "/transcribe a",
        "/pattern STC", "/help", "/new", "/quit", "Never read.",
    )  # fmt: skip
    figures = tmp_path / "c.json"
    assert run(["chat", *TINY, "--out", str(tmp_path / "a.wav"), "--json", str(figures)]) == 0
    said = capsys.readouterr()
    turns = json.loads(figures.read_text())["turns"]
    assert [(turn["pattern"], turn["text"]) for turn in turns] == [("T2M", "Hello."), ("S2M", "What is it?")]
    assert {path.name for path in tmp_path.glob("a-*.wav")} == {Path(turn["out"]).name for turn in turns if turn["out"]}
    assert [line for line in said.err.splitlines() if line.startswith("error: ")] == [
        "error: x.wav: there is no such file; check the path",
        "error: a file is missing; put quotes around a path with spaces",
        "error: a recording is transcribed in pattern S2T; type /pattern S2T first",
    ]
    assert "untested" in said.out
    assert "/quit" in said.out


def test_the_end_of_the_input_ends_the_chat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    type_lines(monkeypatch, "Hello.")
    assert run(["chat", *TINY, "--json", str(tmp_path / "c.json")]) == 0
    assert len(json.loads((tmp_path / "c.json").read_text())["turns"]) == 1


def test_a_live_model_hears_and_writes(wav: Path, tmp_path: Path) -> None:
    figures = tmp_path / "c.json"
    assert run(["chat", "--model", "tiny", "--in", str(wav), "--json", str(figures)]) == 0
    assert run(["chat", "--model", "tiny", "--text", "Hello", "--out", str(tmp_path / "a.wav")]) == 0
    assert json.loads(figures.read_text())["turns"][0]["pattern"] == "S2T"
