"""The voice-activity policy: waiting times under every preset, gaps, rows and resets."""

import pytest
import torch

from configs.audio import AUDIO
from configs.model.live_turns import VadPolicyConfig
from configs.policy import PRESETS
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.turns.turn_interface import PolicyInput
from duplex.model.layouts.turns.vad_policy import VadPolicy, VadState
from duplex.model.stages.voice_activity import VoicedFrames
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State

FRAME_MS = 20
FRAMES = AUDIO.slot_ms // FRAME_MS
POLICY = VadPolicy(VadPolicyConfig())
LONGEST = 40
"""Slots after which a policy counts as never changing its mind."""


class Listener:
    """Feeds voiced frames to one row of a policy, slot by slot."""

    def __init__(self, policy: VadPolicy, row: int = 0, rows: int = 1) -> None:
        self.policy, self.row, self.rows = policy, row, rows
        self.state: VadState = policy.init_state(rows)
        self.silence = 0

    def slot(self, voiced: list[bool], speaking: bool = False, pending: bool = True) -> float:
        for frame in voiced:
            self.silence = 0 if frame else self.silence + FRAME_MS
        frames = torch.zeros(self.rows, FRAMES, dtype=torch.bool)
        silence = torch.full((self.rows,), 10_000)
        frames[self.row], silence[self.row] = torch.tensor(voiced), self.silence
        x = PolicyInput(
            pcm=torch.zeros(self.rows, AUDIO.slot_input_samples),
            voice=VoicedFrames(frames, silence),
            speaking=torch.arange(self.rows) == (self.row if speaking else -1),
            pending=torch.arange(self.rows) == (self.row if pending else -1),
            answers=[None] * self.rows,
        )
        return self.policy.step(x, self.state, torch.arange(self.rows) == self.row).p_speak[self.row]


def change_ms(preset: str, speaking: bool, offset: int) -> int:
    """After how many ms of silence (while mute) or voice (while speaking), begun `offset` frames into a slot, the
    state changes."""
    listener, before = Listener(POLICY), State.SPEAK if speaking else State.MUTE
    memory = force(PolicyMemory(slots=10, held=10), before)
    for slot in range(LONGEST):
        late = slot == 0
        new = [not late or frame >= offset for frame in range(FRAMES)]
        voiced = [one is speaking for one in new]
        memory = decide(PRESETS[preset], memory, listener.slot(voiced, speaking))
        if memory.state is not before:
            return (slot + 1) * AUDIO.slot_ms - offset * FRAME_MS
    raise AssertionError("it never changed")


@pytest.mark.parametrize(
    ("preset", "shortest", "longest"),
    [("responsive", 360, 540), ("balanced", 560, 740), ("patient", 900, 1080)],
)
def test_silence_until_it_answers(preset: str, shortest: int, longest: int) -> None:
    waits = [change_ms(preset, False, offset) for offset in range(FRAMES)]
    assert (min(waits), max(waits)) == (shortest, longest)


@pytest.mark.parametrize(
    ("preset", "shortest", "longest"),
    [("responsive", 260, 440), ("balanced", 380, 560), ("patient", 400, 580)],
)
def test_voice_until_it_stops(preset: str, shortest: int, longest: int) -> None:
    waits = [change_ms(preset, True, offset) for offset in range(FRAMES)]
    assert (min(waits), max(waits)) == (shortest, longest)


VOICED, SILENT = [True] * FRAMES, [False] * FRAMES


def test_nothing_is_answered_where_nothing_was_said() -> None:
    listener = Listener(POLICY)
    assert [listener.slot(SILENT, pending=False) for _ in range(8)] == [0.0] * 8


def test_a_pause_gives_way_to_the_voice_after_it() -> None:
    listener = Listener(POLICY)
    rising = [listener.slot(frames) for frames in (VOICED, SILENT, SILENT, VOICED, SILENT)]
    assert rising == pytest.approx([0, 200 / 700, 400 / 700, 0, 200 / 700])


def test_a_short_gap_does_not_break_a_voice_and_a_long_one_does() -> None:
    short, long = Listener(POLICY), Listener(POLICY)
    within = [True] * 3 + [False] * 5 + [True] * 2
    beyond = [True] * 2 + [False] * 6 + [True] * 2
    assert short.slot(within, speaking=True) == pytest.approx(1 - 200 / 400)
    assert long.slot(beyond, speaking=True) == pytest.approx(1 - 40 / 400)


def test_a_gap_may_lie_across_slots_and_silence_is_no_voice() -> None:
    listener = Listener(POLICY)
    first = listener.slot([False] * 5 + [True] * 2 + [False] * 3, speaking=True)
    second = listener.slot([False] * 2 + [True] * 1 + [False] * 7, speaking=True)
    assert (first, second) == pytest.approx((1 - 40 / 400, 1.0))
    assert listener.slot(SILENT, speaking=True) == 1.0


def test_a_row_that_is_not_active_stays_as_it_is() -> None:
    listener = Listener(POLICY, row=1, rows=3)
    listener.slot([False] * 5 + [True] * 5, speaking=True)
    assert listener.state.voice_ms.tolist() == [0, 100, 0]
    assert listener.state.gap_ms.tolist() == [0, 0, 0]


def test_a_new_conversation_has_heard_no_voice() -> None:
    listener = Listener(POLICY)
    listener.slot([False] * 5 + [True] * 5, speaking=True)
    POLICY.open(0, ConversationOptions(), listener.state)
    assert listener.slot([True] * 2 + [False] * 8, speaking=True) == 1.0


def test_the_fingerprint_follows_the_configuration() -> None:
    assert POLICY.fingerprint == VadPolicy(POLICY.config).fingerprint
    assert POLICY.fingerprint != VadPolicy(VadPolicyConfig(pause_ms=901)).fingerprint
