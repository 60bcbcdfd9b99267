"""Conversations under a virtual clock: the live engine and session, as fast as the model allows.

    conversation = converse(generator, samples, ConversationOptions(seed=1))
    conversation.transcript.assistant.text

`VirtualConversation` does the same slot by slot, for a user who reacts to what the assistant does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.runtime.runtime import RuntimeConfig
from duplex.model.abilities import DelegatingGenerator
from duplex.model.interface import Came, ConversationOptions, Samples, SlotGenerator
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.errors import LogError
from runtime.event_log import EventLog
from runtime.pcm import Pcm16, to_int16
from runtime.session.log_records import SlotRow
from runtime.session.transcript import Transcript, transcript
from runtime.sessions import Delivered, SessionHub

SLOT_IN, SLOT_OUT = AUDIO.slot_input_samples, AUDIO.slot_output_samples
TAIL_S = 10.0
"""Silence after the user's audio, seconds, in which the assistant can answer."""


@dataclass(frozen=True)
class SlotExtras:
    """What a model is told with a slot in addition to its audio; see `runtime.records.UserSlot`."""

    text: str = ""
    unheard_ms: float = 0.0
    came: Came | None = None
    words_late: bool = False
    absent: bool = False


NOTHING = SlotExtras()


@dataclass(frozen=True)
class Conversation:
    """A whole conversation of T slots.

    Attributes:
        rows: the slot log, T rows.
        user: [T * 3200] at 16 kHz, exactly what the model heard.
        assistant: [(T + 1) * 4800] at 24 kHz; slot t begins at t * 200 ms, slot 0 is silence.
        transcript: transcript of both sides.
    """

    rows: tuple[SlotRow, ...]
    user: Pcm16
    assistant: Samples
    transcript: Transcript


class VirtualConversation:
    """One conversation, driven slot by slot."""

    def __init__(
        self,
        generator: SlotGenerator,
        options: ConversationOptions,
        *,
        folder: Path | None = None,
        model: str = "",
        source: str = "library",
        config: RuntimeConfig | None = None,
    ) -> None:
        """Open row 0 of `generator`. `folder`: where the files go; None keeps no files.

        Raises:
            BadOptions: the model refuses the options. LogError, AudioError: the files cannot be made.
        """
        self.config = _engine_clock(config or RuntimeConfig(), keep=folder is not None)
        self._clock = ManualClock()
        if isinstance(generator, DelegatingGenerator):
            generator.use_virtual_time()
        engine = Engine(generator, self._clock, self.config.engine)
        self._hub = SessionHub(InlineEngine(engine, model), self.config, self._clock, EventLog())
        self._session = self._hub.open(options, folder, source)
        self._delay_ms = generator.delay_ms
        self._rows: list[SlotRow] = []
        self._user: list[Pcm16] = []
        self._assistant: Samples = np.zeros(SLOT_OUT, dtype=np.float32)
        self._length = SLOT_OUT

    @property
    def slot(self) -> int:
        """The next user slot."""
        return len(self._rows)

    @property
    def rows(self) -> tuple[SlotRow, ...]:
        """The log so far; the last row says what the assistant does in slot `slot`."""
        return tuple(self._rows)

    @property
    def assistant(self) -> Samples:
        """What the assistant says up to the end of slot `slot`, [(slot + 1) * 4800] at 24 kHz; must not be changed."""
        return self._assistant[: self._length]

    def step(self, user: Pcm16 | Samples, told: SlotExtras = NOTHING) -> SlotRow:
        """Run the user's next slot, [3200] at 16 kHz, with what the model is told in addition; returns its row.

        Raises:
            ValueError: `user` is not exactly one slot.
        """
        if user.shape != (SLOT_IN,):
            raise ValueError(f"a slot has {SLOT_IN} samples, not {user.shape}; pad the end with zeros")
        pcm = _as_int16(user)
        self._clock.advance(AUDIO.slot_seconds)
        self._session.push_audio(self.slot * SLOT_IN, pcm)
        self._session.push_text(told.text)
        self._session.push_unheard(told.unheard_ms)
        self._session.push_logged(told.came, told.words_late, told.absent)
        for news in self._hub.pump():
            if isinstance(news, Delivered):
                self._rows.append(news.row)
                self._user.append(news.heard.pcm)
                self._append(news.result.pcm)
        for _ in range(AUDIO.packets_per_slot):
            self._session.pull()
        return self._rows[-1]

    def _append(self, pcm: Samples) -> None:
        """Append with amortized growth, because a reactive user looks at everything in every slot."""
        if self._length + SLOT_OUT > len(self._assistant):
            self._assistant = np.concatenate([self._assistant, np.zeros_like(self._assistant)])
        self._assistant[self._length : self._length + SLOT_OUT] = pcm
        self._length += SLOT_OUT

    def finish(self, reason: str = "end of the audio") -> Conversation:
        """End the conversation and finish its files.

        Raises:
            LogError: the disk did not take all files.
        """
        self._hub.close_all(reason)
        if self._session.files.error:
            raise LogError(self._session.files.error)
        user = np.concatenate(self._user) if self._user else np.zeros(0, dtype=np.int16)
        text = transcript(self._rows, self._delay_ms, self.config.transcript)
        return Conversation(self.rows, user, self.assistant, text)


ReactiveUser = Callable[[VirtualConversation], Pcm16 | Samples | None]
"""Maps the conversation so far to the user's next slot [3200] at 16 kHz; None ends the conversation."""


def converse(
    generator: SlotGenerator,
    user_audio: Samples,
    options: ConversationOptions | None = None,
    tail_s: float = TAIL_S,
    *,
    folder: Path | None = None,
    model: str = "",
    source: str = "library",
    config: RuntimeConfig | None = None,
    on_slot: Callable[[SlotRow], None] | None = None,
) -> Conversation:
    """Let the model hear a recording.

    Args:
        generator: its row 0 is used.
        user_audio: [n] samples at 16 kHz, -1..1.
        options: options of the conversation.
        tail_s: seconds of silence after the audio.
        folder: where the four files go (`dialogue.wav`, `user.wav`, `slots.jsonl`, `transcript.json`); None keeps none.
        model, source: names for the log.
        on_slot: is called after every slot.

    Raises:
        BadOptions: the model refuses the options. LogError, AudioError: the files cannot be made.
    """
    return converse_slots(
        generator, user_slots(user_audio, tail_s), options, folder=folder, model=model, source=source, config=config,
        on_slot=on_slot,
    )  # fmt: skip


def converse_slots(
    generator: SlotGenerator,
    user: Iterable[Pcm16],
    options: ConversationOptions | None = None,
    *,
    told: Mapping[int, SlotExtras] | None = None,
    folder: Path | None = None,
    model: str = "",
    source: str = "library",
    config: RuntimeConfig | None = None,
    on_slot: Callable[[SlotRow], None] | None = None,
) -> Conversation:
    """The same for slots of [3200] 16-bit samples; `told`: what the model is told in addition, by slot."""
    live = VirtualConversation(
        generator, options or ConversationOptions(), folder=folder, model=model, source=source, config=config
    )
    slots = iter(user)
    return _run(live, lambda _: next(slots, None), on_slot, told or {})


def converse_with(
    generator: SlotGenerator,
    user: ReactiveUser,
    options: ConversationOptions | None = None,
    *,
    folder: Path | None = None,
    config: RuntimeConfig | None = None,
) -> Conversation:
    """Let the model talk to a user who reacts; arguments and errors as in `converse`."""
    live = VirtualConversation(generator, options or ConversationOptions(), folder=folder, config=config)
    return _run(live, user, None, {})


def user_slots(user_audio: Samples, tail_s: float) -> list[Pcm16]:
    """The audio and `tail_s` seconds of silence as whole slots of [3200] 16-bit samples."""
    length = len(user_audio) + round(tail_s * AUDIO.input_rate)
    slots = max(1, -(-length // SLOT_IN))
    padded = np.zeros(slots * SLOT_IN, dtype=np.int16)
    padded[: len(user_audio)] = to_int16(user_audio)
    return list(padded.reshape(slots, SLOT_IN))


def _run(
    live: VirtualConversation,
    user: ReactiveUser,
    on_slot: Callable[[SlotRow], None] | None,
    told: Mapping[int, SlotExtras],
) -> Conversation:
    """Let `user` talk to the end; whatever happens, the files are finished."""
    try:
        while (slot := user(live)) is not None:
            row = live.step(slot, told.get(live.slot, NOTHING))
            if on_slot:
                on_slot(row)
    except BaseException:
        live.finish("interrupted")
        raise
    return live.finish()


def _as_int16(samples: NDArray[Any]) -> Pcm16:
    return samples if samples.dtype == np.int16 else to_int16(samples)


def _engine_clock(config: RuntimeConfig, *, keep: bool) -> RuntimeConfig:
    """The same configuration, with a playout that is exactly on the slots' clock."""
    playout = config.playout.model_copy(update={"prime_packets": 0})
    recording = config.recording.model_copy(update={"enabled": keep})
    return config.model_copy(update={"playout": playout, "recording": recording})
