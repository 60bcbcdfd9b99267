import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.train.simulation import TrialsConfig
from duplex.train.dialogue.trials import TrialRecording, run
from duplex.train.speech.bank import BankError

CONFIG = TrialsConfig(noises=2, tics=3, streams=1.0)


def read_trials(folder: Path) -> list[TrialRecording]:
    rows = (folder / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    return [TrialRecording(**json.loads(row)) for row in rows]


@pytest.fixture(scope="module")
def folder(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trials")
    run(CONFIG, folder, bank)
    return folder


def of(folder: Path, test: str) -> list[tuple[TrialRecording, np.ndarray]]:
    trials = [trial for trial in read_trials(folder) if trial.test == test]
    return [(trial, soundfile.read(folder / f"{trial.name}.wav", dtype="float32")[0]) for trial in trials]


def test_every_test_has_its_trials(folder: Path) -> None:
    counts = {test: len(of(folder, test)) for test in {trial.test for trial in read_trials(folder)}}
    questions = dict.fromkeys(("question_voice", "question_frame", "question_voice_frame", "question_robot"), 3)
    assert counts == {
        **questions,
        "pause": 12,
        "backchannel": 2,
        "command": 1,
        "noise": 2,
        "vocal_tic": 3,
        "silence": 1,
        "room": 1,
    }


def test_speech_is_where_the_trial_says(folder: Path) -> None:
    for trial, samples in of(folder, "question_voice"):
        assert len(samples) == pytest.approx(trial.end * 16_000, abs=1)
        assert np.abs(samples[: int(trial.start * 16_000)]).max() < 0.005
        assert np.abs(samples[int(trial.start * 16_000) :]).max() > 0.05
        assert trial.key == "Paris"


def test_the_pause_is_where_the_trial_says(folder: Path) -> None:
    trials = of(folder, "pause")
    assert {trial.pause for trial, _ in trials} == {0.3, 0.6, 1.0}
    for trial, samples in trials:
        first, last = (int(second * 16_000) for second in (trial.pause_start, trial.pause_start + trial.pause))
        assert np.abs(samples[first + 40 : last - 40]).max() < 0.005
        assert np.abs(samples[first - 3200 : first]).max() > 0.02
        assert np.abs(samples[last : last + 3200]).max() > 0.02


def test_sounds_during_answers_name_a_question_to_ask_first(folder: Path) -> None:
    trials = {trial.name: trial for trial in read_trials(folder)}
    for test in ("backchannel", "command", "noise"):
        assert all(trials[trial.ask].long for trial, _ in of(folder, test))


def test_trials_are_repeatable(folder: Path, bank: Path, tmp_path: Path) -> None:
    run(CONFIG, tmp_path, bank)
    for file in sorted(folder.iterdir()):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


def test_an_empty_bank_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="run 'duplex train speech' first"):
        run(CONFIG, tmp_path / "out", tmp_path)
