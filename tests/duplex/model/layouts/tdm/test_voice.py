"""A voice written to a folder speaks the same when it is read again; a broken folder says so in one line."""

from pathlib import Path

import pytest
import torch

from configs.base import ConfigError
from configs.model.voice import VoiceConfig
from duplex.model.layouts.tdm.voice import CONFIG, HEAD, EmbeddedVoice, VoiceError
from duplex.model.stages.detokenizer import DetokenizerInput
from tests.duplex.model.stages.voices import small_voice


def test_round_trip_through_int8_is_stable(tmp_path: Path) -> None:
    small_voice().save(tmp_path / "once")
    once = EmbeddedVoice.load(tmp_path / "once")
    once.save(tmp_path / "twice")
    twice = EmbeddedVoice.load(tmp_path / "twice")
    assert once.config == small_voice().config
    assert torch.equal(once.head.silence, small_voice().head.silence)
    tokens = torch.randint(-2, 3, (1, 5, 15), generator=torch.Generator().manual_seed(0), dtype=torch.int8)
    yes = torch.tensor([True])
    pcm = [
        voice.detokenizer.step(DetokenizerInput(tokens, yes), voice.detokenizer.init_state(1), yes)
        for voice in (once, twice)
    ]
    torch.testing.assert_close(pcm[0], pcm[1])


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    small_voice().save(tmp_path)
    (tmp_path / CONFIG).write_text(VoiceConfig().to_yaml())
    with pytest.raises(VoiceError, match=rf"{HEAD} does not fit {CONFIG}"):
        EmbeddedVoice.load(tmp_path)


def test_unknown_key_is_refused(tmp_path: Path) -> None:
    small_voice().save(tmp_path)
    (tmp_path / CONFIG).write_text("pitch: 3\n")
    with pytest.raises(ConfigError, match="unknown key 'pitch'"):
        EmbeddedVoice.load(tmp_path)
