"""Small random voices for the tests of the speaking stages."""

import torch

from configs.model.voice import DetokenizerConfig, SrhConfig, TokenizerConfig, VoiceConfig
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.text.lexicon import Lexicon

WORDS = {"a": "ɐ", "hello": "həlˈO", "the": "ðə", "cat": "kˈæt", "sat": "sˈæt", "strawberries": "stɹˈɔbˌɛɹiz"}


def small_voice(seed: int = 0) -> EmbeddedVoice:
    """Seeded random weights of a tenth of the size; units of some 60 ms; a token of silence that is not zero."""
    torch.manual_seed(seed)
    config = VoiceConfig(
        tokenizer=TokenizerConfig(width=16, inner=32),
        detokenizer=DetokenizerConfig(width=16, inner=32, head=32, dilations=(1, 2)),
        srh=SrhConfig(
            width=32, blocks=1, embedding=8, duration_width=24, duration_blocks=1, duration_embedding=8, hidden=6
        ),
    )
    voice = EmbeddedVoice.fresh(config, Lexicon(WORDS))
    with torch.no_grad():
        voice.head.durations.outward.bias.reshape(2, -1)[:, 1] += 4.0
    voice.set_silence(torch.tensor([1.0, -2.0, 0.0] * 5))
    return voice
