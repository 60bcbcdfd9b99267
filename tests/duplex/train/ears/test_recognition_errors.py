"""Recognising clips in bulk, feeding them slot by slot, and the measurements of both."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.train.ears import EarsEvaluation, RecognitionConfig
from duplex.model.text.spoken import list_spoken_words
from duplex.train.ears import evaluate
from duplex.train.ears import recognition_errors as errors
from duplex.train.ears.slot_listener import as_conversation, speech_end_s
from duplex.train.speech.bank import BankError, BankPart
from duplex.train.text.pretrain import read_misheard, read_pairs
from tests.duplex.train.dialogue.scenes import small_bank

RATE = AUDIO.input_rate


def _clips(count: int) -> list[errors.Samples]:
    generator = np.random.default_rng(0)
    return [generator.normal(0, 0.1, RATE // 4 * (1 + place % 3)).astype(np.float32) for place in range(count)]


def test_pairs_come_in_order_whatever_the_batch(ears: Path) -> None:
    whisper, clips = errors.load_embedded_whisper(ears), _clips(5)
    texts = [f"Clip {place}." for place in range(5)]
    found = list(errors.pairs(whisper, texts, clips, RecognitionConfig(batch=2, window=3)))
    assert [pair.said for pair in found] == [["clip", word] for word in ["zero", "one", "two", "three", "four"]]
    assert all(pair.heard for pair in found)
    heard = [errors.recognise(whisper, [clip], RecognitionConfig()) for clip in (clips[0], clips[3])]
    assert errors.recognise(whisper, [clips[0], clips[3]], RecognitionConfig()) == [*heard[0], *heard[1]]


def test_a_broken_off_run_goes_on(ears: Path, tmp_path: Path) -> None:
    bank = small_bank(tmp_path / "bank")
    config = RecognitionConfig(parts=("questions", "turns"), most=4, longest_s=4.0, window=3, batch=1)
    out = tmp_path / "pairs.jsonl"
    errors.run(config, bank, ears, out)
    whole = out.read_text(encoding="utf-8").splitlines()
    spoken = {" ".join(list_spoken_words(text)) for part in config.parts for text in texts(bank, part)}
    assert len(whole) == 4
    assert {json.loads(line)["said"] for line in whole} <= spoken
    out.write_text(whole[0] + "\n", encoding="utf-8")
    errors.run(config, bank, ears, out)
    assert out.read_text(encoding="utf-8").splitlines() == whole
    assert read_pairs(out) == [(row["said"], row["heard"]) for row in map(json.loads, whole)]


def test_a_whole_question_keeps_its_answer_for_what_was_heard(ears: Path, tmp_path: Path) -> None:
    bank, out = small_bank(tmp_path / "bank"), tmp_path / "pairs.jsonl"
    errors.run(RecognitionConfig(parts=("questions", "dialogues")), bank, ears, out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    heard = read_misheard(out)
    lines = [script.lines[0] for script in BankPart(bank, "questions").scripts]
    assert len(rows) > len(heard) == len(lines)
    assert {exchange.assistant for exchange in heard} == {line.answer for line in lines}
    assert {exchange.user for exchange in heard} <= {row["heard"] for row in rows}
    assert all(exchange.misheard for exchange in heard)


def test_a_clip_is_also_heard_faster_and_slower(tmp_path: Path) -> None:
    bank = small_bank(tmp_path)
    once = errors.lines(RecognitionConfig(parts=("questions",)), bank)
    drawn = errors.lines(RecognitionConfig(parts=("questions",), speeds=(0.8, 1.0, 1.25)), bank)
    assert len(drawn) == 3 * len(once)
    lengths = {(one.line.text, one.speed): len(one.samples()) for one in drawn}
    for one in drawn:
        assert lengths[one.line.text, one.speed] == pytest.approx(lengths[one.line.text, 1.0] / one.speed, abs=1)
        assert one.seconds == pytest.approx(lengths[one.line.text, one.speed] / RATE, abs=1e-3)


def texts(bank: Path, part: str) -> list[str]:
    return [line.text for script in BankPart(bank, part).scripts for line in script.lines]


def test_missing_files_are_named(ears: Path, tmp_path: Path) -> None:
    with pytest.raises(BankError, match=r"questions\.jsonl"):
        errors.run(RecognitionConfig(), tmp_path, ears, tmp_path / "out.jsonl")
    with pytest.raises(ConfigError, match="run 'duplex train errors'"):
        read_pairs(tmp_path / "nothing.jsonl")


def test_the_end_of_speech_is_found() -> None:
    clip = np.concatenate([_clips(1)[0], np.zeros(RATE, np.float32)])
    assert speech_end_s(clip) == pytest.approx(0.25, abs=0.011)
    heard = as_conversation(clip, EarsEvaluation(lead_s=0.5, tail_s=1.0))
    assert len(heard) == len(clip) + RATE * 3 // 2
    assert 0 < np.abs(heard[: RATE // 2]).max() < 0.01


def test_all_figures_are_measured(ears: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = tmp_path / "data"
    rows = []
    for name, text in (("speech/a.wav", "the cat || mat"), ("speech/b.wav", ""), ("noise/c.wav", "")):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(data / name, _clips(1)[0], RATE)
        rows.append(json.dumps({"file": name, "text": text}))
    (data / "manifest.jsonl").write_text("\n".join(rows), encoding="utf-8")
    config = EarsEvaluation(sets=("speech",), turns_s=(0.5,), repeats=1, silence_s=0.4, tail_s=0.6, whole_s=1.0)
    figures = evaluate.run(config, data, ears, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == figures
    assert figures["word_errors"]["speech"]["n"] == 1
    assert figures["word_errors"]["speech"]["words"] == 2
    assert figures["noise"]["n"] == 1
    assert figures["speed"]["decode_ms"]["0.5"]["p50"] > 0
