"""The head reads hidden vectors: they align with the tokens of their slot, they help, and it works without them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from configs.model.tiny import TINY
from configs.train.voice_training import EncoderTraining, HiddenTraining, SrhTraining
from duplex.corpus.exchange import Exchange
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.pointer import SCALARS
from duplex.model.stages.srh_networks import DigitNetwork
from duplex.train.voice import hidden, hidden_samples
from duplex.train.voice import teacher_shards as data
from duplex.train.voice.batch import HOLD
from duplex.train.voice.evaluate import speak
from duplex.train.voice.hidden_samples import place_vectors, silent_elsewhere
from duplex.train.voice.mind_vectors import LiveMind, quiet_features
from duplex.train.voice.srh import HeadSamples, digit_loss, simulate
from duplex.train.voice.teacher_shards import Utterance
from tests.duplex.train.voice.utterances import utterance

ANSWERS = (("the", "cat", "sat", "."), ("hello", "cat", "."), ("hello", "the", "strawberries", "sat", "."))
CONFIG = HiddenTraining(
    answers=3, held_out=1, steps=60, warmup=2, rate=2e-2, others=0.1, rows=2, conversations=2, measured_batches=2,
    srh=SrhTraining(batch=48, late_share=0.0), encoder=EncoderTraining(steps=3, batch=2, crop_tokens=10),
)  # fmt: skip


def _network() -> DigitNetwork:
    torch.manual_seed(0)
    return DigitNetwork(TINY.voice.srh, TINY.voice.tokenizer)


def _samples(slots: int = 40) -> HeadSamples:
    """Random tokens; the hidden vector of a slot tells their first digits, nothing else does."""
    torch.manual_seed(1)
    count, window = 5 * slots, TINY.voice.srh.window
    digits = torch.randint(-2, 3, (slots, 1, TINY.voice.tokenizer.digits), dtype=torch.int8).repeat(1, 5, 1)
    blank = torch.zeros(0, 1)
    whole = HeadSamples(
        torch.cat([digits.flatten(0, 1)[:10], digits.flatten(0, 1)]),
        torch.arange(count) + 10,
        torch.zeros(count, window, dtype=torch.uint8),
        torch.zeros(count, window, dtype=torch.uint8),
        torch.zeros(count, SCALARS),
        *(blank,) * 4,
    )
    told = torch.zeros(slots, TINY.voice.srh.hidden)
    told[:, : digits.shape[-1]] = digits[:, 0]
    return place_vectors(whole, [told[:15], told[15:]], [10, 10 + 5 * 15])


def test_a_vector_meets_the_tokens_of_its_slot() -> None:
    samples = _samples()
    told = samples.gather_hidden(torch.arange(len(samples.place)), TINY.voice.srh.hidden)
    assert torch.equal(told[:, : TINY.voice.tokenizer.digits], samples.digits[samples.place].float())


def test_tracks_and_vectors_agree_about_slots() -> None:
    utterances = [utterance(), utterance(("the", "cat", "."), 70.0)]
    layout = simulate(TINY.voice, SrhTraining(late_share=1.0), utterances, len)
    digits = torch.arange(layout.tokens)[:, None].repeat(1, TINY.voice.tokenizer.digits)
    assert len(layout.bands) == layout.tokens * TINY.voice.bands.frames_per_token
    vectors = [torch.arange(len(text))[:, None] + 1000.0 * track for track, text in enumerate(layout.texts)]
    samples = place_vectors(layout.samples(digits), vectors, layout.firsts)
    for track, first in enumerate(layout.firsts):
        own = (samples.place >= first) & (samples.place < first + 5 * len(layout.texts[track]))
        expected = 1000.0 * track + (samples.place[own] - first) // 5
        assert torch.equal(samples.gather_hidden(own.nonzero().flatten(), 1)[:, 0], expected.float())
    entered = [index for index in layout.texts[1] if index != HOLD]
    assert entered == list(range(len("the") + len("cat") + len(".") + 1))


def test_silence_where_the_head_is_not_asked() -> None:
    layout = simulate(TINY.voice, SrhTraining(), [utterance()])
    digits = torch.ones(layout.tokens, 6, dtype=torch.int8)
    silence = torch.full((6,), -2.0)
    kept = silent_elsewhere(digits, layout, silence)
    asked = layout.samples(digits).place
    assert (kept[asked] == 1).all()
    assert int((kept == -2).all(1).sum()) == layout.tokens - len(asked)


def test_vectors_that_tell_something_lower_the_loss(tmp_path: Path) -> None:
    network, samples = _network(), _samples()
    assert not network.hidden.weight.any()
    before = hidden.measure_held_out(network, CONFIG, samples)
    assert before["hidden"] == before["zeros"] == before["foreign"]
    hidden.tune(network, CONFIG.model_copy(update={"steps": 300}), samples, tmp_path / "hidden.pt")
    after = hidden.measure_held_out(network, CONFIG, samples)
    assert after["hidden"] < after["zeros"] - 0.1
    assert after["hidden"] < after["foreign"] - 0.1
    assert after["zeros"] < before["zeros"] + 0.05


def test_samples_without_vectors_give_the_head_zeros() -> None:
    network, samples = _network(), _samples()
    assert samples.hidden is not None
    with torch.no_grad():
        network.hidden.weight.normal_()
        plain, zero = replace(samples, slot=None, hidden=None), replace(samples, hidden=samples.hidden * 0)
        losses = []
        for one in (plain, zero):
            torch.manual_seed(0)
            losses.append(float(digit_loss(network, one, CONFIG.srh)))
    assert losses[0] == losses[1]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a tiny mind and voice; synthetic speech in place of the teacher's."""
    whole = random_tdm_model(TINY)
    whole.mind.save(tmp_path / "model")
    whole.voice.save(tmp_path / "model")
    drawn = [Exchange("who is it", " ".join(items), "kind", "") for items in ANSWERS]

    def load(folder: Path) -> list[Utterance]:
        return [utterance(items) for items in ANSWERS]

    monkeypatch.setattr(hidden.EmbeddedEars, "load", lambda folder: whole.ears)
    monkeypatch.setattr(hidden, "exchanges", lambda *given: drawn)
    monkeypatch.setattr(data, "run", lambda *given: None)
    monkeypatch.setattr(data, "load", load)
    return tmp_path / "model"


def test_the_recipe_writes_a_voice_that_reads_vectors(model: Path, tmp_path: Path) -> None:
    hidden.run(CONFIG, model, tmp_path / "work", tmp_path / "out")
    before, after = EmbeddedVoice.load(model).head, EmbeddedVoice.load(tmp_path / "out").head
    assert not before.digits.hidden.weight.any()
    assert after.digits.hidden.weight.any()
    assert torch.equal(before.silence, after.silence)
    assert all(
        torch.equal(one, two)
        for one, two in zip(before.durations.parameters(), after.durations.parameters(), strict=True)
    )
    report = json.loads((tmp_path / "work" / hidden.REPORT).read_text())
    assert set(report) == {"before", "hidden", "zeros", "foreign"}
    assert json.loads((tmp_path / "work" / hidden.QUESTIONS).read_text()) == {"the cat sat .": "who is it"}
    again = hidden.run(CONFIG, model, tmp_path / "work", tmp_path / "again")
    torch.testing.assert_close(again.head.digits.hidden.weight, after.digits.hidden.weight, rtol=0, atol=1e-3)


def test_played_tokens_are_what_the_head_says_itself(model: Path, tmp_path: Path) -> None:
    voice = EmbeddedVoice.load(model)
    layout = simulate(voice.config, CONFIG.srh, [utterance()])
    said = hidden_samples.freely(voice.head.digits, layout, voice.head.silence, rows=2)
    asked = torch.zeros(layout.tokens, dtype=torch.bool)
    asked[layout.samples(said).place] = True
    assert (said[~asked] == voice.head.silence.to(torch.int8)).all()
    assert (said[asked] != voice.head.silence.to(torch.int8)).any()


def test_it_speaks_with_and_without_a_core(model: Path) -> None:
    whole = random_tdm_model(TINY)
    with torch.no_grad():
        whole.voice.head.digits.hidden.weight.normal_()
    quiet = quiet_features(whole.ears, CONFIG.question, 20)
    live_mind = LiveMind(whole.mind, [(), ()], whole.voice.head.silence, quiet)
    seeing = speak(whole.voice, ("the", "cat", "."), 0, 16, live_mind)
    blind = speak(whole.voice, ("the", "cat", "."), 0, 16)
    assert len(seeing.samples) >= len(blind.samples) > 4800
