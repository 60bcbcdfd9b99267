"""Conditions from the command line to a report's settings."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from configs.base import ConfigError
from configs.eval.conditions import EXAMPLES, Condition, ConditionsConfig, Loss
from duplex.eval.errors import EvaluationError
from duplex.eval.users.clip import Clip
from duplex.eval.users.conditions import Conditions, at_rate, parse
from tests.duplex.eval.users.acoustics import CONFIG, NUMBERS, clip_of, hear, script_of, tone, write_sounds


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_sounds(tmp_path / "data")


def test_nothing_is_one_clean_run() -> None:
    assert parse(()) == (Condition(),)
    assert (Condition().name, Condition().file_name) == ("clean", "")


def test_a_sweep_is_a_run_for_every_value() -> None:
    assert [c.snr for c in parse(["snr=clean,20,0"])] == [None, 20.0, 0.0]
    swept = parse(["rir", "loss=0.05,0.1/3", "snr=10,5"])
    assert [c.name for c in swept] == [
        "rir snr=10 loss=0.05",
        "rir snr=5 loss=0.05",
        "rir snr=10 loss=0.1/3",
        "rir snr=5 loss=0.1/3",
    ]
    assert swept[2].loss == Loss(rate=0.1, burst=3.0)


def test_names_stand_in_the_order_of_their_effect() -> None:
    (condition,) = parse(["loss=0.05/3", "mulaw", "snr=0", "rir=2", "echo=-30", "rate=1.25"])
    assert condition.name == "rate=1.25 echo=-30 rir=2 snr=0 mulaw loss=0.05/3"
    assert condition.file_name == "rate1.25-echo-30-rir2-snr0-mulaw-loss0.05x3"
    assert parse(condition.terms) == (condition,)


def test_every_known_condition_has_an_example_that_can_be_written() -> None:
    assert list(EXAMPLES) == list(Condition.model_fields)
    for text in EXAMPLES.values():
        assert all(parse([one]) for one in text.split(" or "))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["fog"], r"--condition fog: there is no 'fog'; choose among rate, echo, rir, snr, mulaw, loss"),
        (["snr=10", "snr=5"], r"--condition snr=5: 'snr' is given twice; list its values"),
        (["snr"], r"condition: 'snr' is wrong: .*number.*; write it like snr=10"),
        (["snr=loud"], r"condition: 'snr' is wrong: .*number"),
        (["snr=99"], r"condition: 'snr' is wrong: .*less than or equal to 80"),
        (["echo=3"], r"condition: 'echo' is wrong: .*less than or equal to 0; write it like echo=-30"),
        (["rate=3"], r"condition: 'rate' is wrong: .*less than or equal to 2"),
        (["rir=-1"], r"condition: 'rir' is wrong: .*greater than or equal to 0"),
        (["mulaw=8"], r"condition: 'mulaw' is wrong: .*boolean.*; write it like mulaw"),
        (["loss=1.5"], r"condition: 'loss.rate' is wrong: .*less than 1; write it like loss=0.05 or loss=0.05/3"),
        (["loss=0.1/x"], r"condition: 'loss.burst' is wrong: .*number"),
        (["loss=0.9/2"], r"condition: 'loss' is wrong: .*0.9 cannot be lost in bursts of 2"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(texts: list[str], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as raised:
        parse(texts)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["snr=10", "rir"])
def test_missing_sounds_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"file": "llama_questions/1.wav"}\n')
    with pytest.raises(EvaluationError, match=r"names no wav in (noise|rir)/"):
        Conditions.of(parse([text])[0], tmp_path, NUMBERS)


def test_sounds_are_only_needed_where_they_are_used() -> None:
    condition = parse(["mulaw", "echo=-30", "loss=0.1", "rate=1.1"])[0]
    assert Conditions.of(condition, Path("nowhere"), NUMBERS).facts()["files_sha256"] == {}


def test_a_room_that_is_not_there_is_refused(data: Path) -> None:
    with pytest.raises(EvaluationError, match=r"rir=3: .* has rooms 1 to 2"):
        Conditions.of(Condition(rir=3), data, NUMBERS)


def test_short_or_silent_noise_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"no file has 60 s"):
        Conditions.of(Condition(snr=3.0), data, ConditionsConfig.from_mapping({"noise": {"least_s": 60.0}}, "test"))
    silent = write_sounds(tmp_path / "silent")
    clip_of(silent / "noise" / "hiss.wav", np.zeros(5 * 16_000, np.float32))
    with pytest.raises(EvaluationError, match=r"hiss\.wav: is silent"):
        Conditions.of(Condition(snr=3.0), silent, NUMBERS)


def test_the_facts_name_everything_that_changes_the_sound(data: Path) -> None:
    facts = Conditions.of(parse(["snr=10", "rir=2"])[0], data, NUMBERS).facts()
    assert facts["name"] == "rir=2 snr=10"
    assert facts["values"]["rir"] == 2
    assert facts["definitions"]["echo"] == {"delay_ms": 60}
    assert list(facts["files_sha256"]) == ["noise/hiss.wav", "noise/other.wav", "rir/open.wav"]
    assert facts["files_sha256"]["rir/open.wav"] == hashlib.sha256((data / "rir/open.wav").read_bytes()).hexdigest()
    assert json.loads(json.dumps(facts)) == facts


def test_conditions_go_to_other_processes(data: Path, tmp_path: Path) -> None:
    conditions = Conditions.of(parse(["snr=10", "rir", "loss=0.1"])[0], data, NUMBERS)
    script = script_of(clip_of(tmp_path / "clip.wav", tone(300.0, 0.5)), 0.1)
    there = pickle.loads(pickle.dumps(conditions))
    np.testing.assert_array_equal(hear(conditions.user(script, CONFIG, 3)), hear(there.user(script, CONFIG, 3)))


def test_a_rate_multiplies_that_of_the_clips(tmp_path: Path) -> None:
    script = script_of(Clip(tmp_path / "one.wav", rate=0.8), 0.5)
    changed = at_rate(script, 1.25)
    assert changed.events[0].clip.rate == pytest.approx(1.0)
    assert changed.events[0].when == script.events[0].when
    assert changed.silence_s == script.silence_s


def test_an_echo_that_comes_before_it_can_be_known_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"echo.delay_ms must be at least 60"):
        ConditionsConfig.from_mapping({"echo": {"delay_ms": 20}}, "test")
