"""Small listening model on disk, shared by the tests of the ears' recipes."""

from pathlib import Path

import pytest
from safetensors.torch import save_file

from configs.model.ears import CtcConfig, DecodingConfig, EncoderConfig, TranscriberConfig, WordsConfig
from configs.model.model import EarsConfig
from duplex.model.layouts.tdm.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.model.weights.quantize import pack
from tests.duplex.model.stages import pieces
from tests.duplex.model.stages.whispers import SHAPE, reference, weights

CREDULOUS = DecodingConfig(least_logprob=-99.0)
CTC = CtcConfig(width=16, inner=24, kernel=3, dilations=(1,))


@pytest.fixture(scope="session")
def ears(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random Whisper that believes everything it writes."""
    folder = tmp_path_factory.mktemp("ears")
    words = WordsConfig(transcriber=TranscriberConfig(shape=SHAPE, decoding=CREDULOUS), ctc=CTC)
    config = EarsConfig(encoder=EncoderConfig(shape=SHAPE, cycle_frames=300), words=words)
    (folder / CONFIG).write_text(config.to_yaml(), encoding="utf-8")
    pieces.VOCABULARY.save(folder / VOCABULARY)
    save_file(pack(weights(reference())), folder / WEIGHTS)
    return folder
