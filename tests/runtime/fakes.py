"""A stand-in for a model: takes turns by loudness and answers with beeps. Deterministic, fast, no weights."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.model.language_models import LLM, LanguageModelConfig
from duplex.model.interface import Came, ConversationOptions, OfferedTool, Samples, SlotResult, SpokenWord, UserWords
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State

ANSWER = ("one", "two", "three", "four", "five", "six", "seven", "eight")
LOUD = 0.02
TAIL = 120
TOKEN_SHAPE = (AUDIO.tokens_per_slot, 15)


class FakeRow:
    """One conversation: speaks eight words, one a slot, after the user fell silent; stops when the user speaks."""

    def __init__(self, options: ConversationOptions) -> None:
        self.options = options
        self.memory = PolicyMemory()
        self.slot = 0
        self.answer = -1
        self.word = 0
        self.turn = -1
        self.turn_start = 0
        self.talking = False
        self.pending = self.absent = False

    def step(self, pcm: Samples) -> SlotResult:
        """One slot, [3200] -> the result of the next one."""
        loud = float(np.sqrt(np.mean(pcm**2))) > LOUD
        heard = self._hear(loud)
        before = self.memory.state
        finished = before is State.SPEAK and self.word == len(ANSWER)
        p_speak = 0.01 if loud or not self.pending or self.absent else 0.95
        self.absent = False
        self.memory = decide(self.options.policy, self.memory, p_speak)
        if finished:
            self.memory = force(self.memory, State.MUTE)
        event = self._event(before, finished)
        result = self._result(event, before, heard, p_speak)
        self.slot += 1
        return result

    def _hear(self, loud: bool) -> UserWords | None:
        began = loud and not self.talking
        ended = self.talking and not loud
        self.talking = loud
        if began:
            self.turn, self.turn_start = self.turn + 1, self.slot
        if not ended:
            return None
        self.pending = True
        caption = f"turn {self.turn}"
        return UserWords(self.turn, caption, caption, self.turn_start * 0.2, self.slot * 0.2)

    def _event(self, before: State, finished: bool) -> str:
        after = self.memory.state
        if after is before:
            return ""
        if after is State.SPEAK:
            self.answer, self.word = self.answer + 1, 0
            return "start"
        self.pending = not finished and self.talking
        return "end" if finished else "cut"

    def _result(self, event: str, before: State, heard: UserWords | None, p_speak: float) -> SlotResult:
        speaks = self.memory.state is State.SPEAK
        text = ANSWER[self.word] if speaks else ""
        spoken = (SpokenWord(self.answer, self.word, text, 0.0, 200.0, 1.0),) if speaks else ()
        rng = np.random.default_rng([self.options.seed, self.slot])
        tokens = rng.integers(-2, 3, TOKEN_SHAPE).astype(np.int8) if speaks else np.zeros(TOKEN_SHAPE, dtype=np.int8)
        pcm = self._pcm(speaks, before is State.SPEAK)
        self.word += speaks
        words = (ANSWER if event == "start" else ()) if speaks else ()
        return SlotResult(
            self.slot, p_speak, self.memory.state, event, self.word, words, tokens, pcm, heard, spoken, {"fake": 0.0}
        )

    def _pcm(self, speaks: bool, tail: bool) -> Samples:
        """A beep that runs on over slot borders; a MUTE slot after it begins with its faded tail."""
        start = (self.slot + 1) * AUDIO.slot_output_samples
        time = (start + np.arange(AUDIO.slot_output_samples)) / AUDIO.output_rate
        beep = (0.3 * np.sin(2 * np.pi * (400 + self.options.seed % 100) * time)).astype(np.float32)
        if speaks:
            return beep
        envelope = np.zeros(AUDIO.slot_output_samples, dtype=np.float32)
        envelope[:TAIL] = np.linspace(1, 0, TAIL, dtype=np.float32) if tail else 0.0
        return beep * envelope


class FakeGenerator:
    """A `SlotGenerator` without a model."""

    def __init__(self, rows: int = 1) -> None:
        self.rows = rows
        self.fingerprint = "fake-1"
        self.delay_ms = 0.0
        self.shares_steps = True
        self.closed = False
        self._rows: list[FakeRow | None] = [None] * rows

    def open(self, row: int, options: ConversationOptions) -> None:
        """See `SlotGenerator.open`; a prompt of more than 100 characters is refused."""
        if options.system_prompt and len(options.system_prompt) > 100:
            raise ValueError("the system prompt is too long; shorten it to 100 characters")
        self._rows[row] = FakeRow(options)

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """See `SlotGenerator.step`."""
        assert pcm.shape == (self.rows, AUDIO.slot_input_samples), pcm.shape
        return [row.step(pcm[i]) if row is not None and active[i] else None for i, row in enumerate(self._rows)]

    def mark_absent(self, row: int) -> None:
        """See `PresenceGenerator.mark_absent`."""
        one = self._rows[row]
        assert one is not None
        one.absent = True

    def close(self) -> None:
        """See `SlotGenerator.close`."""
        self.closed = True


class FailingGenerator(FakeGenerator):
    """Breaks down in its third step."""

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """Two good steps, then an error that no one expects."""
        results = super().step(pcm, active)
        if any(result and result.slot == 2 for result in results):
            raise RuntimeError("the fake model broke")
        return results


def load_fake(model: str, rows: int, threads: int) -> FakeGenerator:
    """A loader as `runtime.engine.worker.load_model`: "fake", "failing" or an unknown model."""
    if model == "failing":
        return FailingGenerator(rows)
    if model != "fake":
        raise FileNotFoundError(f"there is no model '{model}'; choose fake or failing")
    return FakeGenerator(rows)


class AnsweredFake(FakeGenerator):
    """A stand-in whose answers a language model writes; `error`: what the language model reports in every slot."""

    def __init__(self, rows: int = 1, missing: str = "", error: str = "", **settings: Any) -> None:
        super().__init__(rows)
        self.llm = LanguageModelConfig(source="smollm2", **settings)
        self.llm_fingerprint, self.llm_missing = "" if missing else "llm-1", missing
        self.tools: tuple[OfferedTool, ...] = ()
        self.error = error

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """See `SlotGenerator.step`."""
        came = Came(finished=True, error=self.error) if self.error else None
        return [result and replace(result, came=came) for result in super().step(pcm, active)]

    def use_virtual_time(self) -> None:
        """See `DelegatingGenerator.use_virtual_time`."""

    def give(self, row: int, came: Came) -> None:
        """See `DelegatingGenerator.give`."""


def load_answered(model: str, rows: int, threads: int, changes: Mapping[str, Any] | None = None) -> AnsweredFake:
    """A loader of a stand-in with a language model; `changes`: values of `AnsweredFake` and of its settings."""
    return AnsweredFake(rows, **{key.removeprefix(LLM): value for key, value in (changes or {}).items()})
