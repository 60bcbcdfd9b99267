"""Recipe: takes the trained parts of a run and writes the folder that ships and that `EmbeddedVoice.load` reads.

This module uses the files of a training run; it does not depend on how they were made.
"""

from pathlib import Path

from configs.model.voice import VoiceConfig
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.text.lexicon import Lexicon
from duplex.train.voice.decoder import load_decoder
from duplex.train.voice.srh import load_networks
from duplex.train.voice.tokenizer import load_codec


def run(voice: VoiceConfig, trained: Path, lexicon: Lexicon, out: Path) -> EmbeddedVoice:
    """Write lexicon, head and detokenizer to `out`, with the fine-tuned decoder if there is one."""
    shipped = EmbeddedVoice.fresh(voice, lexicon)
    codec, networks = load_codec(voice, trained), load_networks(voice, trained)
    has_tuned = (trained / "decoder.pt").exists()
    decoder = load_decoder(voice, trained) if has_tuned else codec.decoder
    shipped.head.digits.load_state_dict(networks.digits.state_dict())
    shipped.head.durations.load_state_dict(networks.durations.state_dict())
    shipped.detokenizer.decoder.load_state_dict(decoder.state_dict())
    shipped.set_silence(codec.encoder.silence_token())
    shipped.save(out)
    return shipped
