"""Recipe `duplex train voice-hidden`: trains the pointer head to read the core's hidden vector.

It starts from the voice that ships and uses the assistant's own answers: the map of the hidden vector, zero until then,
learns fast, and everything else slowly. This module has the order of the parts and their files; `hidden_samples` makes
the samples.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from configs.base import ConfigError
from configs.train.voice_training import HiddenTraining, SrhTraining, VoiceCorpusConfig
from duplex.corpus.exchange import Exchange
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.speech_tokenizer import SpeechTokenizer
from duplex.model.stages.srh_networks import DigitNetwork
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice import teacher_shards as data
from duplex.train.voice import token_encoder as encoder
from duplex.train.voice.answers import exchanges
from duplex.train.voice.hidden_samples import Preparation, SlottedAnswers
from duplex.train.voice.mind_vectors import quiet_features
from duplex.train.voice.srh import HeadSamples, digit_loss
from duplex.train.voice.teacher_shards import Utterance
from duplex.train.voice.teacher_texts import Items, items_of
from duplex.train.voice.tokenizer import load_codec

HIDDEN: Final = "hidden.weight"
SPEECH: Final = "speech"
LEARNT: Final = "learnt.pt"
HELD_OUT: Final = "held_out.pt"
QUESTIONS: Final = "held_out.json"
REPORT: Final = "hidden.json"
_LONGEST_ITEMS = 45
_ROWS_AN_ANSWER = 6


def run(config: HiddenTraining, model: Path, work: Path, out: Path, codec: Path | None = None) -> EmbeddedVoice:
    """Train the voice of `model` on vectors of its mind; files of the run go to `work`, the voice goes to `out`.

    `codec` is the folder of the run that trained the voice, for its encoder; without it one is fitted to the voice.

    Raises:
        ConfigError: the encoder in `codec` belongs to another voice.
    """
    work.mkdir(parents=True, exist_ok=True)
    voice = EmbeddedVoice.load(model)
    if not (work / LEARNT).exists():
        _prepare(config, voice, model, work, codec)
    network, held_out = voice.head.digits, HeadSamples.load(work / HELD_OUT)
    before = measure_held_out(network, config, held_out)["zeros"]
    tune(network, config, HeadSamples.load(work / LEARNT), work / "hidden.pt")
    report = {"before": before, **measure_held_out(network, config, held_out)}
    write_text(work / REPORT, json.dumps(report, indent=2) + "\n")
    voice.save(out)
    return voice


def tune(network: DigitNetwork, config: HiddenTraining, samples: HeadSamples, out: Path) -> None:
    """Train `network` in place on samples with hidden vectors; resumes from the checkpoint `out`."""
    torch.manual_seed(config.seed)
    shares = {name: config.others for name, _ in network.named_parameters() if name != HIDDEN}
    loop = Loop(network, Optimization(config.rate, shares=shares), config.steps, out, "hidden")
    for step in loop.steps(cosine(config.warmup, config.steps)):
        torch.manual_seed(config.seed * config.steps + step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = digit_loss(network, samples, config.srh)
        loop.update(loss)


def measure_held_out(network: DigitNetwork, config: HiddenTraining, samples: HeadSamples) -> dict[str, float]:
    """Loss with the right hidden vectors, with zeros, and with those of other slots."""
    assert samples.slot is not None
    torch.manual_seed(config.seed)
    foreign = replace(samples, slot=samples.slot[torch.randperm(len(samples.slot))])
    seeing, blind = (config.srh.model_copy(update={"blind_share": share}) for share in (0.0, 1.0))
    return {
        "hidden": _mean_loss(network, samples, seeing, config.measured_batches),
        "zeros": _mean_loss(network, samples, blind, config.measured_batches),
        "foreign": _mean_loss(network, foreign, seeing, config.measured_batches),
    }


@torch.no_grad()
def _mean_loss(network: DigitNetwork, samples: HeadSamples, config: SrhTraining, batches: int) -> float:
    """Mean loss, over the same draws for every network and kind of vectors."""
    losses = []
    for batch in range(batches):
        torch.manual_seed(batch)
        losses.append(float(digit_loss(network, samples, config)))
    return round(sum(losses) / batches, 5)


def _prepare(config: HiddenTraining, voice: EmbeddedVoice, model: Path, work: Path, codec: Path | None) -> None:
    """Write the samples for training and those for measurement only."""
    asked = _map_questions(config)
    corpus = VoiceCorpusConfig(hours=0, seed=config.seed, speeds=config.speeds)
    data.run(voice.config, corpus, voice.head.lexicon, work / SPEECH, list(asked))
    mind, quiet = EmbeddedMind.load(model), quiet_features(EmbeddedEars.load(model), config.question)
    preparation = Preparation(voice, mind, quiet, config, asked)
    utterances = list(data.load(work / SPEECH))
    _write_questions(utterances[: config.held_out], asked, work / QUESTIONS)
    held_out, learnt = (
        preparation.lay_out(part) for part in (utterances[: config.held_out], utterances[config.held_out :])
    )
    tokenizer = _take_tokenizer(voice, codec) if codec else _fit_tokenizer(config, voice, learnt, work)
    preparation.samples(held_out, tokenizer).save(work / HELD_OUT)
    preparation.samples(learnt, tokenizer).save(work / LEARNT)


def _map_questions(config: HiddenTraining) -> dict[Items, Exchange]:
    """Exchanges by the items of their answer, for answers that can be spoken as they are."""
    drawn = exchanges(config.answers, config.seed, _ROWS_AN_ANSWER * config.answers)
    pairs = ((items_of(exchange.assistant), exchange) for exchange in drawn)
    return {items: exchange for items, exchange in pairs if items and len(items) <= _LONGEST_ITEMS}


def _write_questions(utterances: Sequence[Utterance], asked: dict[Items, Exchange], path: Path) -> None:
    """Questions of the held-out answers by answer, as `Questions` of `mind_vectors` takes them."""
    found = {asked[one.items].assistant: asked[one.items].user for one in utterances}
    write_text(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _take_tokenizer(voice: EmbeddedVoice, codec: Path) -> SpeechTokenizer:
    tokenizer = load_codec(voice.config, codec).encoder
    if not torch.equal(tokenizer.silence_token().float(), voice.head.silence.float()):
        raise ConfigError(
            f"{codec} has the encoder of another voice; name the run that trained this one, or leave it out"
        )
    return tokenizer


def _fit_tokenizer(config: HiddenTraining, voice: EmbeddedVoice, learnt: SlottedAnswers, work: Path) -> SpeechTokenizer:
    return encoder.run(voice, config.encoder, learnt.layout.bands, learnt.said, work / "encoder.pt")
