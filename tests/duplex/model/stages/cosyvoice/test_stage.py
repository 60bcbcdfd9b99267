"""The streaming stage: exact samples and delay, bounded cost, independent rows, no clicks at ends and cuts."""

import pytest
import torch
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.cosyvoice import AttentionWindowConfig
from duplex.model.stages.cosyvoice.checkpoint import build_flow
from duplex.model.stages.cosyvoice.random_weights import random_flow
from duplex.model.stages.cosyvoice.stage import CosyVoice
from tests.duplex.model.stages.cosyvoice.voices import small_stage, speak, step, stream_config, tokens_of

SLOT = 4800
SILENT = torch.zeros(5, dtype=torch.long)
TOLERANCE = 1e-3
"""Of samples after a long chain in float32: a difference of 1e-6 in F0 adds up in the phase."""


@pytest.fixture(scope="module")
def stage() -> CosyVoice:
    return small_stage()


def test_stream_is_the_whole_utterance_late_by_the_declared_delay(stage: CosyVoice) -> None:
    tokens = tokens_of(1, 40)
    delay = round(stage.delay_ms * 24)
    whole = stage.whole(tokens, stage.voice(), stage.config.stream.window)
    sound = speak(stage, tokens)
    assert whole.shape == (40 * 960,)
    assert not sound[:delay].any()
    torch.testing.assert_close(sound[delay : delay + len(whole)], whole, rtol=0, atol=TOLERANCE)
    assert not sound[delay + len(whole) :].any()


@pytest.mark.parametrize("hop", [5, 15, 25])
def test_every_hop_gives_the_same_samples_where_chunks_end_with_steps(hop: int) -> None:
    window = AttentionWindowConfig(chunk=hop, first=hop - 3, left=25)
    stage = small_stage(stream_config(window, hop=hop))
    tokens, delay = tokens_of(2, 75), stage.config.delay_samples
    whole = stage.whole(tokens, stage.voice(), window)
    sound = speak(stage, tokens)[delay : delay + len(whole)]
    torch.testing.assert_close(sound, whole, rtol=0, atol=TOLERANCE)


def test_shorter_lookahead_is_declared_and_keeps_the_length() -> None:
    for lookahead, delay_ms in ((3, 200.125), (2, 160.125), (1, 120.125), (0, 80.125)):
        stage = small_stage(stream_config(lookahead=lookahead))
        assert stage.delay_ms == delay_ms
        sound = speak(stage, tokens_of(3, 20))
        heard = torch.nonzero(sound).flatten()
        assert int(heard[-1]) < stage.config.delay_samples + 20 * 960
        assert int(heard[0]) >= stage.config.delay_samples


def test_step_does_not_grow_with_the_utterance(stage: CosyVoice) -> None:
    frames: list[int] = []
    attended: list[int] = []
    transformer = stage.flow.transformer
    hooks = [
        transformer.inward.register_forward_hook(lambda _, x, __: frames.append(x[0].shape[1])),
        _attention(stage).register_forward_hook(lambda _, __, y: attended.append(y[1].shape[2])),
    ]
    state = stage.init_state(1)
    sizes = []
    for part in tokens_of(4, 150).split(5):
        step(stage, state, [part], [True])
        sizes.append(_size(state.rows[0].flow) + _size(state.rows[0].vocoder) + _size(state.rows[0].queue))
    for hook in hooks:
        hook.remove()
    per_step = stage.config.flow.steps
    assert frames[-10 * per_step :] == [10] * 10 * per_step
    assert max(attended) == 50 + 10
    assert len(set(sizes[12:])) == 1


def test_memory_of_a_conversation_is_as_declared(stage: CosyVoice) -> None:
    state = stage.init_state(1)
    for part in tokens_of(5, 60).split(5):
        step(stage, state, [part], [True])
    flow = state.rows[0].flow
    assert flow is not None
    assert sum(_size(past) for past in flow.past) == stage.config.cached_values


def test_half_precision_flow_keeps_half_and_sounds_near() -> None:
    stage = small_stage()
    flow = build_flow(random_flow(stage.config), stage.config.flow).round_to(torch.bfloat16)
    half = CosyVoice(stage.config, flow, stage.vocoder, stage.speakers)
    tokens, mels = tokens_of(19, 40), []
    for each in (stage, half):
        state = each.flow.init_state(each.voice()[None])
        with torch.inference_mode():
            mels.append(each.flow.step(tokens[None], state, stage.config.stream.window, True, 3).float())
    assert {value.dtype for value in (state.past[0].keys, state.past[0].near)} == {torch.bfloat16}
    assert float((mels[0] - mels[1]).square().mean() / mels[0].square().mean()) < 1e-3
    assert speak(half, tokens).dtype is torch.float32


def test_open_chunks_stay_near_the_whole() -> None:
    """Chunks of 25 tokens with steps of 5: a frame leaves before its chunk is complete, so it can differ."""
    stage = small_stage(stream_config(AttentionWindowConfig(chunk=25, first=22, left=25)))
    tokens = tokens_of(6, 75)
    state = stage.flow.init_state(stage.voice()[None])
    with torch.inference_mode():
        whole = stage.flow.step(tokens[None], state, stage.config.stream.window, True, 3)
        state = stage.flow.init_state(stage.voice()[None])
        parts = tokens[None].split(5, 1)
        pieces = [stage.flow.step(part, state, stage.config.stream.window, part is parts[-1], 3) for part in parts]
    difference = (torch.cat(pieces, 2) - whole).square().mean().sqrt() / whole.square().mean().sqrt()
    assert 0 < float(difference) < 0.05


def test_rows_do_not_depend_on_their_batch(stage: CosyVoice) -> None:
    """The second row begins two steps later and lags behind by one inactive step."""
    tokens = [tokens_of(7, 40), tokens_of(8, 40)]
    alone = [speak(stage, row) for row in tokens]
    state = stage.init_state(2)
    sounds: list[list[Tensor]] = [[], []]
    order = [None, None, 0, 1, None, 2, 3, 4, 5, 6, 7]
    for index, place in enumerate(order):
        first = tokens[0][5 * index :][:5] if index < 8 else SILENT
        second = SILENT if place is None else tokens[1][5 * place :][:5]
        active = [True, index != 4]
        pcm = step(stage, state, [first, second], [index < 8, place is not None], [index >= 8, False], active)
        sounds[0].append(pcm[0])
        if place is not None:
            sounds[1].append(pcm[1])
        else:
            assert not pcm[1].any()
    for row, sound in enumerate(sounds):
        joined = torch.cat(sound)[: 8 * SLOT]
        torch.testing.assert_close(joined, alone[row][: 8 * SLOT], rtol=0, atol=TOLERANCE)


def test_voices_differ(stage: CosyVoice) -> None:
    state = stage.init_state(2)
    state.set_voice(1, stage.voice(torch.ones(stage.config.flow.speaker)))
    for part in tokens_of(9, 20).split(5):
        pcm = step(stage, state, [part, part], [True, True])
    assert float((pcm[0] - pcm[1]).abs().max()) > 0.01


def test_unknown_voice_is_one_clear_line(stage: CosyVoice) -> None:
    with pytest.raises(ConfigError, match="no voice 'nobody'; there are: random"):
        stage.voice("nobody")


def test_reset_row_is_a_fresh_one(stage: CosyVoice) -> None:
    state = stage.init_state(1)
    for part in tokens_of(10, 20).split(5):
        step(stage, state, [part], [True])
    state.reset(torch.tensor([True]))
    tokens = tokens_of(11, 20)
    assert torch.equal(speak(stage, tokens, state), speak(stage, tokens))


def test_leading_ids_that_are_no_speech_cost_nothing(stage: CosyVoice) -> None:
    state, beyond = stage.init_state(1), torch.full((5,), stage.config.flow.vocabulary)
    for _ in range(2):
        assert not step(stage, state, [beyond], [True]).any()
    assert state.rows[0].flow is None
    tokens = tokens_of(12, 20)
    assert torch.equal(speak(stage, tokens, state), speak(stage, tokens))


def test_ids_that_are_no_speech_within_speech_sound_as_silence(stage: CosyVoice) -> None:
    tokens = tokens_of(13, 20)
    quiet = tokens.clone()
    quiet[7:9] = stage.config.stream.silence
    tokens[7], tokens[8] = stage.config.flow.vocabulary + 1, -1
    assert torch.equal(speak(stage, tokens), speak(stage, quiet))


def test_mute_is_exact_silence(stage: CosyVoice) -> None:
    state = stage.init_state(1)
    for _ in range(3):
        assert not step(stage, state, [SILENT], [False]).any()


def test_cut_before_anything_sounded_is_silent(stage: CosyVoice) -> None:
    state = stage.init_state(1)
    step(stage, state, [tokens_of(14, 5)], [True])
    assert not step(stage, state, [SILENT], [False]).any()


@pytest.mark.parametrize("slots", [3, 4, 6, 9])
def test_cut_and_resume_do_not_click(slots: int) -> None:
    stage = small_stage(stream_config(rise_ms=2))
    state = stage.init_state(1)
    pieces = [step(stage, state, [part], [True])[0] for part in tokens_of(15, 5 * slots).split(5)]
    pieces += [step(stage, state, [SILENT], [False])[0] for _ in range(2)]
    pieces += [step(stage, state, [part], [True])[0] for part in tokens_of(16, 20).split(5)]
    sound, cut, again = torch.cat(pieces), slots * SLOT, (slots + 2) * SLOT
    assert sound[cut : cut + 100].any()
    assert not sound[cut + 192 : again + stage.config.delay_samples].any()
    onset = again + stage.config.delay_samples
    slope = sound.diff().abs()
    inside = slope[stage.config.delay_samples + 480 : cut - 480].max()
    assert slope[cut - 8 : cut + 200].max() <= inside
    assert slope[onset - 8 : onset + 60].max() <= inside


def test_joins_of_steps_are_as_smooth_as_the_inside() -> None:
    stage = small_stage(stream_config(AttentionWindowConfig(chunk=25, first=22, left=25)))
    slope = speak(stage, tokens_of(17, 120))[: 120 * 960].diff().abs()
    joins = torch.arange(2, 24) * SLOT
    at_joins = torch.stack([slope[join - 3 : join + 3].max() for join in joins.tolist()]).mean()
    elsewhere = torch.stack([slope[join + 2000 - 3 : join + 2000 + 3].max() for join in joins.tolist()]).mean()
    assert at_joins < 1.5 * elsewhere


def test_end_sounds_in_full_even_when_the_next_utterance_begins_at_once(stage: CosyVoice) -> None:
    tokens, state = tokens_of(18, 20), stage.init_state(1)
    expected, delay = speak(stage, tokens), stage.config.delay_samples
    pieces = [step(stage, state, [part], [True])[0] for part in tokens.split(5)]
    pieces.append(step(stage, state, [SILENT], [False], [True])[0])
    pieces += [step(stage, state, [part], [True])[0] for part in tokens.split(5)]
    pieces += [step(stage, state, [SILENT], [False], [True])[0] for _ in range(2)]
    sound = torch.cat(pieces)
    assert torch.equal(sound[: delay + 20 * 960], expected[: delay + 20 * 960])
    assert torch.equal(sound[5 * SLOT + delay :][: 20 * 960], expected[delay:][: 20 * 960])


def _attention(stage: CosyVoice) -> nn.Module:
    return stage.flow.transformer.get_submodule("blocks.0.attention")


def _size(value: object) -> int:
    """Numbers in all tensors of a state."""
    if isinstance(value, Tensor):
        return value.numel()
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return sum(map(_size, vars(value).values())) if hasattr(value, "__dict__") else 0
