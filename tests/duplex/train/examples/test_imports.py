"""Training data of other projects, in the forms in which they publish it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.base import ConfigError
from configs.model.patterns import FUNAUDIOCHAT, Pattern
from duplex.train.examples.example import Example, Turn
from duplex.train.examples.example_folder import ExampleFolder
from duplex.train.examples.imports import import_examples
from duplex.train.examples.source_rows import SourceError

Write = Callable[[list[Any]], Path]
MARK = "<|audio_bos|><|AUDIO|><|audio_eos|>"
ROUNDS: list[dict[str, Any]] = [
    {"split_name": "identity", "index": 2, "round": 1, "source_text": "<USER>: How much sea?", "source_wav": "q1.wav",
     "target_text": "Seventy-one percent.", "target_token": [745, 0, 4095]},
    {"split_name": "identity", "index": 2, "round": 2, "source_wav": "q2.wav", "target_text": "It is.",
     "source_text": "USER: How much sea? ASSISTANT: Seventy-one percent. <USER>: A lot!", "target_token": [3]},
    {"split_name": "identity", "index": 3, "round": 1, "source_text": "<USER>: Hi.", "source_wav": "q1.wav",
     "target_text": "Hello.", "target_token": []},
]  # fmt: skip


def funaudiochat(**changes: Any) -> dict[str, Any]:
    """A row as the authors' data_process.py writes it."""
    sounds = [
        {"path": "q1.wav", "text": "", "token": "<|audio_pad|>" * 50, "ref_path": "", "ref_text": "What is up?"},
        {"path": "", "text": "The sky.", "token": "<|audio_bos|>" * 10 + "[AU0000][AU0017][AU6560]", "ref_path": "",
         "ref_text": ""},
    ]  # fmt: skip
    messages = [{"role": "user", "content": MARK}, {"role": "assistant", "content": MARK}]
    row = {"system": FUNAUDIOCHAT.prompts[Pattern.S2M], "messages": messages, "audio": list(map(json.dumps, sounds))}
    return {**row, **changes}


@pytest.fixture(autouse=True)
def sounds(write_sound: Callable[[str, float], Path]) -> None:
    write_sound("q1.wav", 2.0)
    write_sound("q2.wav", 0.5)


def read(out: Path) -> list[Example]:
    return list(ExampleFolder(out).read("train"))


def test_fun_audio_chats_rows_are_examples(write_lines: Write, tmp_path: Path) -> None:
    told = [{"from": "human", "value": "Name a sea."}, {"from": "gpt", "value": "The Baltic."}]
    text = {"conversations": told, "system": FUNAUDIOCHAT.prompts[Pattern.S2T] + " Be short.", "id": "sea"}
    counted: list[None] = []
    source = write_lines([funaudiochat(), text])
    writer = import_examples(source, tmp_path / "out", 0.0, "en", lambda: counted.append(None))
    assert (writer.counts["train"], len(counted)) == (2, 2)
    folder = ExampleFolder(tmp_path / "out")
    assert (folder.tokens.vocabulary, folder.tokens.rate, folder.info.audio) == (6561, 25.0, "..")
    first, second = folder.read("train")
    assert first.turns == (
        Turn("user", "What is up?", "q1.wav", 2.0),
        Turn("assistant", "The sky.", tokens=(0, 17, 6560)),
    )
    assert (first.id, first.language, first.system, first.pattern) == ("00000000", "en", "", None)
    assert second.turns == (Turn("user", "Name a sea."), Turn("assistant", "The Baltic."))
    assert (second.id, second.pattern) == ("sea", Pattern.S2T)
    assert second.system.endswith("Be short.")
    assert folder.sound(first.turns[0]).exists()


def test_what_a_user_writes_beside_the_sound_is_kept(write_lines: Write, tmp_path: Path) -> None:
    messages = funaudiochat()["messages"]
    messages[0]["content"] = f"{MARK}\nIn French, please."
    import_examples(write_lines([funaudiochat(messages=messages)]), tmp_path / "out", 0.0)
    assert read(tmp_path / "out")[0].turns[0].text == "What is up?\nIn French, please."


def test_slam_omnis_rounds_become_one_dialogue(write_lines: Write, tmp_path: Path) -> None:
    import_examples(write_lines(ROUNDS), tmp_path / "out", 0.0)
    folder = ExampleFolder(tmp_path / "out")
    first, second = folder.read("train")
    assert (first.id, second.id, folder.tokens.rate) == ("identity-2", "identity-3", 50.0)
    assert [turn.text for turn in first.turns] == ["How much sea?", "Seventy-one percent.", "A lot!", "It is."]
    assert [turn.tokens for turn in first.turns] == [(), (745, 0, 4095), (), (3,)]
    assert [turn.seconds for turn in first.turns] == [2.0, 0.0, 0.5, 0.0]
    assert second.turns[1].tokens == ()


def test_sound_within_parquet_files_is_written_beside_the_examples(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number, (name, tokens) in enumerate((("../../x", [[5, 6]]), ("b", [[7]]))):
        row = {
            "question": f"<USER>: {name}?",
            "question_audio": {"bytes": (tmp_path / "q1.wav").read_bytes(), "path": "clip.wav"},
            "answer": "Yes.",
            "answer_cosyvoice_speech_token": tokens,
            "split_name": name,
            "index": number,
            "round": 1,
        }
        pq.write_table(pa.Table.from_pylist([row]), source / f"part-{number}.parquet")
    import_examples(source, tmp_path / "out", 0.0)
    folder = ExampleFolder(tmp_path / "out")
    first, second = folder.read("train")
    assert (first.turns[1].tokens, second.turns[1].tokens) == ((5, 6), (7,))
    for example in (first, second):
        sound = folder.sound(example.turns[0])
        assert (sound.exists(), example.turns[0].seconds) == (True, 2.0)
        assert sound.resolve().parent == tmp_path / "out" / "audio"


def test_a_share_is_held_out_by_the_name_of_the_dialogue(write_lines: Write, tmp_path: Path) -> None:
    rows = [{**ROUNDS[2], "index": number} for number in range(200)]
    counts = import_examples(write_lines(rows), tmp_path / "out", 0.25).counts
    assert counts["train"] + counts["validation"] == 200
    assert 30 < counts["validation"] < 70


BROKEN: list[tuple[list[Any], str]] = [
    ([], "holds no rows"),
    ([[1]], r"train\.jsonl:1: is no JSON object"),
    ([{"wav": "x"}], "is neither Fun-Audio-Chat's format"),
    ([funaudiochat(audio=[])], "fewer sounds than"),
    ([funaudiochat(audio=["{"])], "is no JSON object"),
    ([funaudiochat(audio=funaudiochat()["audio"] * 2)], "2 of its sounds are in no message"),
    ([funaudiochat(messages=[{"role": "judge", "content": ""}])], "needs a role"),
    ([funaudiochat(messages=[{"role": "user", "content": MARK * 2}])], "has 2 sounds"),
    ([funaudiochat(audio={"path": "x"})], "must be lists"),
    ([funaudiochat(), {"messages": 3}], r"train\.jsonl:2: .*must be lists"),
    ([{**ROUNDS[0], "target_token": [4096]}], "4096 is not below 4096"),
    ([{**ROUNDS[0], "target_token": ["x"]}], "no list of numbers"),
    ([{**ROUNDS[0], "source_text": 5}], "'source_text' is no text"),
    ([{**ROUNDS[0], "source_wav": "away.wav"}], r"away\.wav cannot be read"),
    ([{**ROUNDS[0], "target_text": "", "target_token": None}], "has neither text"),
]


@pytest.mark.parametrize(("rows", "reason"), BROKEN)
def test_what_is_wrong_is_named_with_its_place(
    write_lines: Write, tmp_path: Path, rows: list[Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as error:
        import_examples(write_lines(rows), tmp_path / "out", 0.0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"{", "not valid JSON"), (b"\xff\xfe", "not valid JSON"), (b"[" * 100_000, "not valid JSON")],
)
def test_a_line_that_is_no_json_is_named(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "broken.jsonl").write_bytes(data)
    with pytest.raises(SourceError, match=rf"broken\.jsonl:1: is {reason}"):
        import_examples(tmp_path / "broken.jsonl", tmp_path / "out", 0.0)


@pytest.mark.parametrize("name", ["train.csv", "empty", "train.parquet"])
def test_what_is_no_training_data_is_named(tmp_path: Path, name: str) -> None:
    if name == "empty":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("a,b")
    with pytest.raises(SourceError, match="cannot be read" if name.endswith("parquet") else r"no \.jsonl or \.parquet"):
        import_examples(tmp_path / name, tmp_path / "out", 0.0)
