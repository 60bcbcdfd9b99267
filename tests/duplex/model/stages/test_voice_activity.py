"""Voice activity per slot: deterministic, per row, resettable."""

import torch

from configs.audio import AUDIO
from configs.model.ears import VoiceActivityConfig
from duplex.model.stages.voice_activity import VoiceActivity

SLOT = AUDIO.slot_input_samples
STAGE = VoiceActivity(VoiceActivityConfig())
ALL = torch.ones(2, dtype=torch.bool)


def _buzz(slots: int) -> torch.Tensor:
    """A voice-like sound: a pulse train at 120 Hz through two resonances."""
    time = torch.arange(slots * SLOT) / AUDIO.input_rate
    parts = [torch.sin(2 * torch.pi * 120 * k * time) / (1 + ((120 * k - 600) / 300) ** 2) for k in range(1, 30)]
    return 0.2 * torch.stack(parts).sum(0)


def _input() -> torch.Tensor:
    silence = torch.zeros(SLOT)
    return torch.stack([torch.cat([_buzz(2), silence]), torch.cat([silence, _buzz(2)])])


def test_a_voice_is_voiced_and_silence_is_counted() -> None:
    state = STAGE.init_state(2)
    slots = [STAGE.step(slot, state, ALL) for slot in _input().split(SLOT, dim=1)]
    assert slots[0].voiced.shape == (2, STAGE.frames)
    assert slots[0].fraction[0] > 0.7
    assert slots[0].fraction[1] == 0
    assert slots[0].silence_ms.tolist() == [0, AUDIO.slot_ms]
    assert slots[1].silence_ms.tolist() == [0, 0]
    assert 0 < slots[2].silence_ms[0] <= AUDIO.slot_ms


def test_silence_grows_over_slots() -> None:
    state = STAGE.init_state(2)
    for count in range(1, 4):
        voice = STAGE.step(torch.zeros(2, SLOT), state, ALL)
        assert voice.silence_ms.tolist() == [count * AUDIO.slot_ms] * 2


def test_rows_do_not_know_their_batch() -> None:
    together, alone = STAGE.init_state(2), STAGE.init_state(1)
    for slot in _input().split(SLOT, dim=1):
        both, one = STAGE.step(slot, together, ALL), STAGE.step(slot[1:], alone, ALL[:1])
        assert torch.equal(both.voiced[1:], one.voiced)
        assert torch.equal(both.silence_ms[1:], one.silence_ms)


def test_an_inactive_row_stays_as_it_is() -> None:
    skipped, straight = STAGE.init_state(2), STAGE.init_state(2)
    first, second, _ = _input().split(SLOT, dim=1)
    STAGE.step(first, skipped, ALL)
    out = STAGE.step(second, skipped, torch.tensor([False, True]))
    assert not out.voiced[0].any()
    STAGE.step(first, straight, ALL)
    again, wanted = STAGE.step(second, skipped, ALL), STAGE.step(second, straight, ALL)
    assert torch.equal(again.voiced[0], wanted.voiced[0])
    assert again.silence_ms[0] == wanted.silence_ms[0]


def test_a_reset_row_is_a_fresh_row() -> None:
    state = STAGE.init_state(2)
    slots = _input().split(SLOT, dim=1)
    for slot in slots:
        STAGE.step(slot, state, ALL)
    state.reset(torch.tensor([True, False]))
    again, fresh = STAGE.step(slots[0], state, ALL), STAGE.step(slots[0], STAGE.init_state(2), ALL)
    assert torch.equal(again.voiced[0], fresh.voiced[0])
    assert again.silence_ms[0] == fresh.silence_ms[0]
