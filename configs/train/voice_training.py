"""Settings of the voice's training recipes: corpus, tokenizer, pointer head, decoder, hidden vectors."""

from pathlib import Path

from configs.base import Config


class VoiceCorpusConfig(Config):
    """What the teacher voice reads.

    `texts` are files of natural English whose paragraphs are separated by lines "%" (missing files are skipped);
    `natural_share` of the utterances come from them while they last, the others from templates.
    `answers` of the assistant supply the lexicon's words; `spoken_answers` of them are also read aloud.
    """

    hours: float = 12.0
    seed: int = 1
    texts: tuple[Path, ...] = ()
    natural_share: float = 0.55
    answers: int = 12_000
    spoken_answers: int = 4_500
    most_units: int = 260
    shard_utterances: int = 400
    speeds: tuple[float, ...] = (0.9, 0.95, 1.0, 1.0, 1.05, 1.1)


class TokenizerTraining(Config):
    """Tokenizer: encoder and decoder together, on crops of the teacher's bands."""

    steps: int = 11_000
    seed: int = 0
    batch: int = 6
    crop_tokens: int = 96
    rate: float = 2e-3
    warmup: int = 100
    noise_share: float = 0.15
    bump_share: float = 0.03


class SrhTraining(Config):
    """Pointer head on simulated text arrival (one text token a slot).

    `late_share` of the utterances get text late: a slot brings no token with probability `late_chance`.
    `long_word_share` of the words take more than one token. Text is held back while `hold_units` units are queued. Of
    the samples with hidden vectors of the language model, `blind_share` get zeros instead, so that the head can also
    speak without one.
    """

    steps: int = 9_000
    seed: int = 0
    batch: int = 768
    rate: float = 2e-3
    warmup: int = 200
    late_share: float = 0.15
    late_chance: float = 0.35
    long_word_share: float = 0.12
    hold_units: int = 16
    duration_weight: float = 0.5
    digit_noise: float = 0.15
    noisy_share: float = 0.7
    foreign_share: float = 0.06
    blank_share: float = 0.06
    following_noise: float = 0.1
    blind_share: float = 0.25


class DecoderTraining(Config):
    """Fine-tuning of the band decoder on the head's digits; `true_share` of the crops keep the encoder's."""

    steps: int = 5_000
    seed: int = 0
    batch: int = 8
    crop_tokens: int = 96
    rate: float = 8e-4
    warmup: int = 100
    rows: int = 256
    true_share: float = 0.2


class VoiceTraining(Config):
    """One training run of the whole voice."""

    corpus: VoiceCorpusConfig = VoiceCorpusConfig()
    tokenizer: TokenizerTraining = TokenizerTraining()
    srh: SrhTraining = SrhTraining()
    decoder: DecoderTraining = DecoderTraining()


class EncoderTraining(Config):
    """An encoder for a given decoder: it recovers the digits from the sound that the decoder makes of them.

    `foreign_weight` weights the teacher's own sound, which the decoder has to reproduce.
    """

    steps: int = 2_000
    seed: int = 0
    batch: int = 6
    crop_tokens: int = 96
    rate: float = 2e-3
    warmup: int = 100
    foreign_weight: float = 0.5


class QuestionConfig(Config):
    """How questions precede the answers: slots until the user's words are known, and until the answer begins.

    The first slot's number is at most `latest_first_slot`. The user is silent except for noise of deviation `noise`.
    """

    before: tuple[int, int] = (4, 16)
    after: tuple[int, int] = (0, 3)
    latest_first_slot: int = 600
    noise: float = 1e-3


class HiddenTraining(Config):
    """Fine-tuning of the pointer head on hidden vectors of the core.

    `answers` distinct answers of the corpus are spoken at `speeds`; `held_out` of them are only for measurement. The
    map of the hidden vector learns at `rate`, everything else at `others` times that.
    """

    seed: int = 0
    answers: int = 2_400
    held_out: int = 130
    speeds: tuple[float, ...] = (0.95, 1.0, 1.0, 1.05)
    question: QuestionConfig = QuestionConfig()
    encoder: EncoderTraining = EncoderTraining()
    srh: SrhTraining = SrhTraining(late_share=0.05)
    rows: int = 256
    conversations: int = 16
    steps: int = 1_500
    rate: float = 1e-3
    others: float = 0.06
    warmup: int = 50
    measured_batches: int = 24
