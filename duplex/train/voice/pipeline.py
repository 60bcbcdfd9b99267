"""Recipe: trains the whole voice, from texts to the folder that ships. Each part resumes where it stopped.

This module has the order of the recipes; their work is in their own files.
"""

from pathlib import Path
from typing import Final

from configs.model.voice import VoiceConfig
from configs.train.voice_training import VoiceTraining
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.text.lexicon import Lexicon
from duplex.train.voice import decoder, export, lexicon, srh, tokenizer
from duplex.train.voice import teacher_shards as data
from duplex.train.voice.answers import answers

LEXICON: Final = "lexicon.xz"
SPEECH: Final = "speech"


def run(training: VoiceTraining, work: Path, out: Path, voice: VoiceConfig | None = None) -> EmbeddedVoice:
    """Train with `training`; intermediate files go to `work`, the voice goes to `out`.

    Without `decoder.steps` the band decoder of the tokenizer ships as it is.
    """
    voice = voice or VoiceConfig()
    work.mkdir(parents=True, exist_ok=True)
    texts = answers(training.corpus.answers, training.corpus.seed)
    words = _lexicon(work / LEXICON, {word for items in texts for word in items})
    speech = work / SPEECH
    data.run(voice, training.corpus, words, speech, texts[: training.corpus.spoken_answers])
    codec = tokenizer.run(voice, training.tokenizer, speech, work)
    srh.run(voice, training.srh, codec.encoder.eval(), speech, work)
    if training.decoder.steps:
        decoder.run(voice, training.decoder, training.srh, speech, work)
    return export.run(voice, work, words, out)


def _lexicon(path: Path, words: set[str]) -> Lexicon:
    return Lexicon.load(path) if path.exists() else lexicon.run(path, words)
