"""Text pre-training of the core on the corpus, before it hears or speaks. The command is `duplex train text`.

Knows dialogues, steps and checkpoints; knows nothing of audio.
"""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_model
from torch import nn

from configs.language import PretrainConfig
from duplex.core import Core
from duplex.text.tokenizer import TextTokenizer
from duplex.train.text.answering import TextAssistant
from duplex.train.text.corpus import Corpus
from duplex.train.text.evaluate import Knowledge
from duplex.train.text.exchange import Dialogue, Exchange
from duplex.train.text.noise import Mishearing, Pair
from duplex.train.text.packing import TextBatch, batch_loss, pack
from duplex.train.text.slots import SlotWriter, TextDialogue
from duplex.train.text.start import set_to_copy
from duplex.train.text.vocabulary import TOKENIZER, word_list

CORE: Final = "core.safetensors"
CHECKPOINT: Final = "checkpoint.pt"
REPORT: Final = "knowledge.json"
LONGEST_SCORED = 40
COPIES_FALL = 2.5
COPY_REQUESTS: Final = ("say", "please say", "can you say", "repeat after me", "say after me", "say the words")


def run(config: PretrainConfig, out: Path, pairs: Path | None = None) -> None:
    """Train from scratch or go on from `out`; writes `core.safetensors` and `knowledge.json`.

    Args:
        config: everything that has a value.
        out: folder of checkpoint and results.
        pairs: a file of lines `said <tab> recognized`, from which recognition errors are learnt.

    Raises:
        ConfigError: the vocabulary is missing or does not fit.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = TextTokenizer.from_file(Path(config.vocabulary) / TOKENIZER)
    corpus = Corpus.build(config.corpus)
    mishearing = Mishearing(config.noise, word_list(corpus), read_pairs(pairs) if pairs else ())
    training = Pretraining(config, DialogueSource(config, corpus, tokenizer, mishearing), out)
    schedule = config.schedule.model_copy(update={"window_slots": config.longest})
    knowledge = Knowledge(corpus, config.evaluation_rows, config.seed)
    for _ in training.rounds():
        save_model(training.average, str(out / CORE))
        assistant = TextAssistant(training.average, tokenizer, schedule, LONGEST_SCORED)
        report = {"step": training.step, "loss": training.loss, "clean": knowledge.report(assistant)}
        report["misheard"] = knowledge.report(assistant, mishearing)
        (out / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def read_pairs(path: Path) -> list[Pair]:
    """Lines `said <tab> recognized`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parts = (line.split("\t") for line in lines)
    return [(part[0], part[1]) for part in parts if len(part) == 2]


class DialogueSource:
    """Batches of text dialogues of like length, each drawn anew."""

    def __init__(
        self, config: PretrainConfig, corpus: Corpus, tokenizer: TextTokenizer, mishearing: Mishearing
    ) -> None:
        self._config = config
        self._corpus = corpus
        self._writer = SlotWriter(config, tokenizer, mishearing)
        self._words = word_list(corpus)

    def batches(self, step: int) -> Iterator[TextBatch]:
        """Endless batches from `step` on; the same step does not repeat the draws of a run before it."""
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
        """Runs of sorted dialogues whose elements, padded to the longest, fit a batch."""
        groups: list[list[TextDialogue]] = [[]]
        for dialogue in dialogues:
            elements = len(dialogue.prefix) + len(dialogue.slots) * (2 if full else 1)
            if groups[-1] and elements * (len(groups[-1]) + 1) > self._config.elements:
                groups.append([])
            groups[-1].append(dialogue)
        return groups


class Pretraining:
    """The optimizer's loop, with a checkpoint every few minutes and a moving average of the weights."""

    def __init__(self, config: PretrainConfig, source: DialogueSource, out: Path) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.core, self.average = Core(config.core), Core(config.core)
        set_to_copy(self.core, config.copying, config.table_deviation, config.seed)
        self.average.load_state_dict(self.core.state_dict())
        self.step, self.loss = 0, 0.0
        self._source = source
        self._path = out / CHECKPOINT
        self._optimizer = torch.optim.AdamW(_groups(self.core, config), betas=(0.9, 0.98), fused=True)
        if self._path.exists():
            self._load()

    def rounds(self) -> Iterator[int]:
        """Train; yields after every `evaluate_every` steps and at the end."""
        columns = (
            TextColumn("text"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        saved = time.monotonic()
        with Progress(*columns) as progress:
            task = progress.add_task("text", total=self.config.steps, completed=self.step, loss="")
            batches = self._source.batches(self.step)
            while self.step < self.config.steps:
                self._update(next(batches))
                progress.update(task, completed=self.step, loss=f"loss {self.loss:.3f}")
                if time.monotonic() - saved > self.config.save_every_s:
                    self._save()
                    saved = time.monotonic()
                if self.step % self.config.evaluate_every == 0 or self.step == self.config.steps:
                    self._save()
                    yield self.step

    def _update(self, batch: TextBatch) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self.config.peak_rate * group["share"] * _schedule(self.step, self.config)
        with torch.autocast("cpu", torch.bfloat16):
            loss = batch_loss(self.core, batch, self.config.schedule.window_slots)
        loss.backward()
        nn.utils.clip_grad_norm_(self.core.parameters(), self.config.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.loss = 0.98 * self.loss + 0.02 * loss.item() if self.step > 1 else loss.item()
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        for slow, fast in zip(self.average.parameters(), self.core.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "loss": self.loss,
            "core": self.core.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        fresh = self._path.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self._path)

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self._path, weights_only=True)
        self.step, self.loss = state["step"], state["loss"]
        self.core.load_state_dict(state["core"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])


def _groups(core: Core, config: PretrainConfig) -> list[dict[str, Any]]:
    """Matrices decay towards zero; norms, biases and the word maps, which start as identity and move slowly, do not."""
    maps = core.user.words
    others = [value for value in core.parameters() if value is not maps]
    matrices = [value for value in others if value.ndim == 2]
    vectors = [value for value in others if value.ndim != 2]
    return [
        {"params": matrices, "weight_decay": config.weight_decay, "share": 1.0},
        {"params": vectors, "weight_decay": 0.0, "share": 1.0},
        {"params": [maps], "weight_decay": 0.0, "share": config.word_maps_rate},
    ]


def _schedule(step: int, config: PretrainConfig) -> float:
    """Linear warm-up, then a cosine down to a twentieth."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.05 + 0.95 * 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * min(done, 1.0)))))
