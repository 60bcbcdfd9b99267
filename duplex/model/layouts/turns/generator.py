"""The generator of the turn layout: live, interruptible conversations with a half-duplex model.

listen   voice activity, the user's turn -> the model takes it in while it is spoken
decide   policy -> p(speak) -> SPEAK or MUTE of slot t + 1
answer   text and speech tokens of slot t + 1; sound

What the assistant did not get to say is not in the model's history: a cut answer is kept as far as it was heard, which
is known one slot later, when the player has reported what was taken back. This module depends only on the interfaces of
the parts, not on whose conversations the rows are, on clocks or on files.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.audio import AUDIO
from configs.model.live_turns import LiveTurnsConfig
from configs.model.patterns import Pattern
from duplex.model.interface import ConversationOptions, Samples, SlotResult
from duplex.model.layouts.turns.silero_activity import SileroActivity
from duplex.model.layouts.turns.turn_conversation import TurnConversation
from duplex.model.layouts.turns.turn_interface import (
    AnswerSlot,
    PolicyInput,
    PolicyOutput,
    TurnModel,
    TurnPolicy,
    TurnVoice,
    VoiceActivityDetector,
    VoiceInput,
)
from duplex.model.stages.voice_activity import VoiceActivity, VoicedFrames
from tdm.turn_layout import TurnDecision

_AUDIBLE = 1e-3
"""Samples below this do not count as sound."""


class TurnGenerator:
    """`SlotGenerator` over a half-duplex model, a voice and a policy, each with `rows` conversations."""

    delay_ms = 0.0
    """0, because words and sound of a slot are those that sound in it: the voice's delay is already included."""
    patterns = tuple(Pattern)

    def __init__(
        self, model: TurnModel, voice: TurnVoice, policy: TurnPolicy, config: LiveTurnsConfig, rows: int
    ) -> None:
        self.rows, self.shares_steps = rows, rows > 1
        self.fingerprint = _fingerprint(model.fingerprint, policy.fingerprint, config)
        self._model, self._voice, self._policy, self._config = model, voice, policy, config
        self._activity = _activity(config)
        self._heard_voice = self._activity.init_state(rows)
        self._policy_state = policy.init_state(rows)
        self._voice_state = voice.init_state(rows)
        self._conversations = [self._conversation(ConversationOptions()) for _ in range(rows)]
        self._ahead = int(voice.delay_ms // AUDIO.slot_ms)
        self._stage_ms: dict[str, float] = {}

    @torch.inference_mode()
    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation in `row`.

        Raises:
            ValueError: the system prompt is too long for the model.
        """
        self._model.open(row, options)
        rows = torch.arange(self.rows) == row
        self._heard_voice.reset(rows)
        self._policy.open(row, options, self._policy_state)
        self._voice.open(row, options, self._voice_state)
        self._conversations[row] = self._conversation(options)

    @torch.inference_mode()
    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """Run one slot for every active row: pcm [rows, 3200], active [rows]."""
        self._stage_ms = {}
        rows = [row for row, is_active in enumerate(active.tolist()) if is_active]
        hears = torch.tensor([self._model.pattern(row).hears for row in range(self.rows)])
        user, mask = torch.from_numpy(pcm) * hears[:, None], torch.from_numpy(active)
        with self._time("activity"):
            voice = self._activity.step(user, self._heard_voice, mask)
        with self._time("hear"):
            self._listen(user, voice, rows)
        with self._time("policy"):
            signals = self._policy.step(self._policy_input(user, voice), self._policy_state, mask)
        decisions = {
            row: self._conversations[row].decide(signals.p_speak[row], self._model.pattern(row).speaks) for row in rows
        }
        with self._time("turns"):
            self._turn(decisions)
        with self._time("answer"):
            made = self._answer({row: one for row, one in decisions.items() if self._conversations[row].speaking})
        with self._time("voice"):
            sound, tokens = self._sound(made, decisions, mask)
        return [
            self._result(row, signals, sound[row], tokens[row]) if row in decisions else None
            for row in range(self.rows)
        ]

    def tell(self, row: int, text: str) -> None:
        """Take a written turn of the user: an answer follows, and one in progress is broken off."""
        one = self._conversations[row]
        one.typed = f"{one.typed} {text}".strip()

    def mark_unheard(self, row: int, milliseconds: float) -> None:
        """Report how much of the answer that was cut in the last step was taken back before it sounded.

        A later report, or one about an answer that was taken back completely, changes nothing.
        """
        one = self._conversations[row]
        if one.broken_off:
            one.unheard_ms = milliseconds

    def mark_absent(self, row: int) -> None:
        """Nobody hears the assistant in the row's next slot: an answer is broken off, and none begins."""
        self._conversations[row].absent = True

    def history(self, row: int) -> list[tuple[str, str]]:
        """What the model remembers of the conversation in `row`, as (role, text)."""
        return self._model.history(row)

    def close(self) -> None:
        """Stop the policy's worker threads."""
        self._policy.close()

    def _conversation(self, options: ConversationOptions) -> TurnConversation:
        return TurnConversation(options, self._voice.delay_ms, self._config)

    def _listen(self, user: Tensor, voice: VoicedFrames, rows: Sequence[int]) -> None:
        """Begin, continue or forget turns; the model takes in their slots."""
        frame_ms = AUDIO.slot_ms / voice.voiced.shape[1]
        taken: dict[int, list[Tensor]] = {}
        for row in rows:
            one = self._conversations[row]
            one.remember(user[row])
            if one.broken_off:
                self._model.keep(row, *one.keep(whole=False))
            heard = one.layout.listen(float(voice.voiced[row].sum()) * frame_ms, float(voice.silence_ms[row]))
            if heard.begins:
                self._model.begin_user(row)
            if heard.drops:
                self._model.drop_user(row)
            taken[row] = one.newest(heard.slots)
        self._hear(taken)

    def _hear(self, taken: dict[int, list[Tensor]]) -> None:
        """Feed the slots of the rows' turns in batches: the first slot of each row, then the second, ..."""
        for index in range(max(map(len, taken.values()), default=0)):
            active = [index < len(taken.get(row, ())) for row in range(self.rows)]
            pcm = torch.zeros(self.rows, AUDIO.slot_input_samples)
            for row, slots in taken.items():
                if active[row]:
                    pcm[row] = slots[index]
            self._model.hear(pcm, active)

    def _policy_input(self, user: Tensor, voice: VoicedFrames) -> PolicyInput:
        rows = self._conversations
        return PolicyInput(
            pcm=user,
            voice=voice,
            speaking=torch.tensor([row.speaking for row in rows]),
            pending=torch.tensor([row.layout.pending for row in rows]),
            answers=[row.tell_answer() for row in rows],
        )

    def _turn(self, decisions: dict[int, TurnDecision]) -> None:
        """Carry out the decisions in the model: a turn ends or resumes, an answer is kept as far as it was heard."""
        for row, decision in decisions.items():
            one = self._conversations[row]
            if decision.onset and decision.spoken:
                self._model.end_user(row, one.take_typed())
            elif decision.onset:
                self._model.user_text(row, one.take_typed())
            elif decision.resumes:
                self._model.resume_user(row)
            elif decision.ended:
                self._model.keep(row, *one.keep(whole=True))
        self._hear({row: self._conversations[row].newest(one.resumes) for row, one in decisions.items()})

    def _answer(self, decisions: dict[int, TurnDecision]) -> dict[int, list[AnswerSlot]]:
        """Run the unfinished answers; a new one runs at once up to its first sound, which may be held back a slot."""
        made = {row: self._conversations[row].release() for row in decisions}
        making = [row for row, held in made.items() if not held and not self._conversations[row].made]
        hurried = [row for row in making if self._conversations[row].hurries]
        while making:
            slots = self._model.answer([row in making for row in range(self.rows)])
            for row in making:
                slot = slots[row]
                assert slot is not None
                made[row].append(self._conversations[row].take(slot))
            making = [row for row in making if row in hurried and self._hurries(made[row])]
        for row, all_slots in made.items():
            if decisions[row].onset and self._says_nothing(row, all_slots):
                self._model.keep(row, "", 0)
                self._conversations[row].veto()
            elif decisions[row].onset and self._holds_back(row, decisions[row]):
                self._conversations[row].held_back = all_slots
        return {row: [] if self._conversations[row].held_back else slots for row, slots in made.items()}

    def _holds_back(self, row: int, onset: TurnDecision) -> bool:
        """Whether an answer begins with a silent slot, because the policy may still find that the user goes on."""
        return self._policy.reconsiders and onset.spoken and self._model.pattern(row).speaks

    def _hurries(self, made: list[AnswerSlot]) -> bool:
        """Whether an answer without sound needs more slots at once; the voice is primed by its delay."""
        if made[-1].finished:
            return False
        audible = len(_audible(made))
        return audible <= self._ahead if audible else len(made) < self._config.silent_steps

    def _says_nothing(self, row: int, made: list[AnswerSlot]) -> bool:
        if not made[-1].finished:
            return False
        return not _audible(made) if self._model.pattern(row).speaks else not any(slot.text.strip() for slot in made)

    def _sound(
        self, made: dict[int, list[AnswerSlot]], decisions: dict[int, TurnDecision], mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Make slot t + 1 and the words in it: [rows, 4800] samples and [rows, 5, digits] tokens."""
        spoken = {row: _audible(slots) for row, slots in made.items()}
        primed = {
            row: slots[: self._ahead] if self._conversations[row].hurries else [] for row, slots in spoken.items()
        }
        ended = torch.tensor([row not in decisions or not decisions[row].cut for row in range(self.rows)])
        for index in range(self._ahead):
            early = {row: slots[index] for row, slots in primed.items() if index < len(slots)}
            if early:
                self._say(early, ended, torch.tensor([row in early for row in range(self.rows)]))
        newest = {row: slots[-1] for row, slots in spoken.items() if len(slots) > len(primed[row])}
        sound, tokens = self._say(newest, ended, mask)
        audible = (sound.abs().amax(1) > _AUDIBLE).tolist()
        for row, slots in primed.items():
            if self._conversations[row].speaking and not self._conversations[row].held_back:
                self._conversations[row].sound(len(slots), newest.get(row), audible[row])
        return sound, tokens

    def _say(self, slots: dict[int, AnswerSlot], ended: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the voice: [rows, 4800] samples and [rows, 5, digits] tokens."""
        tokens, speaking = self._model.silence.repeat(self.rows, 1, 1), torch.zeros(self.rows, dtype=torch.bool)
        for row, slot in slots.items():
            if slot.tokens is not None:
                tokens[row], speaking[row] = slot.tokens, True
        return self._voice.step(VoiceInput(tokens, speaking, ended), self._voice_state, active), tokens

    def _result(self, row: int, signals: PolicyOutput, sound: Tensor, tokens: Tensor) -> SlotResult:
        one = self._conversations[row]
        return SlotResult(
            slot=one.layout.slot - 1,
            p_speak=signals.p_speak[row],
            state=one.layout.state,
            event=one.event,
            text_id=one.text_id,
            answer_words=one.words,
            tokens=tokens.to(torch.int16).numpy(),
            pcm=sound.numpy(),
            user=one.hear(signals.heard[row]),
            spoken=one.spoken,
            stage_ms=dict(self._stage_ms),
            kept=one.kept,
        )

    @contextmanager
    def _time(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self._stage_ms[stage] = (perf_counter() - start) * 1000


def _activity(config: LiveTurnsConfig) -> VoiceActivityDetector:
    return SileroActivity(config.silero) if config.detector == "silero" else VoiceActivity(config.activity)


def _audible(slots: Sequence[AnswerSlot]) -> list[AnswerSlot]:
    return [slot for slot in slots if slot.tokens is not None]


def _fingerprint(model: str, policy: str, config: LiveTurnsConfig) -> str:
    return hashlib.sha256(f"{model} {policy} {config.to_yaml()}".encode()).hexdigest()[:16]
