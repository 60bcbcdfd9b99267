"""Unit HiFi-GAN: the reference's sound on its weights, streams that equal the whole, ends and cuts without a click."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.speech_tokens import UnitVocoderConfig
from duplex.model.stages.unit_vocoder import (
    UnitDetokenizer,
    UnitVocoder,
    UnitVocoderState,
    VocoderInput,
    fold_weight_norm,
)

FOLDER = Path(__file__).parents[3] / "golden"
GOLDEN = load_file(FOLDER / "speech_tokens.safetensors")
ABOUT = json.loads((FOLDER / "speech_tokens.json").read_text(encoding="utf-8"))["vocoder"]
WEIGHTS = {
    name.removeprefix("vocoder.weights."): value.float() for name, value in GOLDEN.items() if ".weights." in name
}
CONFIG = UnitVocoderConfig.from_published(ABOUT["config"], "golden").model_copy(update={"speaker": ABOUT["speaker"]})
HOP = 320
ON, OFF = torch.tensor([True]), torch.tensor([False])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocoder")
    (folder / "config.json").write_text(json.dumps(ABOUT["config"]), encoding="utf-8")
    torch.save({"generator": WEIGHTS}, folder / "model.pt")
    save_file(WEIGHTS, folder / "model.safetensors")
    return folder / "model.pt"


@pytest.fixture(scope="module")
def vocoder(checkpoint: Path) -> UnitVocoder:
    return UnitVocoder.load(checkpoint, CONFIG)


def _units(count: int, seed: int = 0) -> Tensor:
    return torch.randint(0, CONFIG.units, (count,), generator=torch.Generator().manual_seed(seed))


def _say(stage: UnitVocoder, state: UnitVocoderState, units: Tensor, portion: int = 10) -> Tensor:
    parts = [stage.step(VocoderInput(part[None], ON, OFF), state, ON)[0] for part in units.split(portion)]
    return torch.cat(parts)


def _mute(stage: UnitVocoder, state: UnitVocoderState, slots: int, cut: bool = False) -> Tensor:
    x = VocoderInput(torch.zeros(1, 10, dtype=torch.int64), OFF, torch.tensor([cut]))
    return torch.cat([stage.step(x, state, ON)[0] for _ in range(slots)])


def test_sound_is_the_references(vocoder: UnitVocoder) -> None:
    units = GOLDEN["vocoder.units"].long()
    torch.testing.assert_close(vocoder.speak(units), GOLDEN["vocoder.samples"], rtol=0, atol=1e-5)
    assert float(GOLDEN["vocoder.samples"].std()) > 0.05


def test_lengths_are_the_references(vocoder: UnitVocoder) -> None:
    units = GOLDEN["vocoder.units"].long()
    assert torch.equal(vocoder.lengths(units), GOLDEN["vocoder.lengths"].long())
    spoken = vocoder.speak(units, predict_lengths=True)
    torch.testing.assert_close(spoken, GOLDEN["vocoder.samples_of_lengths"], rtol=0, atol=1e-5)


def test_either_file_is_read(checkpoint: Path, vocoder: UnitVocoder) -> None:
    other = UnitVocoder.load(checkpoint.with_suffix(".safetensors"))
    assert other.config == CONFIG.model_copy(update={"speaker": 0})
    for name, value in vocoder.network.state_dict().items():
        assert torch.equal(value, other.network.state_dict()[name])


def test_weight_norm_of_either_name_is_folded() -> None:
    torch.manual_seed(0)
    for made in (nn.Conv1d(4, 6, 3), nn.ConvTranspose1d(4, 6, 3)):
        layer = nn.utils.parametrizations.weight_norm(made)
        with torch.no_grad():
            layer.parametrizations.weight.original0.mul_(2)
        folded = fold_weight_norm({f"ups.0.{name}": value.detach() for name, value in layer.state_dict().items()})
        assert folded.keys() == {"ups.0.weight", "ups.0.bias"}
        torch.testing.assert_close(folded["ups.0.weight"], layer.weight.detach())


def test_the_published_sizes() -> None:
    published = UnitVocoder(UnitVocoderConfig())
    assert (published.config.hop, published.config.slot_units) == (320, 10)
    assert published.network.delay == 6418
    assert published.delay_ms == pytest.approx(401.1, abs=0.1)


@pytest.mark.parametrize("portion", [1, 7, 10, 45])
def test_the_stream_equals_the_whole(vocoder: UnitVocoder, portion: int) -> None:
    units = _units(45)
    state = vocoder.init_state(1)
    stream = torch.cat([_say(vocoder, state, units, portion), _mute(vocoder, state, 3)])
    late = round(vocoder.delay_ms * 16)
    assert not stream[:late].any()
    assert not stream[late + 45 * HOP :].any()
    torch.testing.assert_close(stream[late : late + 45 * HOP], vocoder.speak(units), rtol=0, atol=1e-5)


def test_an_utterance_of_one_unit(vocoder: UnitVocoder) -> None:
    state = vocoder.init_state(1)
    stream = torch.cat([_say(vocoder, state, _units(1)), _mute(vocoder, state, 3)])
    torch.testing.assert_close(stream[6418 : 6418 + HOP], vocoder.speak(_units(1)), rtol=0, atol=1e-5)


def test_the_next_utterance_begins_from_rest(vocoder: UnitVocoder) -> None:
    """While the end of the first one is still being played."""
    first, second = _units(20, 1), _units(20, 2)
    state = vocoder.init_state(1)
    stream = torch.cat(
        [_say(vocoder, state, first), _mute(vocoder, state, 1), _say(vocoder, state, second), _mute(vocoder, state, 3)]
    )
    expected = torch.zeros(len(stream))
    for start, units in ((0, first), (30, second)):
        begin = 6418 + start * HOP
        expected[begin : begin + 20 * HOP] += vocoder.speak(units)
    torch.testing.assert_close(stream, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mute_first", [False, True])
def test_a_cut_fades_and_then_all_is_still(vocoder: UnitVocoder, mute_first: bool) -> None:
    units = _units(40)
    state = vocoder.init_state(1)
    before = _say(vocoder, state, units)
    if mute_first:
        before = torch.cat([before, _mute(vocoder, state, 1)])
    after = _mute(vocoder, state, 3, cut=True)
    fade = CONFIG.fade_samples
    assert after[:fade].any()
    assert not after[fade:].any()
    going_on = vocoder.speak(units)[len(before) - 6418 :][:fade]
    torch.testing.assert_close(after[:fade].abs(), after[:fade].abs().minimum(going_on.abs() + 1e-5))
    step = torch.cat([before[-1:], after[: fade + 1]]).diff().abs().max()
    assert step <= before.diff().abs().max()


def test_rows_do_not_touch_each_other(vocoder: UnitVocoder) -> None:
    units = torch.stack([_units(40, 3), _units(40, 4)])
    state = vocoder.init_state(2)
    idle = torch.tensor([False, False])
    parts = []
    for slot in range(4):
        speaking = torch.tensor([True, slot < 2])
        active = torch.tensor([True, slot != 1])
        parts.append(vocoder.step(VocoderInput(units[:, slot * 10 :][:, :10], speaking, idle), state, active))
    pcm = torch.cat(parts, 1)
    alone = vocoder.init_state(1)
    torch.testing.assert_close(pcm[0], _say(vocoder, alone, units[0]), rtol=0, atol=1e-5)
    alone = vocoder.init_state(1)
    own = torch.cat([_say(vocoder, alone, units[1, :10]), torch.zeros(10 * HOP), _mute(vocoder, alone, 2)])
    torch.testing.assert_close(pcm[1], own, rtol=0, atol=1e-5)


def test_reset_forgets_only_its_rows(vocoder: UnitVocoder) -> None:
    state = vocoder.init_state(2)
    both = torch.tensor([True, True])
    x = VocoderInput(_units(20).view(2, 10), both, ~both)
    vocoder.step(x, state, both)
    kept = [part[1].clone() for part in state.kept]
    state.reset(torch.tensor([True, False]))
    assert state.fed.tolist() == [0, 10]
    assert not any(part[0].any() for part in state.kept)
    assert all(torch.equal(part[1], before) for part, before in zip(state.kept, kept, strict=True))


@pytest.mark.parametrize("ahead", [8, 100, 390])
def test_a_shorter_look_ahead_is_sooner_and_ends_the_same(vocoder: UnitVocoder, ahead: int) -> None:
    early = UnitVocoder(CONFIG.model_copy(update={"lookahead_ms": ahead})).eval()
    early.load_state_dict(vocoder.state_dict(), strict=False)
    assert early.delay_ms == ahead
    units = _units(35)
    state = early.init_state(1)
    stream = torch.cat([_say(early, state, units), _mute(early, state, 3)])
    whole, late = vocoder.speak(units), ahead * 16
    assert not stream[:late].any()
    assert not stream[late + 35 * HOP :].any()
    last = 5 * HOP
    torch.testing.assert_close(
        stream[late + 35 * HOP - last - late : late + 35 * HOP], whole[-last - late :], rtol=0, atol=1e-5
    )
    if ahead >= 390:
        torch.testing.assert_close(stream[late:][: 35 * HOP], whole, rtol=0, atol=1e-3)


def test_a_cut_fades_whatever_the_look_ahead() -> None:
    assert UnitVocoder(CONFIG.model_copy(update={"lookahead_ms": 0})).delay_ms == CONFIG.fade_ms


def test_slots_of_the_models_detokenizer(vocoder: UnitVocoder) -> None:
    detokenizer = UnitDetokenizer(vocoder)
    state = detokenizer.init_state(1)
    units = _units(40)
    slots = [detokenizer.step(VocoderInput(part[None], ON, OFF), state, ON) for part in units.split(10)]
    assert [slot.shape for slot in slots] == [(1, 4800)] * 4
    pcm = torch.cat(slots, 1)[0]
    whole = detokenizer.rate.step(
        torch.cat([torch.zeros(6418), vocoder.speak(units)])[None, : 40 * HOP], detokenizer.rate.init_state(1), ON
    )
    torch.testing.assert_close(pcm, whole[0], rtol=0, atol=1e-5)
    assert detokenizer.delay_ms == pytest.approx(vocoder.delay_ms + detokenizer.rate.delay_ms)
    state.reset(ON)
    assert not state.rate.past.any()
    assert not state.voice.fed.any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"f0": True}, "a vocoder with 'f0' needs more than units"),
        ({"model_in_dim": 80}, "model_in_dim is 80, embedding and speakers make 16"),
        ({"upsample_kernel_sizes": [11, 8, 8, 4]}, "rates has 5 values and kernels 4"),
        ({"upsample_kernel_sizes": [10, 8, 8, 4, 4]}, "its rate plus an even number"),
        ({"upsample_rates": "none"}, "'rates' is wrong"),
        ({"upsample_initial_channel": 40}, "cannot be halved 5 times"),
    ],
)
def test_published_configurations_that_do_not_work(tmp_path: Path, change: dict[str, object], said: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**ABOUT["config"], **change}), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as error:
        UnitVocoder.load(tmp_path / "model.pt")
    assert "\n" not in str(error.value)


def test_files_that_are_no_vocoder(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(ConfigError, match=r"config.json: cannot be read"):
        UnitVocoder.load(tmp_path / "model.pt")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="'num_embeddings' is missing"):
        UnitVocoder.load(tmp_path / "model.pt")
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not valid JSON"):
        UnitVocoder.load(tmp_path / "model.pt")
    with pytest.raises(ConfigError, match="there is no such file"):
        UnitVocoder.load(tmp_path / "model.pt", CONFIG)
    (tmp_path / "cut.pt").write_bytes(checkpoint.read_bytes()[:3000])
    torch.save({"generator": {"object": Path("x")}}, tmp_path / "objects.pt")
    for name in ("cut.pt", "objects.pt"):
        with pytest.raises(ConfigError, match="cannot be read as a checkpoint of plain tensors"):
            UnitVocoder.load(tmp_path / name, CONFIG)
    torch.save({"generator": {"steps": 3}}, tmp_path / "number.pt")
    with pytest.raises(ConfigError, match="holds more than tensors"):
        UnitVocoder.load(tmp_path / "number.pt", CONFIG)


def test_weights_of_another_configuration_are_named(checkpoint: Path) -> None:
    other = CONFIG.model_copy(update={"duration": None, "units": 30})
    with pytest.raises(ConfigError, match=r"0 weights missing, 10 unexpected, 1 of another shape \(dur_predictor"):
        UnitVocoder.load(checkpoint, other)


def test_a_vocoder_without_a_predictor_says_so() -> None:
    with pytest.raises(ConfigError, match="predicts no lengths; give units with their repetitions"):
        UnitVocoder(UnitVocoderConfig(units=4, embedding=2, channels=32)).lengths(_units(3))
