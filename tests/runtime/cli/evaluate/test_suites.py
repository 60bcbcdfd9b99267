"""`duplex evaluate` on a stand-in for a model: the engine's conversations reach the suites unchanged."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.eval.evaluation import EvaluationConfig
from configs.policy import policy
from duplex.eval.suites.suite_names import QUESTIONS
from duplex.eval.users.clip import Clip
from duplex.eval.users.user import At, Event, Script, SimulatedUser, WhileSpeaking
from duplex.model.interface import ConversationOptions
from runtime.cli.evaluate.system import EngineSystem, ModelChoice, system_of
from runtime.cli.main import run
from tests.duplex.eval.fakes import loud, write_clip, write_data
from tests.runtime.fakes import ANSWER, FakeGenerator, load_fake

CONFIG = EvaluationConfig()
SLOT_S = AUDIO.slot_seconds


@pytest.fixture(autouse=True)
def _fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.worker.load_model", load_fake)


def test_the_engine_answers_the_simulated_user(tmp_path: Path) -> None:
    clip = Clip(write_clip(tmp_path / "one.wav", 1.0), exact=True)
    script = Script((Event("ask", clip, At(0.5)), Event("cut", clip, WhileSpeaking(0.7))), 2.0)
    user = SimulatedUser(script, CONFIG)
    talk = system_of(FakeGenerator(), ConversationOptions(policy=policy("responsive"))).converse(user, 3)
    ask, cut = user.played
    np.testing.assert_allclose(talk.user[ask.start : ask.end], loud(1.0), atol=1e-4)
    assert len(talk.assistant) / AUDIO.output_rate == len(talk.user) / AUDIO.input_rate == talk.seconds
    first = talk.speech(CONFIG.gate)[0]
    assert first.start == pytest.approx(round(first.start / SLOT_S) * SLOT_S, abs=0.002)
    assert cut.start_s == pytest.approx(first.start + 0.7, abs=0.002)
    assert first.end - cut.start_s < 2 * SLOT_S
    assert [answer.how for answer in talk.answers] == ["cut", "end"]
    assert talk.answers[0].text == " ".join(ANSWER[: len(talk.answers[0].text.split())])
    assert [slot.event for slot in talk.slots if slot.event] == ["start", "cut", "start", "end"]


def test_a_suite_writes_rows_report_and_page(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(4)})
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--limit", "2"]
    arguments += ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "figures.json")]
    assert run(arguments) == 0
    values = json.loads((tmp_path / "figures.json").read_text())
    assert values["settings"]["fingerprint"] == "fake-1"
    assert len(values["dialogues"]) == 2
    folder = tmp_path / "out" / "turn-taking-fake-balanced"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md", "rows.jsonl"]
    before = (folder / "report.json").read_bytes()
    assert run([*arguments, "--fresh"]) == 0
    assert (folder / "report.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["turn-taking", "--data", "nowhere"], "nowhere/manifest.jsonl: there is no such file"),
        (["speech", "--trials", "nowhere"], "nowhere/trials.jsonl: there is no such file"),
        (["turn-taking", "--policy", "hasty"], "error: --policy: unknown policy 'hasty'"),
        (
            ["turn-taking", "--gap", "soon"],
            "--gap: must be numbers with commas between, each a number from 0 to 60 s, at most 32; not 'soon'",
        ),
        (["turn-taking", "--condition", "fog=3"], "--condition fog=3: there is no 'fog'; choose among rate, echo"),
    ],
)
def test_what_is_missing_is_one_line(
    arguments: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "data", {"Who?": "I", "When?": "Now"})
    suite, *rest = arguments
    common = ["--data", str(data), "--model", "fake", "--out", str(tmp_path)]
    assert run(["evaluate", suite, *common, *rest]) != 0
    error = capsys.readouterr().err
    assert line in error
    assert "Traceback" not in error


def test_a_suite_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "turn-talking"]) == 2
    line = "error: there is no suite 'turn-talking'; choose one of list, turn-taking, "
    assert capsys.readouterr().err.startswith(line)


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path, {"Who?": "I", "When?": "Now"})
    assert run(["evaluate", "turn-taking", "--model", "none", "--data", str(data), "--out", str(tmp_path)]) == 1
    assert "model 'none' cannot be loaded" in capsys.readouterr().err


def test_missed_bars_are_an_exit_code(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(20)})
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--limit", "10", "--check"]
    strict = tmp_path / "strict.yaml"
    strict.write_text("turn_taking: {response_bars: [{of: p50, sense: '<=', limit: 0.0}]}\n")
    assert run([*arguments, "--out", str(tmp_path / "a")]) == 0
    assert run([*arguments, "--out", str(tmp_path / "b"), "--config", str(strict)]) == 1


def test_a_rate_of_too_few_pairs_meets_no_bar(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(4)})
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--check", "--limit", "4"]
    assert run([*arguments, "--out", str(tmp_path / "a")]) == 1


def test_every_value_of_a_condition_and_every_gap_is_a_run(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(4)}, noises=1)
    write_clip(data / "noise" / "0.wav", 4.0)
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--limit", "1"]
    arguments += ["--out", str(tmp_path / "out"), "--gap", "1,3", "--condition", "snr=clean,10", "--condition", "mulaw"]
    assert run([*arguments, "--json", str(tmp_path / "all.json")]) == 0
    reports = json.loads((tmp_path / "all.json").read_text())["reports"]
    told = [(one["settings"]["definitions"]["turn_taking"]["gap_s"], one["settings"]["condition"]["name"])
            for one in reports]  # fmt: skip
    assert (tmp_path / "out" / "summary.md").read_text().count("# turn-taking") == 4
    assert told == [(gap, name) for gap in (1.0, 3.0) for name in ("mulaw", "snr=10 mulaw")]
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {
        f"turn-taking-fake-balanced-gap{gap}-{name}" for gap in (1, 3) for name in ("mulaw", "snr10-mulaw")
    }


def test_the_sound_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(2)})
    for path in data.glob("llama_questions/*.wav"):
        soundfile.write(path, 0.5 * np.sin(np.arange(16_000) * 0.2), 16_000)
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--limit", "1"]
    arguments += ["--out", str(tmp_path / "out")]
    assert run(arguments) == 0
    assert run([*arguments, "--audio"]) == 0
    folder = tmp_path / "out" / "turn-taking-fake-balanced"
    report = json.loads((folder / "report.json").read_text())
    (row,) = report["dialogues"]
    sound, rate = soundfile.read(folder / "audio" / f"{row['id']}.wav")
    assert (rate, sound.shape[1]) == (24_000, 2)
    assert len(sound) / rate == pytest.approx(row["trace"]["seconds"])
    for event in row["events"]:
        side = sound[:, 0 if event["side"] == "user" else 1]
        inside = side[round(event["start"] * rate) + 30 : round(event["end"] * rate) - 30]
        assert np.abs(inside).max() > 0.1
        assert not np.abs(side[round(event["end"] * rate) + 480 : round(event["end"] * rate) + 960]).max() > 0.01


def test_clips_of_another_rate_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(2)})
    soundfile.write(data / "llama_questions" / "0.wav", 0.5 * np.sin(np.arange(24_000) * 0.2), 24_000)
    arguments = ["evaluate", "turn-taking", "--data", str(data), "--model", "fake", "--limit", "1"]
    assert run([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "note: 1 sound files have 24000 Hz and were resampled to 16000 Hz" in capsys.readouterr().err


def test_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "list"]) == 0
    assert "understanding" in capsys.readouterr().out


class Deaf(FakeGenerator):
    """Hears, and has the method of a writer, but does not read."""

    writes = False

    def write(self, question: str) -> str:
        raise ConfigError("understands speech but no written text; ask it aloud")


class Reader(FakeGenerator):
    """Reads too."""

    writes = True

    def write(self, question: str) -> str:
        return "answer"


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments of an evaluation of two questions; what is heard in speech is a stand-in."""
    monkeypatch.setattr("duplex.eval.measures.judge.recognise", lambda samples, asr: "one two")
    data = write_data(tmp_path / "data", {f"question {i}": "answer" for i in range(2)})
    return ["--data", str(data), "--model", "fake", "--limit", "1", "--out", str(tmp_path / "out")]


def figures(tmp_path: Path) -> list[str]:
    report = json.loads((tmp_path / "out" / "spoken-qa-fake-balanced" / "report.json").read_text())
    return [figure["name"] for figure in report["figures"]]


def test_a_model_that_does_not_read_is_asked_aloud_only(
    questions: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("runtime.engine.worker.load_model", lambda model, rows, threads: Deaf(rows))
    assert run(["evaluate", "spoken-qa", *questions]) == 0
    assert "note: fake does not read written text: the written questions (T2T) were left out" in capsys.readouterr().err
    assert not [name for name in figures(tmp_path) if "T2T" in name]
    assert [name for name in figures(tmp_path) if name.startswith("S2T right")]


def test_a_model_that_reads_is_asked_in_writing_too(
    questions: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("runtime.engine.worker.load_model", lambda model, rows, threads: Reader(rows))
    assert run(["evaluate", "spoken-qa", *questions]) == 0
    assert "left out" not in capsys.readouterr().err
    assert [name for name in figures(tmp_path) if name.startswith("T2T right")]


def test_of_all_suites_only_those_that_cannot_be_had_are_left_out(
    questions: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overview = tmp_path / "all.json"
    assert run(["evaluate", "all", *questions, "--trials", str(tmp_path / "no"), "--json", str(overview)]) == 1
    said = capsys.readouterr().err
    values = json.loads(overview.read_text())
    had = {report["suite"] for report in values["reports"]}
    assert {"turn-taking", "understanding", "spoken-qa"} <= had
    assert "speech" in values["left_out"]
    assert had | set(values["left_out"]) == set(QUESTIONS)
    for name, why in values["left_out"].items():
        assert f"left out: {name}: {why}" in said


def test_what_is_set_of_a_model_reaches_every_process_and_the_report(
    questions: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str | None] = []

    class Patterned(FakeGenerator):
        patterns = ("S2M",)

        def open(self, row: int, options: ConversationOptions) -> None:
            opened.append(options.pattern)
            super().open(row, options)

        def tell(self, row: int, text: str) -> None: ...

        def mark_unheard(self, row: int, milliseconds: float) -> None: ...

    asked: list[object] = []

    def load(model: str, rows: int, threads: int, changes: object = None) -> FakeGenerator:
        asked.append(changes)
        return Patterned(rows)

    monkeypatch.setattr("runtime.engine.worker.load_model", load)
    options = ["--set", "live.policy=vad", "--pattern", "s2m", "--json", str(tmp_path / "one.json")]
    assert run(["evaluate", "turn-taking", *questions, *options]) == 0
    settings = json.loads((tmp_path / "one.json").read_text())["settings"]
    assert (settings["model"], settings["set"], settings["pattern"]) == ("fake", {"live.policy": "vad"}, "S2M")
    assert asked == [{"live.policy": "vad"}]
    assert set(opened) == {"S2M"}
    assert (tmp_path / "out" / "turn-taking-fake-S2M-balanced").is_dir()
    choice = ModelChoice("fake", {"live.policy": "vad"}, "S2M")
    assert pickle.loads(pickle.dumps(EngineSystem(choice, ConversationOptions()))).model == choice


@pytest.mark.parametrize("pattern", ["T2M", "T2T"])
def test_a_pattern_in_which_the_user_writes_is_refused(
    pattern: str, questions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "turn-taking", *questions, "--pattern", pattern]) == 2
    assert capsys.readouterr().err.startswith(f"error: --pattern {pattern}: users of an evaluation speak")
