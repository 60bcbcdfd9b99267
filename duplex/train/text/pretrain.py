"""Text pre-training of the core on the corpus, before it hears or speaks. The command is `duplex train text`.

This module handles dialogues, steps and checkpoints; it does not depend on audio.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_model, save_model

from configs.base import ConfigError
from configs.model.language import PretrainConfig
from duplex.corpus.corpus import Corpus
from duplex.corpus.exchange import Dialogue, Exchange
from duplex.io.whole_files import text_lines, write_json
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.text.evaluate import Knowledge
from duplex.train.text.mimetic_init import set_to_copy
from duplex.train.text.noise import Mishearing, WordPair
from duplex.train.text.packing import TextBatch, batch_loss, pack
from duplex.train.text.slotted_text import Mishear, SlotWriter, TextDialogue
from duplex.train.text.vocabulary import TOKENIZER, word_list
from duplex.train.training_loop import Loop, Optimization, cosine

CORE: Final = "core.safetensors"
CHECKPOINT: Final = "checkpoint.pt"
REPORT: Final = "knowledge.json"
WORD_MAPS: Final = "user.words"
"""The maps W_k. They start as the identity, which copying relies on, and must change slowly."""
LONGEST_SCORED = 40
COPIES_FALL = 2.5
COPY_REQUESTS: Final = ("say", "please say", "can you say", "repeat after me", "say after me", "say the words")


def run(
    config: PretrainConfig, out: Path, vocabulary: Path, pairs: Path | None = None, start: Path | None = None
) -> None:
    """Train from scratch or resume from `out`; writes `core.safetensors` and `knowledge.json`.

    Args:
        config: all settings of the run.
        out: folder of checkpoint and results.
        vocabulary: folder of a model, for its tokenizer.
        pairs: output of `duplex train errors`, from which recognition errors are taken.
        start: weights of an earlier run instead of fresh ones; a checkpoint in `out` takes precedence.

    Raises:
        ConfigError: the vocabulary is missing or does not fit, or `start` does not exist.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = TextTokenizer.from_file(vocabulary / TOKENIZER)
    corpus = Corpus.build(config.corpus)
    mishearing = Mishearing(config.noise, word_list(corpus), read_pairs(pairs) if pairs else ())
    torch.manual_seed(config.seed)
    core = Core(config.core)
    begin(core, config, start)
    how = Optimization(config.peak_rate, config.weight_decay, config.average, {WORD_MAPS: config.word_maps_rate})
    loop = Loop(core, how, config.steps, out / CHECKPOINT, "text")
    heard = read_misheard(pairs) if pairs else ()
    batches = DialogueSource(config, corpus, tokenizer, mishearing, heard).batches(loop.first)
    knowledge = Knowledge(corpus, config.evaluation_rows, config.seed)
    schedule = config.schedule.model_copy(update={"window_slots": config.longest})
    for step in loop.steps(cosine(config.warmup, config.steps)):
        with torch.autocast("cpu", torch.bfloat16):
            loss = batch_loss(core, next(batches), config.schedule.window_slots)
        loop.update(loss)
        if (step + 1) % config.evaluate_every and step + 1 < config.steps:
            continue
        with loop.average_weights():
            save_model(core, str(out / CORE))
            assistant = TextAssistant(core, tokenizer, schedule, LONGEST_SCORED)
            report = {"step": step + 1, "loss": loop.loss, "clean": knowledge.report(assistant)}
            report["misheard"] = knowledge.report(assistant, mishearing)
        write_json(out / REPORT, report)


def read_pairs(path: Path) -> list[WordPair]:
    """Read what was said and what was heard from the output of `duplex train errors`.

    Raises:
        ConfigError: the file cannot be read.
    """
    return [(row["said"], row["heard"]) for row in _rows(path)]


def read_misheard(path: Path) -> list[Exchange]:
    """Read whole questions as they were heard, with the answers to what was said, from the output of `duplex train
    errors`.

    Raises:
        ConfigError: the file cannot be read.
    """
    return [
        Exchange(row["heard"], row["answer"], row["kind"], row["key"], row["long"], misheard=True)
        for row in _rows(path)
        if row.get("answer") and row["heard"]
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in text_lines(path.read_text(encoding="utf-8"))]
        if not all("said" in row and "heard" in row for row in rows):
            raise ValueError("a line without them")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: no (said, heard) pairs can be read ({error}); run 'duplex train errors'") from None
    return rows


class DialogueSource:
    """Batches of text dialogues of similar length, each drawn afresh."""

    def __init__(
        self,
        config: PretrainConfig,
        corpus: Corpus,
        tokenizer: TextTokenizer,
        mishearing: Mishear,
        misheard: Sequence[Exchange] = (),
    ) -> None:
        """`mishearing` makes recognition errors in what is drawn from `corpus`; `misheard` has real ones."""
        self._config = config
        self._misheard = misheard
        self._corpus = corpus
        self._writer = SlotWriter(config, tokenizer, mishearing)
        self._words = word_list(corpus)

    def batches(self, step: int) -> Iterator[TextBatch]:
        """Endless batches from `step` on; a resumed run does not repeat the draws of the previous one."""
        rng = random.Random(f"{self._config.seed}/{step}")
        while True:
            progress = min(1.0, step / self._config.steps)
            drawn = (self._dialogue(progress, rng) for _ in range(self._config.pool))
            pool = [self._writer.write(dialogue, rng, progress) for dialogue in drawn]
            full = self._full(step, rng)
            groups = self._groups(sorted(pool, key=lambda dialogue: len(dialogue.slots)), full)
            rng.shuffle(groups)
            for group in groups:
                yield pack(group, self._config.core.user.words, full, self._first_slot(rng))
                step += 1

    def _dialogue(self, progress: float, rng: random.Random) -> Dialogue:
        copies, left = self._config.copies
        if rng.random() < max(left, copies + (left - copies) * COPIES_FALL * progress):
            return Dialogue("", (self._copy(rng),))
        if self._misheard and rng.random() < self._config.misheard:
            return Dialogue("", (rng.choice(self._misheard),))
        early, late = self._config.singles
        if rng.random() < early + (late - early) * progress:
            return Dialogue("", tuple(self._corpus.rows("train", rng, 1)))
        (dialogue,) = self._corpus.dialogues(rng, 1)
        if rng.random() >= self._config.turns:
            return dialogue
        (turn,) = self._corpus.turns(rng, 1)
        answered = turn.exchange
        first = Exchange(turn.heard, answered.assistant, answered.kind, answered.key, answered.long)
        return Dialogue(dialogue.prompt, (first, *dialogue.exchanges))

    def _copy(self, rng: random.Random) -> Exchange:
        said = " ".join(rng.choices(self._words, k=rng.randint(1, self._config.copied_words)))
        return Exchange(f"{rng.choice(COPY_REQUESTS)} {said}", f"{said}.", "copy", said)

    def _full(self, step: int, rng: random.Random) -> bool:
        late = step >= self._config.full_from * self._config.steps
        return late or rng.random() < self._config.full

    def _first_slot(self, rng: random.Random) -> int:
        return rng.randint(0, self._config.latest_first_slot) if rng.random() < 0.5 else 0

    def _groups(self, dialogues: list[TextDialogue], full: bool) -> list[list[TextDialogue]]:
        """Groups of sorted dialogues whose elements, padded to the longest, fit a batch."""
        groups: list[list[TextDialogue]] = [[]]
        for dialogue in dialogues:
            elements = len(dialogue.prefix) + len(dialogue.slots) * (2 if full else 1)
            if groups[-1] and elements * (len(groups[-1]) + 1) > self._config.elements:
                groups.append([])
            groups[-1].append(dialogue)
        return groups


def begin(core: Core, config: PretrainConfig, start: Path | None) -> None:
    """Give `core` its initial weights: those of `start`, or else fresh ones that copy.

    Raises:
        ConfigError: `start` does not exist.
    """
    if start is None:
        set_to_copy(core, config.copying, config.table_deviation, config.seed)
    elif start.exists():
        load_model(core, str(start))
    else:
        raise ConfigError(f"{start}: no weights to start from; leave --start out to begin with fresh ones")
