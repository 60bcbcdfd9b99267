"""Configuration files: every mistake is reported in one line."""

from pathlib import Path

import pytest

from configs.audio import AUDIO
from configs.base import ConfigError, exact_div, read_yaml
from configs.eval.evaluation import EvaluationConfig
from configs.policy import PolicyConfig
from configs.runtime.runtime import RuntimeConfig


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(PolicyConfig(guard_slots=7).to_yaml())
    assert PolicyConfig.from_yaml(path) == PolicyConfig(guard_slots=7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("guard_slot: 3", "unknown key 'guard_slot'"),
        ("start: {probability: 3, slots: 1}", "'start.probability' is wrong"),
        ("start: [", "is not valid YAML"),
        ("- 1", "'key: value' lines"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"policy\.yaml") as caught:
        PolicyConfig.from_yaml(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


WRONG = {
    "not UTF-8": b"a: \xff",
    "nested deeply": b"a: " + b"[" * 5000,
    "a mapping nested deeply": b"{a: " * 5000,
    "a long number": b"a: " + b"9" * 5000,
    "a number that is none": b"a: !!int x",
    "a date that is none": b"a: 2024-99-99",
    "a time that is none": b"a: !!timestamp x",
    "a truth that is none": b"a: !!bool x",
    "a number of base 60": b"a: 1:" + b"59:" * 4000 + b"59.0",
    "an alias": b"a: &x [1]\nb: *x",
    "an endless alias": b"&x [*x]",
    "large": b"#" * 100_001,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_configuration_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(WRONG[name])
    with pytest.raises(ConfigError) as caught:
        PolicyConfig.from_yaml(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: is ")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 750


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"\xef\xbb\xbfguard_slots: 7")
    assert PolicyConfig.from_yaml(tmp_path / "policy.yaml").guard_slots == 7


def test_a_long_key_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("? " + "k" * 10_000 + "\n: 1")
    with pytest.raises(ConfigError, match="unknown key 'kkk") as caught:
        PolicyConfig.from_yaml(tmp_path / "policy.yaml")
    assert len(str(caught.value)) < len(str(tmp_path)) + 750


def test_brackets_within_brackets_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("a: " + "[" * 50 + "]" * 50)
    assert read_yaml(tmp_path / "deep.yaml")["a"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        PolicyConfig.from_yaml(tmp_path / "none.yaml")


def test_exact_div_refuses_a_remainder() -> None:
    assert exact_div(10, 5) == 2
    with pytest.raises(ConfigError, match="not a multiple"):
        exact_div(10, 3)


def test_lengths_of_a_slot() -> None:
    assert (AUDIO.slot_input_samples, AUDIO.slot_output_samples) == (3200, 4800)
    assert (AUDIO.tokens_per_slot, AUDIO.packets_per_slot, AUDIO.packet_output_samples) == (5, 10, 480)


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
def test_numbers_that_are_not_finite_are_refused(number: str, tmp_path: Path) -> None:
    path = tmp_path / "runtime.yaml"
    path.write_text(f"deadline_ms: {number}\n")
    with pytest.raises(ConfigError, match=r"'deadline_ms' is wrong: .*finite"):
        RuntimeConfig.from_yaml(path)


def test_a_limit_without_end_can_be_written() -> None:
    config = EvaluationConfig()
    assert EvaluationConfig.from_mapping(config.model_dump(), "defaults") == config
