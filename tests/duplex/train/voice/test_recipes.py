"""The recipes run end to end on synthetic speech, resume where they stopped, and learn something."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from configs.model.voice import DetokenizerConfig, SrhConfig, TokenizerConfig, VoiceConfig
from configs.train.voice_training import DecoderTraining, SrhTraining, TokenizerTraining
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice import decoder, srh, tokenizer
from duplex.train.voice.teacher_shards import Utterance
from tests.duplex.train.voice.utterances import utterance

VOICE = VoiceConfig(
    tokenizer=TokenizerConfig(width=16, inner=32),
    detokenizer=DetokenizerConfig(width=16, inner=32, head=32, dilations=(1, 2)),
    srh=SrhConfig(width=32, blocks=1, embedding=8, duration_width=24, duration_blocks=1, duration_embedding=8),
)


def _speech(folder: Path) -> list[Utterance]:
    return [utterance(unit_ms=50.0), utterance(("the", "cat", "sat", "."), unit_ms=75.0)]


@pytest.fixture
def _made_up_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tokenizer, srh, decoder):
        monkeypatch.setattr(module, "load", _speech)


@pytest.mark.usefixtures("_made_up_speech")
def test_tokenizer_head_and_decoder_in_a_row(tmp_path: Path) -> None:
    codec = tokenizer.run(VOICE, TokenizerTraining(steps=3, batch=2, crop_tokens=20), tmp_path, tmp_path)
    training = SrhTraining(steps=3, batch=8)
    srh.run(VOICE, training, codec.encoder.eval(), tmp_path, tmp_path)
    tuning = DecoderTraining(steps=3, batch=2, crop_tokens=20, rows=2)
    tuned = decoder.run(VOICE, tuning, training, tmp_path, tmp_path)
    again = decoder.load_decoder(VOICE, tmp_path)
    assert all(torch.equal(value, tuned.state_dict()[name]) for name, value in again.state_dict().items())


@pytest.mark.usefixtures("_made_up_speech")
def test_prepared_samples_point_at_their_tokens() -> None:
    torch.manual_seed(0)
    encoder = tokenizer.Codec.fresh(VOICE).encoder.eval()
    samples = srh.prepare(VOICE, SrhTraining(), encoder, _speech(Path()))
    assert len(samples.place) == len(samples.units) == len(samples.scalars)
    assert int(samples.place.max()) < len(samples.digits)
    assert torch.equal(samples.digits[5], encoder.silence_token())
    assert len(samples.unit_classes) == sum(len(one.units) for one in _speech(Path()))


@pytest.mark.usefixtures("_made_up_speech")
def test_free_running_in_groups_equals_one_group() -> None:
    torch.manual_seed(0)
    samples = srh.prepare(VOICE, SrhTraining(), tokenizer.Codec.fresh(VOICE).encoder.eval(), _speech(Path()))
    network = srh.HeadNetworks(VOICE).digits.eval()
    apart, together = (decoder.free_running(network, samples, rows) for rows in (1, 2))
    assert torch.equal(apart, together)
    untouched = torch.ones(len(samples.digits), dtype=torch.bool)
    untouched[samples.place] = False
    assert torch.equal(apart[untouched], samples.digits[untouched])


class _Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x


def _fit(path: Path, stop: int, steps: int = 40) -> _Line:
    model = _Line()
    loop = Loop(model, Optimization(0.1), steps, path, "line")
    for step in loop.steps(cosine(2, steps)):
        loop.update((model(torch.ones(1)) - 2).square().mean())
        if step == stop:
            loop.checkpoint(step + 1)
            break
    return model


def test_loop_learns_and_resumes_to_the_same_end(tmp_path: Path) -> None:
    straight = _fit(tmp_path / "a.pt", stop=-1)
    _fit(tmp_path / "b.pt", stop=17)
    resumed = _fit(tmp_path / "b.pt", stop=-1)
    assert torch.equal(straight.slope, resumed.slope)
    assert straight.slope.item() > 0.1


def test_finished_run_is_not_repeated(tmp_path: Path) -> None:
    first = _fit(tmp_path / "a.pt", stop=-1)
    stamp = (tmp_path / "a.pt").stat().st_mtime_ns
    again = _fit(tmp_path / "a.pt", stop=-1)
    assert torch.equal(first.slope, again.slope)
    assert (tmp_path / "a.pt").stat().st_mtime_ns == stamp
