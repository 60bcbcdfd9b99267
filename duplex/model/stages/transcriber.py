"""Recognises the user's words with Whisper, which decodes the whole turn so far, in parallel with the steps.

This module decides when a turn begins, when its audio is decoded and which words are accepted. A turn begins with a
voice and continues across pauses until the assistant has answered or after long silence. Its clip is decoded every few
slots and at pauses; words are returned once they are certain (`LocalAgreement`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.ears import TranscriberConfig
from duplex.model.interface import UserWords
from duplex.model.stages.agreement import LocalAgreement
from duplex.model.stages.voice_activity import VoiceActivity, VoiceActivityState
from duplex.model.stages.whisper_decoding import Whisper
from duplex.model.stages.whisper_rules import WordPieces
from duplex.model.stages.word_source import WordsInput
from duplex.model.text.spoken import list_spoken_words

_MS = 1000
_CONTEXT = 8
"""How a word is read may depend on this many words before it."""


@dataclass(frozen=True)
class Request:
    """One clip to decode.

    Attributes:
        row, conversation: whose clip it is; the second distinguishes a row's conversations.
        pcm: [N] samples at 16 kHz.
        speech_s: where in the clip the speech ends.
        beginning: tokens with which the transcript starts.
        everything: the speaker pauses, so all words are accepted.
    """

    row: int
    conversation: int
    pcm: Tensor
    speech_s: float
    beginning: tuple[int, ...]
    everything: bool


@dataclass(frozen=True)
class Transcription:
    """A request and the tokens of its transcript, with timestamps and the given beginning; None if it is rejected."""

    request: Request
    tokens: tuple[int, ...] | None


@dataclass
class TurnAudio:
    """Audio of a turn since its last restart, by slots and including the first slot, and its known words."""

    slots: list[Tensor]
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    since_decoded: int = 1
    unheard_voice: bool = True

    @property
    def seconds(self) -> float:
        """Length of the clip."""
        return len(self.slots) * AUDIO.slot_seconds


@dataclass
class TranscriberRow:
    """One conversation.

    Attributes:
        conversation: number of the row's conversation; pending work for an earlier one is dropped.
        slot: number of slots so far.
        recent: the newest slots while nobody speaks, and how many of their frames are voiced.
        clip: clip of the present turn; None between turns and after a restart until the voice resumes.
        in_turn: whether a turn is in progress.
        turn: its number; None until it has words.
        turns: number of turns with words so far.
        shown: caption of the turn's earlier clips.
        start_s, voice_end_s: when the turn's voice began and was last heard.
        result: a result that was delivered while the row was inactive.
        waiting: its last request has not been delivered.
    """

    conversation: int = 0
    slot: int = 0
    recent: list[tuple[Tensor, int]] = field(default_factory=list)
    clip: TurnAudio | None = None
    in_turn: bool = False
    turn: int | None = None
    turns: int = 0
    shown: str = ""
    start_s: float = 0.0
    voice_end_s: float = 0.0
    result: Transcription | None = None
    waiting: bool = False

    @property
    def now_s(self) -> float:
        """End of the newest slot."""
        return self.slot * AUDIO.slot_seconds


@dataclass
class TranscriberState:
    """Memory of B conversations."""

    rows: list[TranscriberRow]
    voice: VoiceActivityState
    request: Sequence[Request] = ()

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`; their pending work is dropped."""
        self.voice.reset(rows)
        for row in rows.nonzero()[:, 0].tolist():
            self.rows[row] = TranscriberRow(conversation=self.rows[row].conversation + 1)


class Transcriber:
    """The source `transcriber` of the user's words."""

    delay_ms: float = AUDIO.slot_ms

    def __init__(self, config: TranscriberConfig, whisper: Whisper) -> None:
        self.config = config
        self._whisper = whisper
        self._voice = VoiceActivity(config.voice)
        self._lead_slots = round(config.lead_s * _MS) // AUDIO.slot_ms + 1

    def init_state(self, batch: int) -> TranscriberState:
        """Fresh state for `batch` conversations."""
        return TranscriberState([TranscriberRow() for _ in range(batch)], self._voice.init_state(batch))

    def prepare(self, x: WordsInput, state: TranscriberState, active: Tensor) -> list[Request]:
        """Take the slot of the active rows; returns the clips to decode before the next one."""
        voice = self._voice.step(x.pcm, state.voice, active)
        counts, silence = voice.voiced.sum(1).tolist(), voice.silence_ms.tolist()
        requests = []
        for index in active.nonzero()[:, 0].tolist():
            row = state.rows[index]
            self._take(row, x.pcm[index].clone(), counts[index], silence[index])
            if row.waiting:
                continue
            due = self._due(row, silence[index])
            if due is not None:
                requests.append(self._request(row, index, due))
            else:
                self._rest(row, silence[index] / _MS, bool(x.speaking[index]))
        return requests

    def run(self, request: Sequence[Request]) -> list[Transcription]:
        """Decode the clips, one after the other. This is a pure function that any thread may run."""
        return [self._decode(one) for one in request]

    def digest(self, work: Request) -> bytes:
        """See `RepeatableSource.digest`."""
        told = repr((work.speech_s, work.beginning, work.everything)).encode()
        return hashlib.blake2b(work.pcm.numpy().tobytes() + told, digest_size=16).digest()

    def outcome(self, result: Transcription) -> tuple[int, ...] | None:
        """See `RepeatableSource.outcome`."""
        return result.tokens

    def repeat(self, work: Request, outcome: tuple[int, ...] | None) -> Transcription:
        """See `RepeatableSource.repeat`."""
        return Transcription(work, outcome)

    def deliver(
        self, result: Sequence[Transcription], state: TranscriberState, active: Tensor
    ) -> list[UserWords | None]:
        """Words [B] that became known; an inactive row gets them when it is active again."""
        for one in result:
            row = state.rows[one.request.row]
            if row.conversation == one.request.conversation:
                row.result, row.waiting = one, False
        return [self._deliver(row) if on else None for row, on in zip(state.rows, active.tolist(), strict=True)]

    def expected(self, state: TranscriberState, row: int) -> str:
        """Caption of a row's turn with all words of the newest transcript; "" where all of them are certain."""
        known = state.rows[row]
        if known.clip is None or not known.clip.agreement.candidates:
            return ""
        words = (*known.clip.agreement.committed, *known.clip.agreement.candidates)
        tokens = [token for word in words for token in word]
        return f"{known.shown} {self._whisper.vocabulary.text(tokens).strip()}".strip()

    def _take(self, row: TranscriberRow, pcm: Tensor, voiced: int, silence_ms: int) -> None:
        """Add a slot to the row's clip; a voice opens turn and clip."""
        row.slot += 1
        if voiced:
            row.voice_end_s = row.now_s - silence_ms / _MS
        if row.clip is None:
            self._wait_for_voice(row, pcm, voiced)
            return
        row.clip.slots.append(pcm)
        row.clip.since_decoded += 1
        row.clip.unheard_voice |= voiced > 0

    def _wait_for_voice(self, row: TranscriberRow, pcm: Tensor, voiced: int) -> None:
        row.recent = [*row.recent[-self._lead_slots :], (pcm, voiced)]
        if sum(count for _, count in row.recent[-2:]) < self.config.onset_frames:
            return
        if not row.in_turn:
            row.in_turn, row.turn, row.shown = True, None, ""
            onset_slot = row.slot - 1 - (len(row.recent) > 1 and row.recent[-2][1] > 0)
            row.start_s = onset_slot * AUDIO.slot_seconds
        row.clip = TurnAudio([slot for slot, _ in row.recent])
        row.recent = []

    def _due(self, row: TranscriberRow, silence_ms: int) -> bool | None:
        """None if there is nothing to decode now; otherwise whether all words are to be accepted."""
        clip = row.clip
        if clip is None or not clip.unheard_voice:
            return None
        if silence_ms >= self.config.pause_ms or clip.seconds >= self.config.longest_s:
            return True
        every = self.config.every_slots * (1 + int(clip.seconds / self.config.slower_each_s))
        return False if clip.since_decoded >= every else None

    def _request(self, row: TranscriberRow, index: int, everything: bool) -> Request:
        clip = row.clip
        assert clip is not None
        clip.since_decoded, row.waiting = 0, True
        clip.unheard_voice = not everything
        pcm = torch.cat(clip.slots)
        speech_s = clip.seconds - (row.now_s - row.voice_end_s)
        return Request(index, row.conversation, pcm, speech_s, clip.agreement.beginning, everything)

    def _rest(self, row: TranscriberRow, silence_s: float, speaking: bool) -> None:
        """End the turn after an answer or long silence; end its clip at a pause once it is long."""
        config, clip = self.config, row.clip
        if clip is not None and clip.unheard_voice:
            return
        if silence_s >= (config.answered_s if speaking else config.abandoned_s):
            self._drop_clip(row)
            row.in_turn = False
        elif clip is not None and clip.seconds >= config.restart_s and silence_s >= config.restart_pause_s:
            self._drop_clip(row)

    def _drop_clip(self, row: TranscriberRow) -> None:
        if row.clip is None:
            return
        row.shown = self._caption(row)
        row.recent = [(slot, 0) for slot in row.clip.slots[-self._lead_slots :]]
        row.clip = None

    def _decode(self, request: Request) -> Transcription:
        (transcript,) = self._whisper.transcribe(request.pcm[None], [request.speech_s], request.beginning)
        return Transcription(request, transcript.tokens if self._whisper.is_believed(transcript) else None)

    def _deliver(self, row: TranscriberRow) -> UserWords | None:
        result, row.result = row.result, None
        if result is None or row.clip is None:
            return None
        clip, request = row.clip, result.request
        tokens = request.beginning if result.tokens is None else result.tokens
        words = clip.agreement.update(tokens, request.everything, self._whisper.vocabulary)
        told = self._tell(row, words)
        if clip.seconds >= self.config.longest_s:
            self._drop_clip(row)
            row.recent = []
        return told

    def _tell(self, row: TranscriberRow, words: list[WordPieces]) -> UserWords | None:
        vocabulary = self._whisper.vocabulary
        assert row.clip is not None
        earlier = row.clip.agreement.committed[: -len(words)] if words else []
        before, text = (
            " ".join(vocabulary.text(tokens).strip() for tokens in some) for some in (earlier[-_CONTEXT:], words)
        )
        spoken = list_spoken_words(text, before)
        if not spoken:
            return None
        if row.turn is None:
            row.turn, row.turns = row.turns, row.turns + 1
        return UserWords(row.turn, " ".join(spoken), self._caption(row, words[-1]), row.start_s, row.voice_end_s)

    def _caption(self, row: TranscriberRow, last: WordPieces = ()) -> str:
        """The turn so far as Whisper writes it; `last` is the newest word with its punctuation."""
        assert row.clip is not None
        committed = row.clip.agreement.committed
        tokens = [token for word in [*committed[:-1], last or committed[-1]] for token in word] if committed else []
        return f"{row.shown} {self._whisper.vocabulary.text(tokens).strip()}".strip()
